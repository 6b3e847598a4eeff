"""Alignment health: does the attention read the text from its beginning to its end, once?

An attention matrix ``A`` of shape ``(T_mel, T_text)`` is reduced to a path: the symbol with the
most weight in each frame, smoothed by a running median of five frames so that a flicker of one or
two frames counts as nothing. What people see in the picture (gaps, stalls, repeats, a blur, an end
that is not reached) is then counted. Frames of a reduced decoder (``n_frames_per_step > 1``) repeat
their attention, which changes no figure but the unit of ``longest_stall``, which is frames anyway.

``diagonality`` is the one figure that needs no path, and therefore the one that moves first in
training: how much of the attention lies near the straight line.
"""

from __future__ import annotations

from collections.abc import Iterable
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
#: Half the width of the diagonal band, as a share of the text: pauses and pace of read speech stay
#: within it, and a blur has a fifth of its weight there.
DIAGONAL_BAND = 0.1
#: The fewest symbols whose order can be followed, or not.
MIN_SYMBOLS = 2


@dataclass(frozen=True)
class AlignmentHealth:
    """Figures of one alignment, each readable on its own.

    A text of one symbol leaves the attention no choice: its figures are those of a perfect
    alignment and say nothing, so :func:`mean_health` leaves it out.

    Attributes:
        diagonality: share of the attention within a tenth of the text of the straight line; 0.19
            by chance, above 0.8 in healthy speech.
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

    diagonality: float
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
    lengths = torch.tensor([frames]), torch.tensor([symbols])
    figures: dict[str, Any] = {
        "diagonality": float(diagonality(weights[None], *lengths)),
        "sharpness": float(weights.amax(dim=1).mean()),
        "coverage": _coverage(path, moves, symbols),
        "monotonicity": _monotonicity(moves[1:], symbols),
        "longest_stall": _longest_stall(path),
        "skips": int((moves > MAX_JUMP).sum()),
        "repeats": int((moves < -MAX_JUMP).sum()),
        "ends": bool(path[-max(1, frames // 10) :].max() >= symbols - 1 - MAX_JUMP),
    }
    return AlignmentHealth(**figures, follows_text=_follows(figures, frames, symbols))


def mean_health(alignments: Iterable[Tensor]) -> dict[str, float]:
    """Mean of every figure over ``(T_mel, T_text)`` alignments; empty if none can be measured.

    Alignments of no frame, and those of texts too short to be followed, are left out.
    """
    figures = [
        alignment_health(alignment).to_dict()
        for alignment in alignments
        if alignment.shape[0] > 0 and alignment.shape[1] >= MIN_SYMBOLS
    ]
    names = figures[0] if figures else ()
    return {name: sum(figure[name] for figure in figures) / len(figures) for name in names}


def diagonality(alignments: Tensor, mel_lengths: Tensor, text_lengths: Tensor) -> Tensor:
    """Share of a batch's attention that lies near the straight line, a scalar on its device.

    Cheap enough for training steps: no path is followed and nothing leaves the GPU.

    Args:
        alignments: ``(B, T_mel, T_text)``, padded on the right.
        mel_lengths: ``(B,)``.
        text_lengths: ``(B,)``.
    """
    _, n_mel, n_text = alignments.shape
    frame, symbol = (torch.arange(n, device=alignments.device) for n in (n_mel, n_text))
    time = (frame + 0.5) / mel_lengths[:, None]
    place = (symbol + 0.5) / text_lengths[:, None]
    band = (1 / text_lengths).clamp(min=DIAGONAL_BAND)  # a neighbour is near in any text
    near = (place[:, None] - time[:, :, None]).abs() <= band[:, None, None]
    near &= (symbol < text_lengths[:, None])[:, None] & (frame < mel_lengths[:, None])[:, :, None]
    return (alignments.detach().float() * near).sum() / mel_lengths.sum()


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
