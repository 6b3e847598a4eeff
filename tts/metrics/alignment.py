"""Measures whether the attention reads the text once, from its beginning to its end.

An attention matrix of shape ``(T_mel, T_text)`` is reduced to a path: the symbol with the largest
weight in each frame, smoothed by a running median of five frames, so that a flicker of one or two
frames has no effect. Then the faults that people see in a picture of the matrix are counted: gaps,
stalls, repeats, a blur, an end that is not reached. A decoder with ``n_frames_per_step`` above 1
repeats its attention for each frame of a step. That changes no figure except ``longest_stall``,
which is in frames.

``diagonality`` is the only figure without a path, so it is the first one that moves in training. It
is the share of the attention that lies near the straight line.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

#: Frames in the running median: odd, and not more than the 5 to 6 frames that a letter lasts.
MEDIAN_FRAMES = 5
#: Longest step of the path in symbols. It can step over three silent or doubled letters
#: ("thr[oug]h t"), but not over a word.
MAX_JUMP = 4
#: Least sharpness, as a share of the way from 1 / n_text (uniform attention) to 1 (one symbol).
MIN_FOCUS = 0.2
#: Least coverage of an alignment that follows the text.
MIN_COVERAGE = 0.9
#: Least monotonicity of an alignment that follows the text.
MIN_MONOTONICITY = 0.9
#: Longest stay on a symbol, in mean symbol durations: about 80 frames or one second of read speech,
#: longer than a pause.
MAX_STALL = 15.0
#: Half the width of the diagonal band, as a share of the text. Read speech stays inside it in spite
#: of pauses and changes of pace. A uniform attention has a fifth of its weight there.
DIAGONAL_BAND = 0.1
#: Least number of symbols for which an alignment says anything.
MIN_SYMBOLS = 2


@dataclass(frozen=True)
class AlignmentHealth:
    """Holds figures that describe the quality of one alignment, each of which has its own meaning.

    With a text of one symbol the attention has no choice. Its figures are those of a perfect
    alignment, so :func:`mean_health` ignores such texts.

    Attributes:
        diagonality: share of the attention whose distance from the straight line is at most a
            tenth of the text; 0.19 by chance, above 0.8 in healthy speech.
        sharpness: mean over frames of the largest weight, from ``1 / n_text`` (a blur) to 1.
        coverage: share of the symbols that the path visits, or passes in a forward step of at most
            ``MAX_JUMP`` symbols.
        monotonicity: symbols that the path moves forward, as a share of those that it moves in
            either direction; 0 if it never moves.
        longest_stall: longest stay on one symbol, in frames.
        skips: number of forward jumps of more than ``MAX_JUMP`` symbols; the first position counts
            as a jump from symbol -1.
        repeats: number of backward jumps of more than ``MAX_JUMP`` symbols.
        ends: whether the last tenth of the frames comes within ``MAX_JUMP`` symbols of the end.
        follows_text: whether all of the following hold:
            ``(sharpness - 1 / n_text) / (1 - 1 / n_text) >= 0.2``,
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
        """Return all figures as floats, for loggers."""
        return {name: float(value) for name, value in asdict(self).items()}


def alignment_health(
    alignment: Tensor, n_mel: int | None = None, n_text: int | None = None
) -> AlignmentHealth:
    """Measure one alignment.

    Args:
        alignment: ``(T_mel, T_text)`` attention weights, each row summing to 1 over the symbols.
            Frames may be decoder steps repeated ``n_frames_per_step`` times.
        n_mel: number of real frames if the matrix is padded.
        n_text: number of real symbols if the matrix is padded.

    Raises:
        ValueError: the alignment is not a matrix with at least one real frame and symbol.
    """
    if alignment.dim() != 2:
        raise ValueError(f"an alignment is (T_mel, T_text), not {tuple(alignment.shape)}")
    weights = alignment.detach()[:n_mel, :n_text].float().cpu().nan_to_num(0.0)
    if 0 in weights.shape:
        raise ValueError(f"an alignment needs a frame and a symbol, not {tuple(weights.shape)}")
    frames, symbols = weights.shape
    path = _path(weights)
    moves = path.diff(prepend=torch.tensor([-1]))  # the path starts before the first symbol
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
    """Return the mean of every figure over ``(T_mel, T_text)`` alignments.

    Alignments without frames, and those with fewer than ``MIN_SYMBOLS`` symbols, are ignored. The
    result is empty if no alignment is left.
    """
    figures = [
        alignment_health(alignment).to_dict()
        for alignment in alignments
        if alignment.shape[0] > 0 and alignment.shape[1] >= MIN_SYMBOLS
    ]
    names = figures[0] if figures else ()
    return {name: sum(figure[name] for figure in figures) / len(figures) for name in names}


def diagonality(alignments: Tensor, mel_lengths: Tensor, text_lengths: Tensor) -> Tensor:
    """Return the share of a batch's attention near the straight line, as a scalar on its device.

    It is cheap enough for training steps: it needs no path, and nothing leaves the GPU.

    Args:
        alignments: ``(B, T_mel, T_text)``, padded on the right.
        mel_lengths: ``(B,)`` numbers of frames.
        text_lengths: ``(B,)`` numbers of symbols.
    """
    _, n_mel, n_text = alignments.shape
    frame, symbol = (torch.arange(n, device=alignments.device) for n in (n_mel, n_text))
    time = (frame + 0.5) / mel_lengths[:, None]
    place = (symbol + 0.5) / text_lengths[:, None]
    # in a text of any length a neighbouring symbol counts as near
    band = (1 / text_lengths).clamp(min=DIAGONAL_BAND)
    near = (place[:, None] - time[:, :, None]).abs() <= band[:, None, None]
    near &= (symbol < text_lengths[:, None])[:, None] & (frame < mel_lengths[:, None])[:, :, None]
    return (alignments.detach().float() * near).sum() / mel_lengths.sum()


def _follows(figures: dict[str, Any], frames: int, symbols: int) -> bool:
    """Return whether all conditions of ``AlignmentHealth.follows_text`` hold."""
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
    """Return the ``(T_mel,)`` symbols with the largest weight, smoothed by a running median."""
    strongest = weights.argmax(dim=1)
    edge = MEDIAN_FRAMES // 2
    first, last = strongest[:1].expand(edge), strongest[-1:].expand(edge)
    return torch.cat([first, strongest, last]).unfold(0, MEDIAN_FRAMES, 1).median(dim=-1).values


def _coverage(path: Tensor, moves: Tensor, symbols: int) -> float:
    """Return the share of symbols on the path, with those that a short forward step passes."""
    short_step = (moves > 0) & (moves <= MAX_JUMP)
    start = torch.where(short_step, path - moves + 1, path)
    # +1 where a visited range starts, -1 after its end: the running sum counts the visits
    edges = torch.zeros(symbols + 1, dtype=torch.long)
    ones = torch.ones_like(path)
    edges.scatter_add_(0, start, ones).scatter_add_(0, path + 1, -ones)
    return float((edges.cumsum(0)[:symbols] > 0).float().mean())


def _monotonicity(moves: Tensor, symbols: int) -> float:
    """Return the forward share of all moves; 1 for a text of a single symbol."""
    travel = int(moves.abs().sum())
    if travel == 0:
        return 1.0 if symbols == 1 else 0.0
    return int(moves.clamp(min=0).sum()) / travel


def _longest_stall(path: Tensor) -> int:
    """Return the length of the longest run of one symbol."""
    return int(torch.unique_consecutive(path, return_counts=True)[1].max())
