"""The durations of a corpus add up, are the same in every batch, and are computed once."""

from __future__ import annotations

import csv
import itertools
import re
import shutil
import sys

import numpy as np
import pytest
import soundfile
import torch
from torch.nn import functional

from tests.support.recordings import with_speakers, write_recording
from tts.align import align
from tts.audio import MelConfig, write_wave
from tts.config import compose, resolved
from tts.core.errors import InputError
from tts.inference import Synthesizer
from tts.inference.teacher_forcing import forced_alignments
from tts.text import Tokenizer

HOP, RATE = 256, 22050


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "durations"


def run(options, acoustic, folder, *more):
    given = [*options, "task=align", f"acoustic={acoustic}", f"durations={folder}", *more]
    return align(resolved(compose(given)))


def files(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if not p.name.startswith(".")}


def rows(folder):
    with (folder / "summary.csv").open(encoding="utf-8") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def tiers(path):
    """Return the intervals (text, start, end) of each tier by name, and the length."""
    content = path.read_text(encoding="utf-8")
    number = r"(\d+\.\d+|0)"
    found = {}
    for tier in content.split("    item [")[1:]:
        pattern = rf'xmin = {number}\s+xmax = {number}\s+text = "(.*)"'
        intervals = [(text, float(a), float(b)) for a, b, text in re.findall(pattern, tier)]
        found[re.search('name = "(.*)"', tier)[1]] = intervals
    return found, float(re.search(r"xmax = (\S+)", content)[1])


def straight(network, texts, mels, seeds, speakers):
    """Return attention that stays equally long on each symbol."""
    return [
        functional.interpolate(torch.eye(len(text))[None].mT, mel.shape[1])[0].T
        for text, mel in zip(texts, mels, strict=True)
    ]


def test_durations_add_up_to_the_frames_of_the_prepared_corpus(
    options, write_acoustic, folder, tmp_path
):
    assert run(options, write_acoustic(), folder) == 0
    assert sorted(files(folder)) == sorted(
        ["summary.csv", *(f"{n}.{end}" for n in "abcdef" for end in ("npy", "TextGrid"))]
    )
    for name in "abcdef":
        durations = np.load(folder / f"{name}.npy")
        n_samples = soundfile.info(tmp_path / "corpus" / "wavs" / f"{name}.wav").frames
        assert durations.dtype == np.int64
        assert durations.shape == (len(Tokenizer().encode(f"Text of {name}.")),)
        assert durations.min() >= 0
        assert durations.sum() == n_samples // HOP + 1


def test_a_textgrid_adds_up_to_the_length_of_the_recording(
    options, write_acoustic, folder, tmp_path
):
    run(options, write_acoustic(), folder)
    for name in "abcdef":
        seconds = soundfile.info(tmp_path / "corpus" / "wavs" / f"{name}.wav").duration
        found, length = tiers(folder / f"{name}.TextGrid")
        assert list(found) == ["words", "phones"]
        assert length == pytest.approx(seconds, abs=1e-5)
        for intervals in found.values():
            assert intervals[0][1] == 0
            assert intervals[-1][2] == pytest.approx(seconds, abs=1e-5)
            for one, other in itertools.pairwise(intervals):
                assert one[2] == other[1]
        assert [text for text, *_ in found["words"] if text] == ["Text", "of", name]


def test_phones_last_as_long_as_their_frames(options, write_acoustic, folder):
    run(options, write_acoustic(), folder)
    durations = np.load(folder / "f.npy")
    lasting = durations[durations > 0]
    found, _ = tiers(folder / "f.TextGrid")
    # without the silence around the words, and without the ends, which are cut to the recording
    phones = [interval for interval in found["phones"] if interval[0]][1:-1]
    for (_, start, end), n_frames in zip(phones, lasting[1:], strict=False):
        assert (end - start) * RATE / HOP == pytest.approx(n_frames, abs=1e-3)


def test_silence_around_the_words_belongs_to_the_outer_symbols_and_to_no_word(
    options, write_acoustic, folder, tmp_path, monkeypatch
):
    monkeypatch.setattr("tts.inference.teacher_forcing.forced_alignments", straight)
    tone = 0.5 * np.sin(np.arange(RATE) / 5)
    wave = np.concatenate([np.zeros(2000), tone, np.zeros(2000)])
    write_wave(tmp_path / "corpus" / "wavs" / "g.wav", wave, RATE)
    with (tmp_path / "corpus" / "metadata.csv").open("a") as table:
        table.write("g|x|Text of g\n")
    run(options, write_acoustic(), folder)
    assert np.load(folder / "g.npy").sum() == len(wave) // HOP + 1
    found, _ = tiers(folder / "g.TextGrid")
    for intervals in found.values():
        assert (intervals[0][0], intervals[-1][0]) == ("", "")
        assert intervals[0][2] == pytest.approx(2000 / RATE, abs=0.03)
        assert intervals[-1][1] == pytest.approx(1 + 2000 / RATE, abs=0.03)


@pytest.mark.parametrize("batch_size", [1, 6])
def test_the_size_of_the_batch_changes_nothing(batch_size, options, write_acoustic, folder):
    path = write_acoustic()
    run(options, path, folder)
    other = folder.with_name("other")
    run(options, path, other, f"data.batch_size={batch_size}")
    ours, theirs = files(folder), files(other)
    figures = [[float(rows(f)[n]["attention"]) for n in "abcdef"] for f in (folder, other)]
    assert figures[0] == pytest.approx(figures[1], abs=2e-4)
    for content in (ours, theirs):
        del content["summary.csv"]
    assert ours == theirs


def test_the_summary_counts_what_the_attention_says(options, write_acoustic, folder, capsys):
    run(options, write_acoustic(), folder)
    found = rows(folder)
    assert list(found) == list("abcdef")
    for name, row in found.items():
        durations = np.load(folder / f"{name}.npy")
        assert int(row["frames"]) == durations.sum()
        assert int(row["symbols"]) == len(durations)
        assert 0 <= float(row["disagreement"]) <= 1
        assert 0 < float(row["attention"]) < 1
        # the weights are random
        assert row["problem"] == "attention does not follow the text"
    output = "".join(capsys.readouterr().out.split())
    assert "badalignments│6:a,b,c,d,e" in output


def test_a_recording_with_fewer_frames_than_symbols_is_flagged(
    options, write_acoustic, folder, tmp_path
):
    table = tmp_path / "corpus" / "metadata.csv"
    table.write_text(table.read_text() + "g|x|" + "many words " * 9 + "\n")
    write_recording(tmp_path / "corpus" / "wavs" / "g.wav", 0.3)
    run(options, write_acoustic(), folder)
    assert rows(folder)["g"]["problem"] == "fewer frames than symbols"
    assert np.load(folder / "g.npy").sum() == int(rows(folder)["g"]["frames"])


def test_nothing_is_done_twice(options, write_acoustic, folder, monkeypatch, capsys):
    path = write_acoustic()
    run(options, path, folder)
    before = files(folder)
    monkeypatch.setattr(
        "tts.inference.teacher_forcing.forced_alignments", lambda *_: pytest.fail("again")
    )
    capsys.readouterr()
    assert run(options, path, folder) == 0
    assert files(folder) == before
    assert "computed│0" in capsys.readouterr().out.replace(" ", "")


@pytest.mark.slow
def test_what_has_changed_is_computed_again(options, write_acoustic, folder, tmp_path, capsys):
    path = write_acoustic()
    run(options, path, folder)
    table = tmp_path / "corpus" / "metadata.csv"
    table.write_text(table.read_text().replace("Text of b.", "Other words of b."))
    (folder / "c.TextGrid").unlink()
    capsys.readouterr()
    run(options, path, folder)
    assert "computed│2" in capsys.readouterr().out.replace(" ", "")
    assert len(np.load(folder / "b.npy")) == len(Tokenizer().encode("Other words of b."))
    run(options, write_acoustic("b.safetensors", seed=1), folder)
    assert "computed│6" in capsys.readouterr().out.replace(" ", "")


@pytest.mark.slow
def test_an_interrupted_command_resumes(options, write_acoustic, folder, monkeypatch, capsys):
    path, calls = write_acoustic(), []
    run(options, path, folder)
    whole = files(folder)
    shutil.rmtree(folder)

    def interrupted(*args):
        if len(calls) == 1:
            raise KeyboardInterrupt
        calls.append(args)
        return forced_alignments(*args)

    monkeypatch.setattr("tts.inference.teacher_forcing.forced_alignments", interrupted)
    assert run(options, path, folder) == 130
    assert len(rows(folder)) == 2
    # a kill in the middle of a line leaves such bytes
    with (folder / "summary.csv").open("a") as file:
        file.write("d,12,")
    monkeypatch.undo()
    capsys.readouterr()
    assert run(options, path, folder) == 0
    assert files(folder) == whole
    assert "asbefore│2" in "".join(capsys.readouterr().out.split())


def test_voices_are_found_by_name(options, write_acoustic, folder, tmp_path, monkeypatch):
    voices = {}

    def noted(network, texts, mels, seeds, speakers):
        voices.update(zip((len(text) for text in texts), speakers, strict=True))
        return forced_alignments(network, texts, mels, seeds, speakers)

    monkeypatch.setattr("tts.inference.teacher_forcing.forced_alignments", noted)
    spoken = with_speakers(tmp_path, options)
    for number in range(4):  # texts of different lengths
        text = tmp_path / "spoken" / "xyxy"[number] / f"{number}.txt"
        text.write_text("word" * (number + 1))
    run(spoken, write_acoustic(n_speakers=3, speakers=["y", "z", "x"]), folder)
    assert voices == {4: 2, 8: 0, 12: 2, 16: 0}


def test_a_folder_of_other_files_is_refused_before_anything_is_prepared(
    options, write_acoustic, folder, tmp_path
):
    folder.mkdir()
    (folder / "letter.txt").write_text("hello")
    with pytest.raises(InputError, match="holds other files; name a new or an empty folder"):
        run(options, write_acoustic(), folder)
    assert not list(tmp_path.rglob("mels.index"))


def test_durations_of_another_corpus_are_not_replaced(options, write_acoustic, folder, tmp_path):
    path = write_acoustic()
    run(options, path, folder)
    before = files(folder)
    table = tmp_path / "corpus" / "metadata.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join(lines[:4]) + "\n")
    with pytest.raises(InputError, match=r"this corpus does not have \(e, f\); name another fold"):
        run(options, path, folder)
    assert files(folder) == before


def test_another_mel_contract_is_refused_before_anything_is_prepared(
    options, write_acoustic, folder, tmp_path
):
    with pytest.raises(InputError, match="was trained on other mels"):
        run(options, write_acoustic(mel=MelConfig(n_mels=40)), folder)
    assert not list(tmp_path.rglob("mels.index"))
    assert not folder.exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ([], "acoustic is required: add acoustic=CKPT"),
        (["acoustic=x", "init_from=y"], "init_from has no meaning for task=align"),
        (["acoustic=voice_vocoder"], "voice_vocoder"),
        (["acoustic=voice_acoustic", "durations=null"], "durations=null"),
        (["acoustic=voice_acoustic", "durations=/proc/none"], "/proc"),
    ],
)
def test_a_mistake_is_one_line(more, message, options, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, _, output = command("train", *options, "task=align", *more)
    assert status == 2
    assert message in output
    assert output.count("\n") == 1


def test_help_is_its_own(monkeypatch, capsys):
    from tts.commands import cli

    monkeypatch.setattr(sys, "argv", ["train.py", "task=align", "--help"])
    cli.train_command()
    output = capsys.readouterr().out
    assert output.startswith("Write how long each symbol lasts")


@pytest.mark.slow
def test_speech_of_the_voice_has_the_words_where_it_spoke_them(tmp_path, folder):
    texts = ["Hello world, I missed you so much.", "The ship was never seen again."]
    synthesizer = Synthesizer.from_pretrained("voice_acoustic")
    spoken = {f"s{n}": synthesizer.speak(text) for n, text in enumerate(texts)}
    (tmp_path / "corpus" / "wavs").mkdir(parents=True)
    for name, speech in spoken.items():
        wave = np.clip(speech.wave.numpy(), -1, 1)
        write_wave(tmp_path / "corpus" / "wavs" / f"{name}.wav", wave, speech.sample_rate)
    lines = [f"{name}|{text}|{text}\n" for name, text in zip(spoken, texts, strict=True)]
    (tmp_path / "corpus" / "metadata.csv").write_text("".join(lines))
    paths = [f"paths.{name}_dir={tmp_path}/{name}" for name in ("data", "log", "output")]
    options = ["data=ljspeech", f"data.root={tmp_path}/corpus", *paths, "trainer.accelerator=cpu"]
    assert run(options, "voice_acoustic", folder) == 0
    errors = []
    for name, speech in spoken.items():
        found, _ = tiers(folder / f"{name}.TextGrid")
        words = [interval for interval in found["words"] if interval[0]]
        assert [word[0] for word in words] == [mark.text for mark in speech.words]
        for word, mark in zip(words, speech.words, strict=True):
            errors += [abs(word[1] - mark.start), abs(word[2] - mark.end)]
        assert rows(folder)[name]["problem"] == ""
    assert np.median(errors) < 0.025
