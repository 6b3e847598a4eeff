"""Tests of the figures of an alignment, and of the delay of the gate."""

import dataclasses

import pytest
import torch

from tts.metrics import (
    AlignmentHealth,
    alignment_health,
    diagonality,
    gate_delay,
    mean_health,
)


def planted(path, n_text, peak=0.8):
    """Return attention with weight ``peak`` on the path, and the rest on all symbols equally."""
    weights = torch.full((len(path), n_text), (1 - peak) / n_text)
    weights[torch.arange(len(path)), torch.as_tensor(path)] += peak
    return weights


def diagonal(n_mel, n_text):
    return torch.linspace(0, n_text - 1, n_mel).round().long().tolist()


@pytest.mark.parametrize(
    ("n_mel", "n_text"),
    [(400, 20), (400, 60), (60, 60), (60, 100), (30, 90), (6, 1), (9, 3), (1, 1), (1000, 180)],
)
def test_diagonal_of_any_slope_follows_the_text(n_mel, n_text):
    health = alignment_health(planted(diagonal(n_mel, n_text), n_text))
    assert health.follows_text
    assert health.coverage == pytest.approx(1.0)
    assert health.monotonicity == 1.0
    assert (health.skips, health.repeats) == (0, 0)


@pytest.mark.parametrize("r", [2, 3, 5])
def test_reduction_factor_repeats_frames_without_changing_the_verdict(r):
    steps = planted(diagonal(80, 40), 40)
    health = alignment_health(steps.repeat_interleave(r, dim=0))
    single = alignment_health(steps)
    assert health.follows_text
    assert health.sharpness == pytest.approx(single.sharpness)
    assert health.coverage == single.coverage
    assert health.longest_stall == r * single.longest_stall


def test_soft_but_moving_attention_follows_the_text():
    centre = torch.linspace(0, 59, 360)[:, None]
    weights = torch.softmax(-((torch.arange(60) - centre) ** 2) / 2, dim=1)
    assert alignment_health(weights).follows_text


def test_a_pause_inside_the_sentence_is_allowed():
    path = diagonal(300, 60)
    path = path[:150] + [path[150]] * 40 + path[150:]
    assert alignment_health(planted(path, 60)).follows_text


def test_a_flicker_of_two_frames_is_allowed():
    path = diagonal(360, 60)
    path[100:102] = [55, 55]
    assert alignment_health(planted(path, 60)).follows_text


BAD = {
    "stall": diagonal(180, 60)[:90] + [30] * 300 + diagonal(180, 60)[90:],
    "skip": [j for j in diagonal(360, 60) if not 20 <= j < 34],
    "skipped beginning": [j for j in diagonal(360, 60) if j >= 12],
    "repeat": diagonal(360, 60)[:240] + diagonal(360, 60)[150:],
    "spoken twice": diagonal(360, 60) * 2,
    "reversed": diagonal(360, 60)[::-1],
    "stuck at start": [0] * 360,
    "stuck half way": diagonal(360, 60)[:180] + [30] * 180,
    "cut off before the end": diagonal(360, 60)[:300],
    "stuck at the end": diagonal(200, 60) + [59] * 800,
    "wandering": torch.randint(60, (360,), generator=torch.Generator().manual_seed(0)).tolist(),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_path_does_not_follow_the_text(name):
    assert not alignment_health(planted(BAD[name], 60)).follows_text


@pytest.mark.parametrize(
    ("name", "figure", "expected"),
    [
        ("stall", "longest_stall", 303),
        ("skip", "skips", 1),
        ("skipped beginning", "skips", 1),
        ("repeat", "repeats", 1),
        ("spoken twice", "repeats", 1),
        ("reversed", "monotonicity", 0.0),
        ("stuck at start", "monotonicity", 0.0),
        ("stuck at start", "coverage", 1 / 60),
        ("stuck at start", "longest_stall", 360),
        ("cut off before the end", "ends", False),
        ("stuck at the end", "ends", True),
    ],
)
def test_figure_names_what_is_wrong(name, figure, expected):
    health = alignment_health(planted(BAD[name], 60))
    assert getattr(health, figure) == pytest.approx(expected, abs=1e-6)


def test_coverage_misses_the_skipped_symbols():
    health = alignment_health(planted(BAD["skip"], 60))
    assert health.coverage == pytest.approx(46 / 60)


@pytest.mark.parametrize("n_text", [3, 60])
def test_uniform_blur_does_not_follow_the_text(n_text):
    health = alignment_health(torch.full((360, n_text), 1 / n_text))
    assert not health.follows_text
    assert health.sharpness == pytest.approx(1 / n_text)


def test_faint_diagonal_on_a_blur_does_not_follow_the_text():
    assert not alignment_health(planted(diagonal(360, 60), 60, peak=0.1)).follows_text


def test_padding_changes_nothing():
    weights = planted(diagonal(100, 30), 30)
    padded = torch.rand(150, 45)
    padded[:100, :30] = weights
    assert alignment_health(padded, n_mel=100, n_text=30) == alignment_health(weights)


def test_not_a_number_does_not_follow_the_text():
    assert not alignment_health(torch.full((50, 10), torch.nan)).follows_text


@pytest.mark.parametrize("shape", [(3,), (2, 3, 4), (0, 5), (5, 0)])
def test_wrong_shape_is_refused(shape):
    with pytest.raises(ValueError, match="alignment"):
        alignment_health(torch.ones(shape))


def test_figures_reach_loggers_as_floats():
    figures = alignment_health(planted(diagonal(60, 20), 20)).to_dict()
    assert set(figures) == {field.name for field in dataclasses.fields(AlignmentHealth)}
    assert all(type(value) is float for value in figures.values())
    assert figures["follows_text"] == 1.0


@pytest.mark.parametrize(
    ("path", "low", "high"),
    [
        (diagonal(400, 60), 0.8, 1.0),
        (diagonal(180, 60)[:90] + [30] * 40 + diagonal(180, 60)[90:], 0.75, 1.0),
        (diagonal(360, 60)[::-1], 0.1, 0.25),
        ([0] * 360, 0.05, 0.2),
        (BAD["wandering"], 0.1, 0.3),
    ],
)
def test_diagonality_is_the_share_near_the_straight_line(path, low, high):
    assert low < alignment_health(planted(path, 60)).diagonality <= high


def test_diagonality_of_a_blur_is_chance():
    blur = torch.full((500, 100), 0.01)
    assert alignment_health(blur).diagonality == pytest.approx(0.19, abs=0.01)


def test_diagonality_of_a_batch_is_weighted_by_frames_and_ignores_padding():
    good, bad = planted(diagonal(300, 40), 40), planted([0] * 100, 30)
    batch = torch.rand(2, 300, 40)
    batch[0], batch[1, :100, :30] = good, bad
    both = diagonality(batch, torch.tensor([300, 100]), torch.tensor([40, 30]))
    alone = [alignment_health(x).diagonality for x in (good, bad)]
    assert float(both) == pytest.approx((3 * alone[0] + alone[1]) / 4)


def test_texts_of_one_symbol_are_not_in_the_means():
    good, single = planted(diagonal(90, 30), 30), torch.ones(50, 1)
    bad = planted([0] * 90, 30)
    assert mean_health([good, single, bad])["follows_text"] == 0.5
    assert mean_health([single]) == {}
    assert mean_health([torch.zeros(0, 5)]) == {}


@pytest.mark.parametrize(
    ("fires_at", "frames", "target", "delay"),
    [(9, 10, 10, 0), (12, 20, 10, 3), (4, 10, 10, -5), (None, 10, 10, 10), (None, 40, 10, 31)],
)
def test_gate_delay_is_counted_from_the_end_of_the_recording(fires_at, frames, target, delay):
    gate = torch.full((frames,), 0.1)
    if fires_at is not None:
        gate[fires_at:] = 0.9
    assert gate_delay(gate, target) == (delay, fires_at is not None)
