from __future__ import annotations

import logging
import multiprocessing
import os
import shutil
import socket
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from tts.audio import LogMel, MelConfig, read_wave
from tts.core.errors import InputError
from tts.data import LJSpeech, Processing
from tts.data.features import extract
from tts.data.features.contract import Contract
from tts.data.features.preparation import Preparation
from tts.data.features.prepared_folder import LOCAL
from tts.text import Tokenizer

COMPUTED = "tts.data.features.extract.compute_mel"


@pytest.fixture
def corpus(write_corpus):
    return LJSpeech(write_corpus())


@pytest.fixture
def computed(monkeypatch):
    """Lengths of the samples of all mels that were computed so far."""
    lengths = []
    compute_mel = extract.compute_mel

    def counting(samples, log_mel):
        lengths.append(len(samples))
        return compute_mel(samples, log_mel)

    monkeypatch.setattr(extract, "compute_mel", counting)
    return lengths


def content(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file, except for those of this machine only."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and LOCAL not in path.parts
    }


def test_mels_are_those_of_the_recordings(corpus, prepare, mel):
    prepared = prepare(corpus)
    for row, utterance in enumerate(corpus.utterances()):
        expected = LogMel(mel)(torch.from_numpy(read_wave(utterance.wav)[0]))[0]
        torch.testing.assert_close(prepared.mel(row), expected, rtol=0, atol=0)
        assert prepared.table.rows["frames"][row] == expected.shape[1]


def test_utterances_are_as_the_corpus_has_them(corpus, prepare):
    table = prepare(corpus).table
    for field, attribute in (("name", "id"), ("text", "text"), ("where", "where")):
        assert list(table.column(field)) == [getattr(u, attribute) for u in corpus.utterances()]


@pytest.mark.parametrize("rate", [22050, 44100])
def test_mels_and_segments_are_of_the_same_samples(write_corpus, prepare, mel, rate):
    corpus = LJSpeech(write_corpus(seconds=0.6, rate=rate))
    how = {"processing": Processing(trim_db=30, tail_seconds=0.3), "resample": True}
    with_waves = prepare(corpus, mels=False, **how)
    with_mels = prepare(corpus, **how)
    for row in range(4):
        samples = with_waves.whole_wave(row)
        assert len(samples) == with_mels.table.rows["samples"][row]
        expected = LogMel(mel)(torch.from_numpy(samples))[0]
        torch.testing.assert_close(with_mels.mel(row), expected, rtol=0, atol=0)


def test_samples_are_stored_only_where_they_differ(write_corpus, prepare):
    root = write_corpus()
    time = np.arange(20000) / 44100
    soundfile.write(root / "wavs" / "b.wav", np.sin(1000 * time), 44100)
    prepared = prepare(LJSpeech(root), mels=False, resample=True)
    assert (prepared.table.rows["wave"] >= 0).tolist() == [False, True, False, False]
    assert len(prepared.whole_wave(1)) == 10000


def test_nothing_is_done_twice(corpus, prepare, computed, monkeypatch):
    prepare(corpus, tokenizer=Tokenizer())
    assert len(computed) == 4
    monkeypatch.setattr(extract, "hash_file", lambda _: pytest.fail("read again"))
    monkeypatch.setattr(Tokenizer, "encode", lambda *_: pytest.fail("text read again"))
    prepare(corpus, tokenizer=Tokenizer())
    assert len(computed) == 4


def test_what_is_new_is_done(write_corpus, prepare, computed):
    prepare(LJSpeech(write_corpus("abcd")))
    prepared = prepare(LJSpeech(write_corpus("zabxcdy")))
    # b and later ones are longer now: they are other recordings
    assert len(prepared) == 7
    before = len(computed)
    root = write_corpus("zabxcdy")
    shutil.copy(root / "wavs" / "z.wav", root / "wavs" / "w.wav")
    with (root / "metadata.csv").open("a") as file:
        file.write("w|Of another name.\n")
    soundfile.write(root / "wavs" / "v.wav", np.zeros(9000), 22050)
    with (root / "metadata.csv").open("a") as file:
        file.write("v|New.\n")
    assert len(prepare(LJSpeech(root))) == 9
    assert len(computed) == before + 1  # w has the bytes of z


def test_a_changed_text_costs_no_mel(write_corpus, prepare, computed, monkeypatch):
    root = write_corpus()
    prepare(LJSpeech(root), tokenizer=Tokenizer())
    manifest = root / "metadata.csv"
    manifest.write_text(manifest.read_text().replace("Text of c", "Words of c"))
    read = []
    encode = Tokenizer.encode
    monkeypatch.setattr(Tokenizer, "encode", lambda self, t: read.append(t) or encode(self, t))
    prepared = prepare(LJSpeech(root), tokenizer=Tokenizer())
    assert prepared.table.string(2, "text") == "Words of c."
    assert (len(computed), read) == (4, ["Words of c."])


@pytest.mark.parametrize("what", ["touch", "copy"])
def test_another_date_or_place_costs_no_mel(what, write_corpus, prepare, computed, tmp_path):
    root = write_corpus()
    first = prepare(LJSpeech(root))
    if what == "touch":
        for path in (root / "wavs").iterdir():
            os.utime(path, ns=(1, 1))
    else:
        root = shutil.copytree(root, tmp_path / "elsewhere" / "corpus")
    second = prepare(LJSpeech(root))
    assert len(computed) == 4
    assert second.table.folder == first.table.folder


def change_a_byte(path):
    """Change a sample, and leave size and date as they were."""
    before = path.stat()
    data = bytearray(path.read_bytes())
    data[-2] ^= 64
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("verify", [False, True])
def test_a_change_that_keeps_size_and_date_is_found_with_verify(
    verify, write_corpus, prepare, computed
):
    root = write_corpus()
    prepare(LJSpeech(root))
    change_a_byte(root / "wavs" / "b.wav")
    prepare(LJSpeech(root), verify=verify)
    assert len(computed) == (5 if verify else 4)


def test_a_changed_recording_is_computed_again(write_corpus, prepare, computed):
    root = write_corpus()
    prepare(LJSpeech(root))
    soundfile.write(root / "wavs" / "b.wav", np.zeros(5000), 22050)
    prepared = prepare(LJSpeech(root))
    assert len(computed) == 5
    assert prepared.table.rows["samples"][1] == 5000


def test_local_files_may_be_deleted(corpus, prepare, computed, tmp_path):
    before = prepare(corpus)
    for name in ("seen.jsonl", before.table.folder.name):
        path = tmp_path / "cache" / LOCAL / name
        path.unlink(missing_ok=True)
    assert prepare(corpus).table.folder == before.table.folder
    assert len(computed) == 4


@pytest.mark.parametrize("damage", ["", "nonsense\n", '["a", 1]\n', '{"a": 3}\n'])
def test_a_damaged_recording_index_is_rewritten(corpus, prepare, computed, damage, tmp_path):
    prepare(corpus)
    (tmp_path / "cache" / LOCAL / "seen.jsonl").write_text(damage)
    prepare(corpus)
    assert len(computed) == 4


def test_folders_of_equal_corpora_are_equal(write_corpus, prepare, tmp_path):
    one, other = (LJSpeech(write_corpus(folder=f"{name}/corpus")) for name in ("x", "y"))
    for folder, corpus, workers in (("p", one, 1), ("q", other, 3)):
        prepare(
            corpus,
            folder=tmp_path / folder,
            complete=True,
            tokenizer=Tokenizer(),
            workers=workers,
        )
    assert content(tmp_path / "p") == content(tmp_path / "q")


@pytest.mark.parametrize("reason", [KeyboardInterrupt, RuntimeError])
def test_what_was_done_before_an_interruption_stays(
    corpus, prepare, computed, monkeypatch, reason, tmp_path
):
    whole = content(prepare(corpus, folder=tmp_path / "whole").folder)
    computed.clear()
    original = extract.FeatureExtractor._extract

    def interrupted(self, path):
        if path.stem == "c":
            raise reason
        return original(self, path)

    with monkeypatch.context() as patch:
        patch.setattr(extract.FeatureExtractor, "_extract", interrupted)
        with pytest.raises(reason):
            prepare(corpus, workers=1)
    assert len(computed) == 2
    assert content(prepare(corpus).folder) == whole
    assert len(computed) == 4


def unreadable(path):
    path.write_bytes(b"not sound")


@pytest.mark.parametrize("on_error", ["raise", "skip"])
@pytest.mark.parametrize("waves", [False, True])
def test_a_copy_counts_once_whichever_thread_is_faster(
    waves, on_error, write_corpus, mel, tmp_path, monkeypatch
):
    root = write_corpus()
    shutil.copy(root / "wavs" / "b.wav", root / "wavs" / "c.wav")

    def one_by_one(function, items, *_):
        yield from map(function, items)

    def all_at_once(function, items, *_):
        yield from list(map(function, items))

    counts = []
    for number, order in enumerate((one_by_one, all_at_once)):
        monkeypatch.setattr("tts.data.features.preparation.ordered_map", order)
        folder = tmp_path / f"cache{number}"
        contract = Contract(mel, Processing(trim_db=40.0), False)
        preparation = Preparation(folder, contract, mels=not waves, waves=waves, on_error=on_error)
        report = preparation.run(LJSpeech(root))[1]
        counts.append((report.n_computed, report.n_reused))
    assert counts == [(3, 1), (3, 1)]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_bytes(path.read_bytes()[:1000]), "truncated"),
        (unreadable, "cannot be read as sound"),
        (lambda path: soundfile.write(path, np.zeros((99, 2)), 22050), "2 channels"),
        (lambda path: soundfile.write(path, np.zeros(0), 22050), "no samples"),
        (lambda path: soundfile.write(path, np.zeros(100), 22050), "wave has 100 samples"),
    ],
)
def test_a_damaged_recording_is_named_with_its_row(write_corpus, prepare, spoil, message):
    root = write_corpus()
    spoil(root / "wavs" / "b.wav")
    with pytest.raises(InputError, match=rf"metadata\.csv:2: .*b\.wav: .*{message}") as error:
        prepare(LJSpeech(root))
    assert "\n" not in str(error.value)


def test_a_recording_that_vanished_is_named(write_corpus, prepare):
    corpus = LJSpeech(write_corpus())
    corpus.utterances()[2].wav.unlink()
    with pytest.raises(InputError, match=r"metadata\.csv:3: recording .*c\.wav is missing"):
        prepare(corpus)


def test_by_choice_damaged_recordings_are_left_out(write_corpus, mel, tmp_path):
    root = write_corpus()
    unreadable(root / "wavs" / "b.wav")
    how = Preparation(tmp_path / "cache", Contract(mel), on_error="skip")
    for _ in range(2):  # known or not
        prepared, report = how.run(LJSpeech(root))
        assert list(prepared.table.column("name")) == ["a", "c", "d"]
        (fault,) = report.left_out
        assert fault.startswith("metadata.csv:2: ")
    assert [u.id for u in prepared.sources] == ["a", "c", "d"]


def test_what_was_left_out_is_still_refused_without_skip(write_corpus, prepare):
    root = write_corpus()
    unreadable(root / "wavs" / "b.wav")
    prepare(LJSpeech(root), on_error="skip")
    with pytest.raises(InputError, match=r"metadata\.csv:2: .*b\.wav"):
        prepare(LJSpeech(root))


def test_a_corpus_of_damaged_recordings_is_refused_even_with_skip(write_corpus, prepare):
    root = write_corpus()
    for path in (root / "wavs").iterdir():
        unreadable(path)
    with pytest.raises(InputError, match=r"a\.wav"):
        prepare(LJSpeech(root), on_error="skip")


def with_text(root, name, text):
    manifest = root / "metadata.csv"
    manifest.write_text(manifest.read_text().replace(f"Text of {name}.", text), encoding="utf-8")
    return LJSpeech(root)


def test_by_choice_a_text_that_cannot_be_read_is_left_out(write_corpus, mel, tmp_path):
    corpus = with_text(write_corpus(), "c", "!?")
    options = {"tokenizer": Tokenizer(), "on_error": "skip"}
    _, report = Preparation(tmp_path, Contract(mel), **options).run(corpus)
    (fault,) = report.left_out
    assert fault.startswith("metadata.csv:3: text '!?': nothing in it can be pronounced")
    with pytest.raises(InputError, match=r"metadata\.csv:3"):
        Preparation(tmp_path, Contract(mel), tokenizer=Tokenizer()).run(corpus)


def test_a_text_that_cannot_be_read_costs_no_mel(write_corpus, prepare, computed):
    corpus = with_text(write_corpus(), "c", "!?")
    with pytest.raises(InputError, match=r"metadata\.csv:3"):
        prepare(corpus, tokenizer=Tokenizer())
    assert not computed


def test_every_contract_has_a_folder_of_its_own(corpus, prepare, mel, tmp_path):
    prepare(corpus)
    with pytest.raises(InputError, match=r"f_max: 8000.0 here, 7000.0 there; choose another"):
        prepare(corpus, replace(mel, f_max=7000.0))
    keys = {
        Contract(mel).key(),
        Contract(replace(mel, f_max=7000.0)).key(),
        Contract(mel, Processing(trim_db=40)).key(),
        Contract(mel, complete=True).key(),
    }
    assert len(keys) == 4


def test_a_contract_survives_being_written(mel):
    contract = Contract(mel, Processing(trim_db=40, tail_seconds=0.3), complete=True)
    assert Contract.from_dict(contract.to_dict()) == contract


def test_a_folder_of_something_else_is_refused(corpus, prepare, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds 'thesis\.txt' and no prepared\.json"):
        prepare(corpus, folder=tmp_path / "home", complete=True)


def test_a_complete_folder_holds_the_corpus_as_it_is_now(write_corpus, prepare, tmp_path):
    root = write_corpus()
    prepare(LJSpeech(root), complete=True)
    prepared = prepare(with_text(root, "a", "Something else."), complete=True)
    tables = list((tmp_path / "cache").glob("corpus-*"))
    assert tables == [prepared.table.folder]


def cut(folder):
    path = folder / "mels-00000.float32"
    path.write_bytes(path.read_bytes()[:5000])


@pytest.mark.parametrize(
    "damage",
    [
        cut,
        lambda folder: (folder / "mels-00000.float32").unlink(),
        lambda folder: (folder / "mels.index").unlink(),
        lambda folder: (folder / "prepared.json").write_text("{"),
        lambda folder: shutil.rmtree(next(folder.glob("corpus-*"))),
        lambda folder: (next(folder.glob("corpus-*")) / "rows.npy").write_bytes(b"nonsense"),
    ],
    ids=["short", "no mels", "no index", "header", "no table", "broken table"],
)
def test_a_damaged_folder_is_made_whole(corpus, prepare, damage, tmp_path):
    whole = content(prepare(corpus).folder)
    damage(tmp_path / "cache")
    prepared = prepare(corpus)
    assert content(prepared.folder) == whole
    assert torch.isfinite(prepared.mel(3)).all()


def test_the_thread_count_is_left_as_it_was(corpus, prepare):
    before = torch.get_num_threads()
    prepare(corpus)
    assert torch.get_num_threads() == before


def test_a_cache_that_cannot_be_made_is_named(corpus, prepare, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file.*choose another paths\.cache_dir"):
        prepare(corpus, folder=tmp_path / "file" / "cache")


def test_another_process_of_the_run_looks_at_no_recording(corpus, mel, tmp_path, monkeypatch):
    how = Preparation(tmp_path / "cache", Contract(mel))
    prepared, _ = how.run(corpus)
    monkeypatch.setattr(Preparation, "run", lambda *_: pytest.fail("prepared again"))
    opened = how.open(LJSpeech(corpus.root))
    assert opened.table.folder == prepared.table.folder
    assert torch.equal(opened.mel(2), prepared.mel(2))


def slowly(root, folder, done):
    """Prepare, and put the number of computed mels and the messages into a queue."""
    compute_mel, count = extract.compute_mel, []

    def slow(*arguments):
        count.append(1)
        time.sleep(0.3)
        return compute_mel(*arguments)

    extract.compute_mel = slow
    messages = []
    logging.getLogger("tts").addHandler(logging.Handler())
    handler = logging.getLogger("tts").handlers[-1]
    handler.emit = lambda record: messages.append(record.getMessage())
    logging.getLogger("tts").setLevel(logging.INFO)
    Preparation(folder, Contract(MelConfig()), workers=1).run(LJSpeech(root))
    done.put((len(count), messages))


def test_of_two_processes_one_waits_and_logs_it(corpus, tmp_path):
    context = multiprocessing.get_context("fork")
    done = context.SimpleQueue()
    processes = [
        context.Process(target=slowly, args=(corpus.root, tmp_path / "cache", done))
        for _ in range(2)
    ]
    for process in processes:
        process.start()
    results = [done.get() for _ in processes]
    for process in processes:
        process.join()
    assert sorted(count for count, _ in results) == [0, 4]
    lines = [line for _, logged in results for line in logged]
    assert sum("another process is doing this; waiting for it" in line for line in lines) == 1


def test_what_a_killed_process_left_is_removed(corpus, prepare, tmp_path):
    process = multiprocessing.get_context("fork").Process(target=int)
    process.start()
    process.join()
    ending = f"tmp-{socket.gethostname()}-{process.pid}"
    former = tmp_path / f"corpus-0123456789abcdef.{ending}"
    partial = tmp_path / "cache" / f"corpus-0123456789abcdef.{ending}"
    for folder in (former, partial):
        folder.mkdir(parents=True)
    prepare(corpus)
    assert not former.exists()
    assert not partial.exists()
