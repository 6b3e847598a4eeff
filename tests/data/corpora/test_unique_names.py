"""No recording gets the sound of another, whatever the two are called."""

from __future__ import annotations

import io
import json
import tarfile

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from tests.support.recordings import write_recording
from tests.support.shards import sound, write_shard
from tts.core.errors import InputError
from tts.data import Filelist, JoinedCorpus, LJSpeech, TextFiles, WebDataset
from tts.data.corpora.generated import ConvertedCorpus, SourceRecording
from tts.data.corpora.manifest import ManifestRow, usable_rows
from tts.data.corpora.names import MOST_BYTES, UniqueNames, portable_name

RATE = 16000


def pitch(path):
    """Return the pitch of a tone of 0.1 s, to 10 Hz."""
    samples, rate = soundfile.read(path)
    return round(np.abs(np.fft.rfft(samples)).argmax() * rate / len(samples))


def write_tones(path, pitches):
    """Write a shard with a tone for each key, whose text is its pitch."""
    files = {}
    for key, hertz in pitches.items():
        files |= {f"{key}.wav": sound(hertz), f"{key}.txt": f"hertz {hertz}".encode()}
    write_shard(path, files)


def wrong_sounds(corpus):
    corpus.prepare()
    return [u.text for u in corpus.utterances() if u.text != f"hertz {pitch(u.wav)}"]


@pytest.mark.parametrize(
    "shards",
    [
        {"a.0.tar": {"000": 400}, "a.1.tar": {"000": 800}},
        {"a.tar": {"000": 400}, "a.tar.gz": {"000": 800}},
        {"a.tar": {"d/e": 400, "d-e": 800}},
        {"a.tar": {"b-c": 400}, "a-b.tar": {"c": 800}},
        {"a.tar": {"Clip": 400, "clip": 800, "CLIP": 1200}},
        {"a.tar": {"caf\u00e9": 400, "cafe\u0301": 800}},
        {"a.tar": {"x?": 400, "x*": 800, "x_": 1200}},
        {"a.tar": {"x  y": 400, "x y": 800}},
        {"a.tar": {"n" * 200 + "1": 400, "n" * 200 + "2": 800}},
        {"a.tar": dict(zip("\udcff\udcfe", (400, 800), strict=True))},
    ],
    ids=lambda shards: " ".join(ascii(name)[:20] for name in shards),
)
def test_every_text_keeps_its_own_sound(tmp_path, shards):
    for name, pitches in shards.items():
        write_tones(tmp_path / "shards" / name, pitches)
    corpus = WebDataset(tmp_path / "made", tmp_path / "shards")
    assert wrong_sounds(corpus) == []
    assert len(corpus.utterances()) == sum(map(len, shards.values()))


def test_shards_of_one_name_in_two_folders_are_two(tmp_path):
    write_tones(tmp_path / "shards" / "x" / "a.tar", {"0": 400})
    write_tones(tmp_path / "shards" / "y" / "a.tar", {"0": 800})
    corpus = WebDataset(tmp_path / "made", tmp_path / "shards" / "*" / "a.tar")
    assert wrong_sounds(corpus) == []
    assert len(corpus.utterances()) == 2


@pytest.mark.parametrize("between", [{}, {"1": 1200}])
def test_a_key_that_occurs_twice_in_a_shard_is_refused(tmp_path, between):
    (tmp_path / "shards").mkdir()
    with tarfile.open(tmp_path / "shards" / "a.tar", "w") as tar:
        for key, hertz in [("0", 400), *between.items(), ("0", 800)]:
            for name, data in ((f"{key}.wav", sound(hertz)), (f"{key}.txt", b"Text.")):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    with pytest.raises(InputError, match=r"a\.tar: 0: occurs twice; rename or remove one"):
        WebDataset(tmp_path / "made", tmp_path / "shards").prepare()
    assert not (tmp_path / "made").exists()
    corpus = WebDataset(tmp_path / "made", tmp_path / "shards", on_error="skip")
    corpus.prepare()
    assert pitch(corpus.utterances()[0].wav) == 400
    assert len(corpus.faults()) == 1


class Named(ConvertedCorpus):
    """Converts tones under the names that a test gives."""

    def __init__(self, root, pitches):
        super().__init__(root)
        self.pitches = pitches

    name = "tones"

    def _recipe(self):
        return {}

    def _total_amount(self):
        return len(self.pitches)

    def _recordings(self):
        for name, hertz in self.pitches:
            wave = 0.3 * np.sin(2 * np.pi * hertz * np.arange(1600) / RATE).astype(np.float32)
            yield SourceRecording(name, f"hertz {hertz}", name, lambda wave=wave: (wave, RATE))


def test_names_that_could_lead_out_of_the_folder_do_not(tmp_path):
    names = ["../../out", "/etc/out", "..", ".hidden", "C:\\out", "", "a" * 5000, "con\nsole"]
    corpus = Named(tmp_path / "made", [(name, 400 + 100 * n) for n, name in enumerate(names)])
    assert wrong_sounds(corpus) == []
    assert len(corpus.utterances()) == len(names)
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


@given(st.lists(st.text(max_size=8) | st.sampled_from("aAbB-/."), unique=True, max_size=30))
def test_names_are_unique_on_every_file_system(keys):
    names = UniqueNames()
    made = [names.name(key, key) for key in keys]
    assert len({name.casefold() for name in made}) == len(keys)
    for name in made:
        assert name == portable_name(name)
        assert 0 < len(name.encode()) <= MOST_BYTES + 65


def test_usual_names_stay_as_they_are():
    names = UniqueNames()
    usual = ["LJ001-0001", "p225_001", "b-0.1-x y", "\u043a\u043e\u0440\u0430\u0431\u043b\u044c"]
    assert [names.name(name, name) for name in usual] == usual


def write_part(root, names):
    for number, name in enumerate(names):
        write_recording(root / "wavs" / f"{name}.wav", 0.1, RATE, 400 + 100 * number)
    (root / "metadata.csv").write_text("".join(f"{name}|Text of {name}.\n" for name in names))
    return LJSpeech(root, val_fraction=0.0)


def test_parts_that_give_equal_ids_are_refused(tmp_path):
    parts = {"a": write_part(tmp_path / "1", ["b-c"]), "a-b": write_part(tmp_path / "2", ["c"])}
    with pytest.raises(InputError, match=r"'a-b-c' is the id of a: metadata\.csv:1, too; rename"):
        JoinedCorpus(tmp_path / "joined", parts=parts).prepare()


def test_a_copy_does_not_take_the_name_of_a_recording(tmp_path):
    part = write_part(tmp_path / "1", ["c", "c-960"])
    corpus = JoinedCorpus(tmp_path / "j", parts={"a": part}, copies={"a": [0.96, 0.9601, 0.9602]})
    corpus.prepare()
    assert len({u.id for u in corpus.utterances()}) == 8
    copies = [u.wav for u in corpus.utterances() if u.wav.parent.parent.name == "j"]
    assert sorted(map(pitch, copies)) == pytest.approx([384] * 3 + [480] * 3, abs=8)


def test_recordings_of_one_id_are_told_apart_in_the_message(tmp_path):
    rows = [
        ManifestRow("d-e", str(tmp_path / name), "Text.", f"t:{n}")
        for n, name in enumerate(["d/e.wav", "d-e.wav"])
    ]
    for row in rows:
        write_recording(tmp_path / row.wav, 0.1)
    faults = []
    usable_rows(tmp_path / "t", rows, faults)
    assert faults == [
        f"t:1: 'd-e' stands in t:0 already; rename one of the recordings ({rows[0].wav} and "
        f"{rows[1].wav}), or remove one of the two rows"
    ]


def test_two_formats_of_one_recording_are_named(tmp_path):
    for ending in ("wav", "flac"):
        write_recording(tmp_path / f"x.{ending}", 0.1)
    (tmp_path / "x.txt").write_text("Text.")
    with pytest.raises(InputError, match=r"rename one of the recordings \(x\.flac and x\.wav\)"):
        TextFiles(tmp_path).prepare()


def test_lists_do_not_share_an_id_for_two_recordings(tmp_path):
    for name in ("d/e", "d-e", "f"):
        write_recording(tmp_path / f"{name}.wav", 0.1)
    for part, row in (("train", "f"), ("val", "d/e"), ("test", "d-e")):
        (tmp_path / f"{part}.txt").write_text(f"{row}.wav|Text of {part}.\n")
    with pytest.raises(InputError, match=r"test\.txt:1: 'd-e' is the id of another recording in v"):
        Filelist(tmp_path, "train.txt", "val.txt", "test.txt").prepare()


@pytest.mark.parametrize("text", ["\ud800", "a\0b"])
def test_a_text_that_no_file_can_hold_is_a_fault_of_one_recording(tmp_path, text):
    fields = json.dumps({"text": text}).encode()
    write_shard(
        tmp_path / "shards" / "a.tar",
        {"0.wav": sound(), "0.json": fields, "1.wav": sound(500), "1.txt": b"Text."},
    )
    corpus = WebDataset(tmp_path / "made", tmp_path / "shards", on_error="skip")
    corpus.prepare()
    assert [fault.partition(": ")[2] for fault in corpus.faults()] == [
        "0: text or speaker holds what is no character; correct it"
    ]


def test_lists_in_lists_are_no_text(tmp_path):
    write_shard(tmp_path / "shards" / "a.tar", {"0.wav": sound(), "0.json": b"[" * 100_000})
    with pytest.raises(InputError, match="0: has no text"):
        WebDataset(tmp_path / "made", tmp_path / "shards").prepare()
