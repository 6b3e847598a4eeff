"""A speech describes itself in one line, as HTML for a notebook, and as a picture."""

import warnings
from dataclasses import replace

import pytest
import torch

from tests.support.tiny_networks import tiny_synthesizer
from tts.audio.plots.figures import symbol_labels
from tts.inference.marks import Mark
from tts.inference.part import Part

TEXT = "Is 1 < 2 & so on? Yes. No."
CUT_OFF = {"max_steps": 3, "gate_threshold": 0.999, "guard": False}


@pytest.fixture(scope="module")
def speech():
    return tiny_synthesizer("griffin_lim").speak(TEXT, max_chars=20, **CUT_OFF)


def words(figure):
    figure.draw_without_rendering()
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


def test_summary_counts_failed_parts(speech):
    n_parts = len(speech.parts)
    assert speech.summary.startswith(f"{speech.seconds:.2f} s at 8000 Hz, RTF ")
    assert speech.summary.endswith(
        f", {n_parts} parts, {n_parts} of them failed, stopped by max_steps"
    )
    assert repr(speech) == f"Speech({TEXT!r}: {speech.summary})"


def test_html_has_a_player_escaped_text_and_failed_parts(speech):
    html = speech._repr_html_()
    assert "<div>Is 1 &lt; 2 &amp; so on? Yes. No.</div>" in html
    assert 'src="data:audio/flac;base64,' in html
    assert 'src="data:image/png;base64,' in html
    assert html.count(": cut off</small>") == len(speech.parts)


def test_long_sound_is_compressed(speech, monkeypatch):
    monkeypatch.setattr("tts.inference.display._MAX_LOSSLESS_SECONDS", 0)
    assert 'src="data:audio/ogg;base64,' in speech._repr_html_()


def test_picture_of_several_parts_has_all_their_symbols(speech):
    n_parts, figure = len(speech.parts), speech.figure()
    assert any(text.endswith(f"{n_parts} of {n_parts} parts failed") for text in words(figure))
    labels = [label.get_text() for label in figure.axes[2].get_yticklabels()]
    symbols = [symbol for part in speech.parts for symbol in part.symbols]
    assert n_parts > 1
    assert labels == symbol_labels(symbols)


def test_picture_of_many_parts_has_their_first_words():
    speech = tiny_synthesizer("griffin_lim").speak(TEXT * 3, max_chars=20, **CUT_OFF)
    assert any(text.startswith("1 Is 1 < 2") for text in words(speech.figure()))


def test_picture_of_one_part_has_its_symbols():
    speech = tiny_synthesizer("griffin_lim").speak("yes", **CUT_OFF)
    texts = words(speech.figure())
    assert {"y", "e", "s"} <= set(texts)
    assert any(text.endswith("does not follow the text") for text in texts)
    assert torch.equal(speech.alignments, speech.parts[0].alignments)


def written_below_the_waveform(figure):
    """Return the words and their places; the headline is not among them."""
    texts = [
        text for text in figure.axes[0].texts if text.get_transform() == figure.axes[0].transData
    ]
    return [(text.get_text(), text.get_position()) for text in texts]


def test_words_are_written_below_the_waveform_at_their_times(speech, monkeypatch):
    part = replace(speech.parts[0], text="Yes, no.")
    marks = (Mark("Yes", 0.1, 0.3), Mark("no", 0.3, 0.45))
    monkeypatch.setattr(Part, "words", marks)
    drawn = written_below_the_waveform(
        replace(speech, wave=torch.zeros(8000), parts=[part]).figure()
    )
    assert [(text, x) for text, (x, _) in drawn] == [("Yes", 0.2), ("no", pytest.approx(0.375))]


def test_words_that_the_font_lacks_are_boxes_and_no_warnings(speech, monkeypatch):
    monkeypatch.setattr(Part, "words", (Mark("日本", 0.1, 0.3), Mark("now", 0.4, 0.6)))
    one = replace(speech, wave=torch.zeros(8000), parts=[replace(speech.parts[0], text="日本 now")])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = one.figure()
        figure.draw_without_rendering()
    assert [text for text, _ in written_below_the_waveform(figure)] == ["□□", "now"]


def test_words_that_are_too_many_or_unknown_are_not_written(monkeypatch):
    monkeypatch.setattr("tts.inference.speech_figure._MAX_WORDS", 3)
    speech = tiny_synthesizer("griffin_lim").speak("a b c d", **CUT_OFF)
    assert written_below_the_waveform(speech.figure()) == []


def test_words_in_one_place_do_not_touch():
    speech = tiny_synthesizer("griffin_lim").speak("some words without any time", **CUT_OFF)
    figure = speech.figure()
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) > 1
    touching = [
        (a, b) for n, a in enumerate(boxes) for b in boxes[:n] if a.overlaps(b) and a is not b
    ]
    assert touching == []
