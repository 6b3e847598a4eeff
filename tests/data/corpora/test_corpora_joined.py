"""Joins several corpora into one: voices, splits, and copies at other pitches."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from hydra.utils import instantiate

from tts.config import compose, resolved
from tts.core.errors import InputError
from tts.data import JoinedCorpus, LJSpeech, TextFiles

RATE = 22050


def tone(path, hertz):
    path.parent.mkdir(parents=True, exist_ok=True)
    wave = 0.3 * np.sin(2 * np.pi * hertz * np.arange(RATE // 2) / RATE)
    soundfile.write(path, wave, RATE)


def pitch(path):
    wave, rate = soundfile.read(path)
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave))))
    return np.argmax(spectrum) * rate / len(wave)


@pytest.fixture
def solo(tmp_path):
    """Ten recordings of one voice, of which two are held out."""
    names = [f"s{i}" for i in range(10)]
    for i, name in enumerate(names):
        tone(tmp_path / "solo" / "wavs" / f"{name}.wav", 400 + 10 * i)
    lines = "".join(f"{name}|Text of {name}.\n" for name in names)
    (tmp_path / "solo" / "metadata.csv").write_text(lines)
    (tmp_path / "held.txt").write_text("s3\ns7|Text of s7.\n")
    return LJSpeech(tmp_path / "solo", held_out=tmp_path / "held.txt")


@pytest.fixture
def choir(tmp_path):
    """Write a corpus of two voices with names."""
    for speaker in ("anna", "bert"):
        for i in range(2):
            tone(tmp_path / "choir" / speaker / f"{i}.wav", 300)
            (tmp_path / "choir" / speaker / f"{i}.txt").write_text(f"By {speaker}.")
    return TextFiles(tmp_path / "choir", speaker="folder", val_fraction=0.0)


def joined(tmp_path, **options):
    return JoinedCorpus(tmp_path / "joined", **options)


def test_each_part_keeps_its_voices_under_its_name(tmp_path, solo, choir):
    corpus = joined(tmp_path, parts={"solo": solo, "choir": choir}, n_speakers=3)
    corpus.prepare()
    assert corpus.speakers == ("choir-anna", "choir-bert", "solo")
    of_voice = {u.id: corpus.speakers[u.speaker] for u in corpus.utterances()}
    assert of_voice["solo-s3"] == "solo"
    assert of_voice["choir-anna-0"] == "choir-anna"
    assert len(of_voice) == 14
    assert not (tmp_path / "joined").exists()  # nothing was to be made


def test_it_is_called_by_its_parts(tmp_path, solo, choir):
    corpus = joined(tmp_path, parts={"solo": solo, "choir": choir})
    assert corpus.name == "solo and choir"


def test_each_part_is_split_by_itself(tmp_path, solo, choir):
    split = joined(tmp_path, parts={"solo": solo, "choir": choir}).split()
    assert [u.id for u in split["val"]] == ["solo-s3", "solo-s7"]
    assert len(split["train"]) == 12


def test_copies_are_raised_in_pitch_and_sped_up(tmp_path, solo):
    corpus = joined(tmp_path, parts={"solo": solo}, copies={"solo": [0.8, 1.25]})
    corpus.prepare()
    assert corpus.speakers == ("solo", "solo*0.8", "solo*1.25")
    wavs = {u.id: u.wav for u in corpus.utterances()}
    assert pitch(wavs["solo-s2-800"]) == pytest.approx(420 * 0.8, abs=2)
    assert pitch(wavs["solo-s2-1250"]) == pytest.approx(420 * 1.25, abs=2)
    info = soundfile.info(wavs["solo-s2-1250"])
    assert (info.samplerate, info.frames) == (RATE, pytest.approx(RATE / 2 / 1.25, abs=1))


def test_no_copy_is_made_of_what_is_held_out(tmp_path, solo):
    corpus = joined(tmp_path, parts={"solo": solo}, copies={"solo": [0.9]})
    corpus.prepare()
    split = corpus.split()
    assert len(split["train"]) == 16
    texts = {u.text for u in split["train"]}
    assert texts.isdisjoint(u.text for u in split["val"])


def test_copies_are_made_once(tmp_path, solo):
    options = {"parts": {"solo": solo}, "copies": {"solo": [0.9]}}
    joined(tmp_path, **options).prepare()
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "joined").rglob("*.wav")}
    assert len(made) == 8
    joined(tmp_path, **options).prepare()
    assert {path: path.stat().st_mtime_ns for path in made} == made


def test_copies_of_something_else_are_refused(tmp_path, solo):
    joined(tmp_path, parts={"solo": solo}, copies={"solo": [0.9]}).prepare()
    with pytest.raises(InputError, match=r"joined: holds a corpus made with .*; delete it"):
        joined(tmp_path, parts={"solo": solo}, copies={"solo": [0.95]}).prepare()


def test_a_faulty_row_is_named_with_its_part(tmp_path, solo):
    with (tmp_path / "solo" / "metadata.csv").open("a") as file:
        file.write("s99|Nobody recorded this.\n")
    with pytest.raises(InputError, match=r"metadata\.csv:11: recording .*s99\.wav is missing"):
        joined(tmp_path, parts={"solo": solo}).prepare()
    skipping = LJSpeech(tmp_path / "solo", on_error="skip")
    corpus = joined(tmp_path, parts={"solo": skipping}, on_error="skip")
    assert corpus.faults()[0].startswith("solo: metadata.csv:11: recording ")
    assert len(corpus.utterances()) == 10


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"parts": {}}, "data.parts: name at least one corpus"),
        ({"copies": {"duo": [0.9]}}, "data.copies: 'duo' is none of solo"),
        ({"copies": {"solo": [0.9, 3]}}, "data.copies.solo: 3; factors are 0.5 to 2"),
        (
            {"copies": {"solo": [1.0]}},
            "data.copies.solo: 1.0; .* and not 1, which would repeat the recordings",
        ),
        (
            {"held_out": "x.txt"},
            "data.held_out=x.txt: set it for a part, data.parts.NAME",
        ),
    ],
)
def test_options_that_make_no_sense(tmp_path, solo, options, message):
    with pytest.raises(InputError, match=message):
        joined(tmp_path, **{"parts": {"solo": solo}, **options})


def test_it_is_composed_of_what_the_command_line_names(tmp_path, solo):
    config = resolved(
        compose(
            [
                "data=joined",
                f"data.root={tmp_path}/joined",
                f"data.parts={{solo:{{_target_:tts.data.LJSpeech,root:{tmp_path}/solo}}}}",
                "data.copies={solo:[0.9]}",
                "data.n_speakers=2",
            ]
        )
    )
    corpus = instantiate(config["data"]["corpus"], _convert_="all")
    corpus.prepare()
    assert corpus.speakers == ("solo", "solo*0.9")
    assert config["model"]["network"]["n_speakers"] == 2
