"""Checks the page of the doctor: one file, with sound to play and nothing that is executed."""

import base64
import dataclasses
import io
import re
from array import array
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tts.audio import write_wave
from tts.data import Utterance
from tts.data.doctor.charts import histogram
from tts.data.doctor.diagnosis import Diagnosis
from tts.data.doctor.findings import Finding, utterance_finding
from tts.data.doctor.options import DoctorOptions
from tts.data.doctor.page import render_diagnosis
from tts.data.doctor.recording_stats import measure_recording
from tts.data.doctor.report import diagnosis_table
from tts.data.doctor.utterances import ExaminedUtterance, TextReading

EVIL = '<script>alert(\'"&")</script>'
VOID = {"meta", "br"}


class Checked(HTMLParser):
    """Sees that every element is closed, and collects elements and text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.text = [], [], ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def all(self, wanted):
        return [attributes for tag, attributes in self.elements if tag == wanted]


def _reading(n_symbols):
    return TextReading(array("I", range(n_symbols)))


@pytest.fixture
def diagnosis(tmp_path):
    cases, findings = [], []
    for number in range(14):
        path = tmp_path / f"clip{number}.wav"
        write_wave(path, 0.5 * np.sin(np.arange(4000 + 500 * number)), 8000)
        name = f"{EVIL}{number}"
        utterance = Utterance(name, path, f"{EVIL} said {number}", f"{EVIL}.csv:{number}")
        cases.append(
            ExaminedUtterance(
                utterance,
                measure_recording(path, 40)[0],
                reading=_reading(10 + number),
            )
        )
        severity = "error" if number == 7 else "warning" if number > 2 else "note"
        findings.append(utterance_finding("pace", severity, utterance, f"{EVIL} is wrong", number))
    return Diagnosis(EVIL, cases, findings)


def test_what_the_corpus_says_is_escaped(diagnosis):
    text = render_diagnosis(diagnosis, DoctorOptions())
    assert "<script" not in text
    shown = Checked(text)
    assert f"{EVIL} said 7" in shown.text
    assert f"{EVIL} is wrong" in shown.text
    assert f"Examination of {EVIL}" in shown.text


def test_control_characters_of_the_corpus_are_shown(diagnosis):
    diagnosis = dataclasses.replace(diagnosis, corpus="a\x1b]0;title\x07\u202e\udce9")
    shown = Checked(render_diagnosis(diagnosis, DoctorOptions()))
    assert r"Examination of a\x1b]0;title\x07\u202e\udce9" in shown.text


def test_the_page_needs_no_other_file(diagnosis):
    shown = Checked(render_diagnosis(diagnosis, DoctorOptions()))
    assert not {tag for tag, _ in shown.elements} & {"script", "link", "img", "iframe"}
    for _, attributes in shown.elements:
        for name in ("src", "href"):
            assert attributes.get(name, "data:").startswith("data:")


def test_the_worst_recordings_can_be_heard(diagnosis):
    shown = Checked(render_diagnosis(diagnosis, DoctorOptions(n_clips=3)))
    sounds = shown.all("audio")
    assert len(sounds) == 3
    kind, _, data = sounds[0]["src"].partition(",")
    assert kind == "data:audio/flac;base64"
    # the one with an error is the first
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(data)))
    original, _ = soundfile.read(diagnosis.cases[7].utterance.wav)
    assert rate == 8000
    np.testing.assert_array_equal(samples, original)


def test_long_recordings_are_cut(diagnosis):
    text = render_diagnosis(diagnosis, DoctorOptions(n_clips=20, clip_seconds=0.25))
    for sound in Checked(text).all("audio"):
        data = base64.b64decode(sound["src"].partition(",")[2])
        assert len(soundfile.read(io.BytesIO(data))[0]) == 2000
    assert "the first 0.25 s of 0.9 s" in text


def test_a_recording_that_is_gone_is_no_reason_to_stop(diagnosis):
    for case in diagnosis.cases:
        case.utterance.wav.unlink()
    assert "(the recording no longer exists)" in render_diagnosis(diagnosis, DoctorOptions())


def test_notes_are_not_among_the_worst(diagnosis):
    assert len(Checked(render_diagnosis(diagnosis, DoctorOptions(n_clips=20))).all("audio")) == 11


def test_many_findings_are_shortened(diagnosis):
    findings = [Finding("rows", "error", f"row {n}", gravity=-n) for n in range(250)]
    text = render_diagnosis(Diagnosis("many", diagnosis.cases, findings), DoctorOptions())
    assert "row 99<" in text
    assert "row 100<" not in text
    assert "and 150 more in doctor.json" in text


def test_a_corpus_of_which_nothing_can_be_read_has_a_page():
    case = ExaminedUtterance(
        Utterance("a", Path("a.wav"), "A.", "m:1"), None, "not found", TextReading(fault="?")
    )
    findings = [utterance_finding("unreadable", "error", case.utterance, "not found")]
    text = render_diagnosis(Diagnosis("none", [case], findings), DoctorOptions())
    assert "<svg" not in text
    assert "recordings that cannot be read" in text


def test_terminals_get_no_commands(diagnosis):
    from rich.console import Console

    finding = Finding("rows", "error", "\x1b[2Jgone [bold]?", "a.csv:1")
    console = Console(file=io.StringIO(), width=80)
    console.print(diagnosis_table(Diagnosis("c", [], [finding]), DoctorOptions()))
    printed = console.file.getvalue()
    assert "\x1b" not in printed
    assert "[bold]?" in printed


def test_the_summary_counts(diagnosis):
    counts = "14 utterances, 0.00 hours: 1 error, 10 warnings, 3 notes"
    assert diagnosis.summary == f"{EVIL}: {counts}"


def test_the_scale_of_counts_is_written_beside_every_histogram(diagnosis):
    text = render_diagnosis(diagnosis, DoctorOptions())
    assert text.count("number (square-root scale)") == text.count('viewBox="0 0 440 200"') > 0


def test_a_histogram_counts_every_value():
    for values in ([3.0], [2.0] * 3, [1e-3, 5.0, 1e4], list(range(1, 500)), [1.0, 1.0 + 1e-12]):
        for log in (True, False):
            chart = histogram("Title", "m", values, log)
            counts = [int(label.split(" m: ")[1]) for _, _, label in chart.bars]
            assert sum(counts) == len(values), (values, log)
            assert max(height for _, height, _ in chart.bars) == 1
            assert all(0 <= left < 1 for left, _, _ in chart.bars)


def test_zeros_have_a_histogram():
    ((_, _, label),) = histogram("t", "s", [0.0, 0.0, 0.0]).bars
    assert label.endswith(" s: 3")


def test_every_histogram_of_the_page_shows_every_value(diagnosis):
    text = render_diagnosis(diagnosis, DoctorOptions())
    counts = re.findall(r'<svg viewBox="0 0 440 200".*?</svg>', text, re.DOTALL)
    assert [sum(map(int, re.findall(r": (\d+)</title>", chart))) for chart in counts] == [14] * 6


@pytest.mark.parametrize("length", [1, 7, 299, 5000])
def test_an_outline_follows_the_samples(length, tmp_path):
    write_wave(tmp_path / "a.wav", np.linspace(-1, 1, length), 8000)
    utterance = Utterance("a", tmp_path / "a.wav", "A.", "m:1")
    case = ExaminedUtterance(utterance, measure_recording(utterance.wav, 40)[0])
    findings = [utterance_finding("pace", "error", utterance, "too fast")]
    text = render_diagnosis(Diagnosis("c", [case], findings), DoctorOptions())
    points = re.search('points="(.*?)"', text)[1].split()
    assert len(points) == 2 * min(length, 300)
    heights = [float(point.split(",")[1]) for point in points]
    assert min(heights) >= 2
    assert max(heights) == 78
    places = [int(point.split(",")[0]) for point in points]
    assert places == [*range(len(points) // 2), *reversed(range(len(points) // 2))]
