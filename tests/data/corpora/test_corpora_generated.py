"""Writes corpora into folders: data sets and shards, and what is left when that fails."""

from __future__ import annotations

import importlib.util
import io
import json
import sys

import numpy as np
import pytest
import soundfile

from tests.support import datasets_stand_in
from tests.support.shards import sound, write_shard
from tts.core.errors import InputError
from tts.data import HuggingFace, WebDataset


@pytest.fixture
def shards(tmp_path):
    """Write two shards with equal keys: text files in one, JSON in the other."""
    fields = json.dumps({"text": "From  JSON.", "who": 7}).encode()
    write_shard(
        tmp_path / "shards" / "b-0.tar", {"01.wav": sound(), "01.json": fields, "notes": b"none"}
    )
    plain = {"01.flac": sound(kind="FLAC"), "01.txt": b"From a file.\n"}
    write_shard(
        tmp_path / "shards" / "a-0.tar",
        {**plain, "x/02.WAV": sound(channels=2), "x/02.txt": b"Two."},
    )
    return tmp_path / "shards"


def test_shards_are_unpacked_once(shards, tmp_path):
    corpus = WebDataset(tmp_path / "made", shards)
    corpus.prepare()
    assert {u.id: u.text for u in corpus.utterances()} == {
        "a-0-01": "From a file.",
        "a-0-x-02": "Two.",
        "b-0-01": "From JSON.",
    }
    for utterance in corpus.utterances():
        info = soundfile.info(utterance.wav)
        assert (info.format, info.samplerate, info.channels, info.frames) == ("WAV", 16000, 1, 1600)
    for path in shards.iterdir():
        path.unlink()
    WebDataset(tmp_path / "made", shards).prepare()
    assert corpus.name == "made"


def test_samples_survive_exactly(shards, tmp_path):
    corpus = WebDataset(tmp_path / "made", shards)
    corpus.prepare()
    found, _ = soundfile.read(corpus.utterances()[0].wav, dtype="int16")
    expected, _ = soundfile.read(io.BytesIO(sound(kind="FLAC")), dtype="int16")
    np.testing.assert_array_equal(found, expected)


def test_other_settings_need_another_folder(shards, tmp_path):
    WebDataset(tmp_path / "made", shards).prepare()
    with pytest.raises(
        InputError, match=r"made with columns .*delete it or choose another data.root"
    ):
        WebDataset(tmp_path / "made", shards, {"speaker": "who"}).prepare()


def test_a_pattern_chooses_shards_and_json_has_speakers(shards, tmp_path):
    corpus = WebDataset(tmp_path / "made", shards / "b-*.tar", {"speaker": "who"})
    corpus.prepare()
    assert corpus.speakers == ("7",)


def test_no_shards_are_named(tmp_path):
    with pytest.raises(InputError, match=r"data\.source=.*: there are no shards"):
        WebDataset(tmp_path / "made", tmp_path / "none").prepare()


@pytest.fixture
def faulty(shards):
    files = {"01.wav": b"RIFF no sound", "01.txt": b"Text.", "02.wav": sound(), "02.txt": b" \n"}
    write_shard(shards / "c-0.tar", {**files, "03.wav": sound(), "03.txt": b"\xff\xfe"})
    return shards


def test_what_cannot_be_used_stops_and_leaves_nothing(faulty, tmp_path):
    with pytest.raises(InputError, match=r"c-0\.tar: 01: cannot be read as sound.*on_error=skip"):
        WebDataset(tmp_path / "made", faulty).prepare()
    assert [path.name for path in tmp_path.iterdir()] == ["shards"]


def test_what_is_skipped_is_remembered_with_the_folder(faulty, tmp_path):
    for _ in range(2):
        corpus = WebDataset(tmp_path / "made", faulty, on_error="skip")
        corpus.prepare()
        assert len(corpus.utterances()) == 3
        assert [fault.partition(": ")[2] for fault in corpus.faults()] == [
            "01: cannot be read as sound (Format not recognised)",
            "02: has no text",
            "03: has no text",
        ]
    with pytest.raises(InputError, match=r"c-0\.tar: 01: .*\(and 2 more"):
        WebDataset(tmp_path / "made", faulty).prepare()


def test_a_damaged_shard_is_named(shards, tmp_path):
    path = shards / "a-0.tar"
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(InputError, match=r"a-0\.tar: damaged \(.*\); remove it"):
        WebDataset(tmp_path / "made", shards).prepare()
    assert not (tmp_path / "made").exists()


def test_a_folder_with_something_else_is_left_alone(shards, tmp_path):
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "mine").touch()
    with pytest.raises(InputError, match="exists and is no corpus made of shards; choose another"):
        WebDataset(tmp_path / "made", shards).prepare()
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["mine"]


@pytest.fixture
def table(monkeypatch, tmp_path):
    """Return a table of the library, with sound as bytes."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    if importlib.util.find_spec("datasets") is None:
        monkeypatch.setitem(sys.modules, "datasets", datasets_stand_in)
    import datasets

    audio = [{"bytes": sound(pitch), "path": None} for pitch in (200, 300, 400)]
    rows = {
        "sound": audio,
        "said": ["One.", " Two. ", "Three."],
        "who": [1, 0, 1],
        "other": [0] * 3,
    }
    plain = datasets.Dataset.from_dict(rows)
    named = plain.cast_column("who", datasets.ClassLabel(names=["zoe", "amy"]))
    return named.cast_column("sound", datasets.Audio())


COLUMNS = {"audio": "sound", "text": "said", "speaker": "who"}


def test_a_saved_data_set_is_written_out_once(table, tmp_path):
    table.save_to_disk(tmp_path / "saved")
    corpus = HuggingFace(tmp_path / "made", tmp_path / "saved", columns=COLUMNS, n_speakers=2)
    corpus.prepare()
    found = [(u.id, u.text, corpus.speakers[u.speaker]) for u in corpus.utterances()]
    assert found == [
        ("000000", "One.", "amy"),
        ("000001", "Two.", "zoe"),
        ("000002", "Three.", "amy"),
    ]
    samples, _ = soundfile.read(corpus.utterances()[1].wav, dtype="int16")
    expected, _ = soundfile.read(io.BytesIO(sound(300)), dtype="int16")
    np.testing.assert_array_equal(samples, expected)
    assert corpus.name == "saved train"


def test_a_part_of_a_saved_data_set_is_chosen(table, tmp_path):
    import datasets

    parts = datasets.DatasetDict({"train": table, "few": table.select([2])})
    parts.save_to_disk(tmp_path / "saved")
    corpus = HuggingFace(tmp_path / "made", tmp_path / "saved", split="few", columns=COLUMNS)
    corpus.prepare()
    assert [u.text for u in corpus.utterances()] == ["Three."]
    with pytest.raises(InputError, match=r"data\.split=none: .* has train, few"):
        HuggingFace(tmp_path / "m", tmp_path / "saved", split="none", columns=COLUMNS).prepare()


def test_files_of_a_folder_are_loaded_by_the_library(table, tmp_path):
    table.to_parquet(tmp_path / "files" / "train.parquet")
    corpus = HuggingFace(
        tmp_path / "made", tmp_path / "files", columns={**COLUMNS, "speaker": None}
    )
    corpus.prepare()
    assert [u.text for u in corpus.utterances()] == ["One.", "Two.", "Three."]


def test_a_column_that_is_not_there_is_named(table, tmp_path):
    table.save_to_disk(tmp_path / "saved")
    with pytest.raises(
        InputError, match=r"data\.columns\.audio=audio: .* has sound, said, who, other"
    ):
        HuggingFace(tmp_path / "made", tmp_path / "saved").prepare()


def test_a_data_set_that_is_not_there_is_one_line(table, tmp_path):
    with pytest.raises(
        InputError, match=r"data\.source=somebody/speech: cannot be loaded: "
    ) as error:
        HuggingFace(tmp_path / "made", "somebody/speech").prepare()
    assert "\n" not in str(error.value)


def test_the_library_that_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(InputError, match=r"pip install 'tacoglow\[hf\]'"):
        HuggingFace(tmp_path / "made", "somebody/speech").prepare()
