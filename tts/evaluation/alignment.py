"""Alignment health: does the attention read the text from its beginning to its end, once?

An attention matrix ``A`` of shape ``(T_mel, T_text)`` is reduced to a path: the symbol with the
most weight in each frame, smoothed by a running median of five frames so that a flicker of one or
two frames counts as nothing. What people see in the picture (gaps, stalls, repeats, a blur, an end
that is not reached) is then counted. Frames of a reduced decoder (``n_frames_per_step > 1``) repeat
their attention, which changes no figure but the unit of ``longest_stall``, which is frames anyway.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

#: Frames in the running median: odd, and short beside the 5 to 6 frames that a letter lasts.
MEDIAN_FRAMES = 5
#: The path may step over three silent or doubled letters ("thr[oug]h t"), not over a word.
MAX_JUMP = 4
#: Share of the way from no attention at all (1 / n_text) to a single symbol (1).
MIN_FOCUS = 0.2
MIN_COVERAGE = 0.9
MIN_MONOTONICITY = 0.9
#: In mean symbol durations: some 80 frames or one second of read speech, longer than a pause.
MAX_STALL = 15.0


@dataclass(frozen=True)
class AlignmentHealth:
    """Figures of one alignment, each readable on its own.

    Attributes:
        sharpness: mean over frames of the largest weight, from ``1 / n_text`` (a blur) to 1.
        coverage: share of the symbols that the path visits or steps over by at most
            ``MAX_JUMP``.
        monotonicity: forward travel over all travel of the path, in symbols; 0 if it never moves.
        longest_stall: longest stay on one symbol, in frames.
        skips: forward jumps of more than ``MAX_JUMP`` symbols, the way in counted from symbol -1.
        repeats: backward jumps of more than ``MAX_JUMP`` symbols.
        ends: the last tenth of the frames comes within ``MAX_JUMP`` symbols of the end.
        follows_text: all of these: ``(sharpness - 1 / n_text) / (1 - 1 / n_text) >= 0.2``,
            ``coverage >= 0.9``, ``monotonicity >= 0.9``, no skips, no repeats, ``longest_stall``
            at most 15 mean symbol durations, ``ends``.
    """

    sharpness: float
    coverage: float
    monotonicity: float
    longest_stall: int
    skips: int
    repeats: int
    ends: bool
    follows_text: bool

    def to_dict(self) -> dict[str, float]:
        """All figures as floats, for loggers."""
        return {name: float(value) for name, value in asdict(self).items()}


def alignment_health(
    alignment: Tensor, n_mel: int | None = None, n_text: int | None = None
) -> AlignmentHealth:
    """Measure one alignment.

    Args:
        alignment: ``(T_mel, T_text)`` attention weights, each row summing to 1 over the symbols.
            Frames may be decoder steps repeated ``n_frames_per_step`` times.
        n_mel: real frames, where the matrix is padded.
        n_text: real symbols, where the matrix is padded.

    Raises:
        ValueError: for anything but a matrix with at least one real frame and symbol.
    """
    if alignment.dim() != 2:
        raise ValueError(f"an alignment is (T_mel, T_text), not {tuple(alignment.shape)}")
    weights = alignment.detach()[:n_mel, :n_text].float().cpu().nan_to_num(0.0)
    if 0 in weights.shape:
        raise ValueError(f"an alignment needs a frame and a symbol, not {tuple(weights.shape)}")
    frames, symbols = weights.shape
    path = _path(weights)
    moves = path.diff(prepend=torch.tensor([-1]))  # the way in starts before the first symbol
    figures: dict[str, Any] = {
        "sharpness": float(weights.amax(dim=1).mean()),
        "coverage": _coverage(path, moves, symbols),
        "monotonicity": _monotonicity(moves[1:], symbols),
        "longest_stall": _longest_stall(path),
        "skips": int((moves > MAX_JUMP).sum()),
        "repeats": int((moves < -MAX_JUMP).sum()),
        "ends": bool(path[-max(1, frames // 10) :].max() >= symbols - 1 - MAX_JUMP),
    }
    return AlignmentHealth(**figures, follows_text=_follows(figures, frames, symbols))


def _follows(figures: dict[str, Any], frames: int, symbols: int) -> bool:
    """The conjunction that ``AlignmentHealth.follows_text`` documents."""
    chance = 1 / symbols
    focused = symbols == 1 or (figures["sharpness"] - chance) / (1 - chance) >= MIN_FOCUS
    return bool(
        focused
        and figures["coverage"] >= MIN_COVERAGE
        and figures["monotonicity"] >= MIN_MONOTONICITY
        and figures["skips"] == 0
        and figures["repeats"] == 0
        and figures["longest_stall"] <= MAX_STALL * frames / symbols
        and figures["ends"]
    )


def _path(weights: Tensor) -> Tensor:
    """``(T_mel,)`` symbol of the largest weight, smoothed by a running median."""
    strongest = weights.argmax(dim=1)
    edge = MEDIAN_FRAMES // 2
    first, last = strongest[:1].expand(edge), strongest[-1:].expand(edge)
    return torch.cat([first, strongest, last]).unfold(0, MEDIAN_FRAMES, 1).median(dim=-1).values


def _coverage(path: Tensor, moves: Tensor, symbols: int) -> float:
    """Share of symbols on the path; a short forward step covers what lies between its ends."""
    walked = (moves > 0) & (moves <= MAX_JUMP)
    start = torch.where(walked, path - moves + 1, path)
    # +1 where a visited range opens, -1 behind its end: the running sum counts the visits
    edges = torch.zeros(symbols + 1, dtype=torch.long)
    ones = torch.ones_like(path)
    edges.scatter_add_(0, start, ones).scatter_add_(0, path + 1, -ones)
    return float((edges.cumsum(0)[:symbols] > 0).float().mean())


def _monotonicity(moves: Tensor, symbols: int) -> float:
    """Forward travel over all travel; a single symbol leaves nowhere to go."""
    travel = int(moves.abs().sum())
    if travel == 0:
        return 1.0 if symbols == 1 else 0.0
    return int(moves.clamp(min=0).sum()) / travel


def _longest_stall(path: Tensor) -> int:
    """Length of the longest run of one symbol."""
    return int(torch.unique_consecutive(path, return_counts=True)[1].max())
