"""A speech describes itself in one line, as HTML for a notebook, and as a picture."""

import pytest
import torch

from tests.support.tiny_networks import tiny_synthesizer
from tts.audio.plots.figures import symbol_labels

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
