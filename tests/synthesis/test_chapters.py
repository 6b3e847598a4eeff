"""Headings of a book become chapters, whose times are those of the file."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from omegaconf import OmegaConf

from tests.audio.test_tags import comments_of, frames_in, id3_frames, id3_text, ogg_packets
from tts.audio import read_wave
from tts.audio.tags import Chapter
from tts.config import conf_dir
from tts.core.errors import InputError
from tts.inference.reader import TextReader
from tts.synthesis.chapters import BookSection, sections_of, split_headings, timed_chapters
from tts.synthesis.input import Line
from tts.synthesis.jobs import read_jobs
from tts.synthesize import synthesize
from tts.text import Tokenizer

BOOK = """A preface.

# Chapter one
It begins here.

## A part of it ##

And it goes on.

* * *

#  Chapter two  #

The end.
"""


@pytest.fixture
def run(acoustic_file, monkeypatch, tmp_path):
    """Return run(output=..., ...) -> paths, in tmp_path; fast, and without a guard."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my book.txt").write_text(BOOK)
    acoustic = str(acoustic_file())

    def go(**overrides):
        cfg = OmegaConf.load(conf_dir() / "synthesize.yaml")
        del cfg["defaults"], cfg["hydra"]
        given = {"acoustic": acoustic, "max_steps": 12, "gate_threshold": 0.999, "guard": False}
        given |= {"book": "my book.txt"}
        return synthesize(OmegaConf.merge(cfg, given, overrides))

    return go


def test_headings_are_lines_with_marks():
    assert list(split_headings("a\n# B\nc\n\n### D ##\n#e\n#\n")) == [
        *(("a", 0, 0), ("B", 1, 1), ("c\n", 2, 0), ("D", 4, 3), ("#e\n#\n", 5, 0))
    ]


def test_a_text_without_headings_is_unchanged():
    for text in ("One.\n\n\nTwo.\n", " #1 is\n#hash\n", "a # b"):
        assert sections_of(text) == [BookSection(None, text)]


def test_the_chapters_of_a_book():
    assert sections_of(BOOK) == [
        (None, "A preface."),
        (
            "Chapter one",
            "Chapter one\n\nIt begins here.\n\nA part of it\n\nAnd it goes on.\n\n* * *",
        ),
        ("Chapter two", "Chapter two\n\nThe end."),
    ]


def test_chapters_follow_each_other_to_the_end_of_the_file():
    assert timed_chapters([("a", 0.0), ("b", 2.0)], 5.0, 0.25) == (
        *(Chapter("a", 0.25, 2.25), Chapter("b", 2.25, 5.5)),
    )


def test_a_book_in_one_file_has_chapters_at_the_times_of_their_headings(run, tmp_path):
    (path,) = run(output="b.opus", json=True, margin=0.25)
    manifest = json.loads((tmp_path / "b.json").read_text())
    parts = {part["text"]: part["start"] for part in manifest["parts"]}
    assert list(parts) == [
        *("A preface.", "Chapter one", "It begins here.", "A part of it", "And it goes on."),
        *("Chapter two", "The end."),
    ]
    expected = [(title, parts[title]) for title in ("Chapter one", "Chapter two")]
    assert [(item["title"], item["start"]) for item in manifest["chapters"]] == expected
    _, comments, *_ = ogg_packets(path.read_bytes())
    fields, _ = comments_of(comments[8:])
    assert fields["TITLE"] == "my book"
    assert fields["COMMENT"] == "synthetic speech (tacoglow, voice acoustic)"
    lines = (tmp_path / "b.chapters.txt").read_text().splitlines()
    assert lines == [f"{fields[f'CHAPTER00{n}']} {fields[f'CHAPTER00{n}NAME']}" for n in (0, 1)]
    for number, (title, start) in enumerate(expected):
        hours, minutes, seconds = fields[f"CHAPTER00{number}"].split(":")
        time = 3600 * int(hours) + 60 * int(minutes) + float(seconds)
        assert time == pytest.approx(start + 0.25, abs=1e-3), title


def test_the_sound_begins_where_the_chapter_does(run, tmp_path):
    """The pauses are digital silence, so that beginnings can be found in the file."""
    (path,) = run(output="b.wav", pauses={"paragraph": 0.7}, margin=0.25)
    samples, rate = read_wave(path)
    for line in (tmp_path / "b.chapters.txt").read_text().splitlines():
        place = round(rate * float(line.split()[0].split(":")[2]))
        assert np.abs(samples[place - rate // 2 : place - 100]).max() == 0
        assert np.abs(samples[place : place + rate // 10]).max() > 0


def test_an_mp3_has_the_same_chapters(run):
    (path,) = run(output="b.mp3")
    data = path.read_bytes()
    frames = [body for name, body in id3_frames(data) if name == "CHAP"]
    titles = [id3_text(next(frames_in(body.split(b"\0", 1)[1][16:]))[1]) for body in frames]
    assert titles == ["Chapter one", "Chapter two"]
    end = int.from_bytes(frames[-1].split(b"\0", 1)[1][4:8], "big")
    info = soundfile.info(io.BytesIO(data))
    assert end == pytest.approx(1000 * info.frames / info.samplerate, abs=1)


def test_a_book_in_a_folder_names_the_chapter_of_each_file(run, tmp_path):
    run(output="out/", format="opus")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert [(entry["text"], entry.get("chapter")) for entry in manifest if "file" in entry] == [
        ("A preface.", None),
        *((text, "Chapter one") for text in ("Chapter one", "It begins here.", "A part of it")),
        ("And it goes on.", "Chapter one"),
        ("Chapter two", "Chapter two"),
        ("The end.", "Chapter two"),
    ]
    assert next(entry["file"] for entry in manifest if "file" in entry) == "0001.opus"
    assert not list(tmp_path.rglob("*.chapters.txt"))


def test_tags_are_those_of_the_configuration(run):
    tags = {"title": "T", "artist": "A, B", "album": "C", "language": "eng", "comment": None}
    (path,) = run(output="b.opus", tags=tags)
    fields = comments_of(list(ogg_packets(path.read_bytes()))[1][8:])[0]
    assert {key: value for key, value in fields.items() if not key.startswith("CHAPTER")} == {
        **{"TITLE": "T", "ARTIST": "A, B", "ALBUM": "C", "LANGUAGE": "eng"},
        "ENCODER": fields["ENCODER"],
    }


def test_a_wrong_language_is_refused_before_the_work(run):
    with pytest.raises(
        InputError, match=r"^tags\.language=English: it must be a code of three let"
    ):
        run(tags={"language": "English"}, acoustic="none")


def test_marks_hold_across_chapters():
    reader = TextReader(Tokenizer(), speakers=("ann", "bob"))
    text = "# One\n\n[speaker bob] Yes. [pause 1]\n\n# [pause 2] Two\n\nNo.\n"
    (job,) = read_jobs(reader, 0, [Line(text, "")], [Path("a.wav")], skip=False, is_book=True)
    assert [(unit.speaker, unit.pause) for unit in job.units] == [
        *((0, None), (1, 3.0), (1, None), (1, None))
    ]
    assert not any(unit.silence_before for unit in job.units)
    assert [first for _, first in job.chapters] == [0, 2]
