"""Pictures have the right size and words, and a diverged network does not break them."""

import numpy as np
import pytest
import torch

from tts.audio.plots.figures import (
    alignment_figure,
    drawable,
    figure_to_image,
    gate_figure,
    mel_figure,
    save_figure,
    symbol_labels,
)
from tts.core.errors import InputError


def words(figure):
    """Return all texts in a figure."""
    figure.draw_without_rendering()
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


@pytest.fixture
def gate():
    return gate_figure(np.linspace(0, 1, 20), 15, "a gate")


def test_mel_figure_names_every_mel_and_its_length(small):
    mels = {"target": np.zeros((20, 30)), "free_running": torch.zeros(20, 17, requires_grad=True)}
    shown = words(mel_figure(mels, small, "LJ001-0001"))
    for word in ("LJ001-0001", "target  ", "30 frames", "free_running  ", "17 frames", "time (s)"):
        assert word in shown


def test_mels_share_their_colours(small):
    mels = {"quiet": np.full((20, 5), -8.0), "loud": np.full((20, 5), 1.0)}
    figure = mel_figure(mels, small, "t")
    limits = [axes.images[0].get_clim() for axes in figure.axes if axes.images]
    assert limits == [(small.silence, 1.0)] * 2


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_diverged_mel_is_drawn(small, value):
    figure_to_image(mel_figure({"free_running": np.full((20, 5), value)}, small, "t"))


def test_alignment_has_time_along_the_bottom():
    alignment = np.zeros((30, 6))
    alignment[29, 0] = 1
    image = alignment_figure(alignment, "t").axes[0].images[0].get_array()
    assert image.shape == (6, 30)
    assert image[0, 29] == 1


def test_mels_have_an_axis_in_hertz(small):
    shown = words(mel_figure({"target": np.zeros((20, 30))}, small, "t"))
    assert {"frequency (Hz)", "500", "1000", "2000"} <= set(shown)
    assert "mel band" not in shown


def test_nearly_equal_weights_look_equal():
    """The colours stand for weights from 0 to 1, however small the largest weight is."""
    alignment = np.full((30, 25), 0.04)
    alignment[10, 10] = 0.05
    figure = alignment_figure(alignment, "an untrained network")
    assert figure.axes[0].images[0].get_clim() == (0, 1)


def test_alignment_writes_its_symbols():
    shown = words(alignment_figure(torch.ones(9, 4) / 4, "t", ["a", " ", "@AH0", "$"]))
    assert all(symbol in shown for symbol in ("a", "␣", "AH0", "$"))


def test_alignment_of_a_long_text_writes_no_symbols():
    assert "q" not in words(alignment_figure(np.ones((9, 200)), "t", ["q"] * 200))


def test_gate_marks_the_last_frame_of_the_recording(gate):
    assert "recording ends, frame 14" in words(gate)


def test_gate_without_a_recording():
    assert not any("recording" in word for word in words(gate_figure(np.ones(3), None, "t")))


def test_dollars_in_a_title_are_no_formula():
    assert "$5 and $6_x" in words(gate_figure(np.ones(3), None, "$5 and $6_x"))


def test_image_is_rgb(gate):
    image = figure_to_image(gate)
    assert (image.dtype, image.shape) == (np.uint8, (330, 1100, 3))
    assert image.std() > 0


def test_saved_picture_is_a_png(tmp_path, gate):
    save_figure(gate, tmp_path / "gate.png")
    assert (tmp_path / "gate.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in tmp_path.iterdir()] == ["gate.png"]


def test_pyplot_is_not_touched(gate):
    import subprocess
    import sys

    code = (
        "import sys; from tts.audio.plots.figures import gate_figure, figure_to_image;"
        "figure_to_image(gate_figure([0, 1], 1, 't')); sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_other_ending_is_refused(tmp_path, gate):
    with pytest.raises(InputError, match=r"a\.jpg: pictures are written as PNG"):
        save_figure(gate, tmp_path / "a.jpg")


def test_missing_folder_is_refused(tmp_path, gate):
    with pytest.raises(InputError, match=r"none/a\.png: cannot be written"):
        save_figure(gate, tmp_path / "none" / "a.png")


def test_labels_have_only_characters_that_can_be_drawn():
    assert symbol_labels(["a", " ", "@AH0", "ni3", "˨˩˦", "@"]) == [
        "a",
        "␣",
        "AH0",
        "ni3",
        "˨˩˦",
        "@",
    ]
    assert symbol_labels([*"\u1100\u116e\u11a8\u110b\u116e\u11bc"]) == [
        "g",
        "u",
        "g",
        "∅",
        "u",
        "ng",
    ]
    assert drawable("국물 1") == "gugmul 1"
    assert drawable("好") == "□"
