"""Time marks say when each word is heard, in four formats, true to the file."""

import json
import re

import pytest

import tts.inference.part
from tests.support.tiny_networks import tiny_synthesizer
from tts.audio import read_wave
from tts.audio.timings import TIMING_FORMATS
from tts.synthesis.output_files import needs_marks
from tts.synthesis.report import part_record
from tts.synthesis.timings import timings_path, write_timings

TEXT = "It costs £5, <they> say. And so on; more words follow."
OPTIONS = {"max_steps": 40, "gate_threshold": 0.999, "guard": False, "max_chars": 30}


@pytest.fixture(scope="module")
def speech():
    return tiny_synthesizer("griffin_lim").speak(TEXT, **OPTIONS)


def test_every_written_word_has_one_mark(speech):
    assert [mark.text for mark in speech.words] == (
        "It costs £5 they say And so on more words follow".split()
    )


def test_marks_are_in_order_and_inside_their_parts(speech):
    times = [time for mark in speech.words for time in mark[1:]]
    assert times == sorted(times)
    assert len(speech.parts) > 1
    for part in speech.parts:
        inside = [time for mark in part.words for time in mark[1:]]
        assert part.start <= min(inside)
        assert max(inside) <= part.start + part.seconds + 1e-9


def test_symbols_add_up_to_the_length_of_their_part(speech):
    for part in speech.parts:
        assert [mark.text for mark in part.phones] == list(part.symbols)
        assert part.phones[0].start == part.start
        assert part.phones[-1].end == pytest.approx(part.start + part.seconds)
        for one, other in zip(part.phones, part.phones[1:], strict=False):
            assert one.end == other.start


def test_a_stream_has_the_marks_of_the_whole(speech):
    chunks = tiny_synthesizer("griffin_lim").stream(TEXT, **OPTIONS)
    words = [mark for chunk in chunks if chunk.part is not None for mark in chunk.part.words]
    assert [mark.text for mark in words] == [mark.text for mark in speech.words]
    for ours, theirs in zip(words, speech.words, strict=True):
        assert ours[1:] == pytest.approx(theirs[1:], abs=1e-6)


def test_marks_are_not_sought_unless_they_are_wanted(monkeypatch):
    sought = []
    for name in ("written_words", "symbol_durations"):
        found = getattr(tts.inference.part, name)
        monkeypatch.setattr(
            f"tts.inference.part.{name}", lambda *a, f=found, n=name: sought.append(n) or f(*a)
        )
    spoken = tiny_synthesizer("griffin_lim").speak(TEXT, **OPTIONS)
    records = [part_record(part, marks=False) for part in spoken.parts]
    assert sought == []
    assert all(record["words"] == record["phones"] == [] for record in records)
    (part, *_) = spoken.parts
    assert part.words == part.words != ()
    assert part.phones
    assert sorted(sought) == ["symbol_durations", "written_words"]


@pytest.mark.parametrize(
    ("more", "wanted"),
    [({}, False), ({"json": True}, True), ({"timings": "srt"}, True), ({"output": "a/"}, True)],
)
def test_files_that_hold_marks_want_them(more, wanted):
    config = {"timings": None, "json": False, "output": "audio.wav"}
    assert needs_marks({**config, **more}) == wanted


@pytest.fixture
def written(speech, tmp_path):
    """Return what each format contains."""
    sound, margin = tmp_path / "audio.wav", 0.25
    speech.save(sound, margin=margin)
    records = [part_record(part) for part in speech.parts]
    contents = {}
    for kind in TIMING_FORMATS:
        write_timings(sound, kind, records, speech.seconds, margin)
        contents[kind] = timings_path(sound, kind).read_text()
    samples, rate = read_wave(sound)
    return contents, len(samples) / rate


def test_json_has_the_words_with_the_times_of_the_file(speech, written):
    contents, seconds = written
    found = json.loads(contents["json"])
    assert found["seconds"] == pytest.approx(seconds, abs=1e-3)
    assert [word["word"] for word in found["words"]] == [mark.text for mark in speech.words]
    for word, mark in zip(found["words"], speech.words, strict=True):
        assert (word["start"], word["end"]) == pytest.approx(
            (mark.start + 0.25, mark.end + 0.25), abs=1e-3
        )


def test_subtitles_have_one_cue_for_each_part(speech, written):
    contents, _ = written
    for kind, comma in (("srt", ","), ("vtt", r"\.")):
        clock = rf"\d\d:\d\d:\d\d{comma}\d\d\d"
        assert len(re.findall(rf"^{clock} --> {clock}$", contents[kind], re.M)) == len(speech.parts)
    assert contents["vtt"].startswith("WEBVTT\n")
    assert "<they>" not in contents["vtt"]


def test_a_textgrid_has_three_tiers_without_gaps(speech, written):
    contents, seconds = written
    tiers = contents["textgrid"].split("    item [")[1:]
    assert [re.search('name = "(.*)"', tier)[1] for tier in tiers] == ["parts", "words", "phones"]
    for tier in tiers:
        times = [float(time) for time in re.findall(r"            xm(?:in|ax) = (\S+)", tier)]
        assert times[0] == 0
        assert times[-1] == pytest.approx(seconds, abs=1e-3)
        assert times[1:-1:2] == times[2::2]
    words = [text for text in re.findall('text = "(.*)"', tiers[1]) if text]
    assert words == [mark.text for mark in speech.words]
