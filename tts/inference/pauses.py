"""Pauses between what is spoken piece by piece, and edges without clicks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from tts.core.ranges import Number, check_fields
from tts.text.pieces import Break

#: Length of the fades at both sides of a join, seconds: too short to be heard as one.
FADE = 0.01

#: Seconds of silence.
Pause = Annotated[float, Number(float, least=0, most=60)]


@dataclass(frozen=True)
class Pauses:
    """Seconds of silence behind a piece, by what ends it; voices add a little of their own.

    Attributes:
        paragraph: a blank line.
        sentence: a full stop, a question mark, ...
        clause: a comma, a semicolon, a bracket, ...
        word: nothing; a long clause was cut between two words.
        cut: nothing; a long word was cut.

    Raises:
        InputError: a negative or an absurd length.
    """

    paragraph: Pause = 0.7
    sentence: Pause = 0.3
    clause: Pause = 0.1
    word: Pause = 0.03
    cut: Pause = 0.0

    def __post_init__(self) -> None:
        check_fields(self, "pauses.")

    def after(self, end: Break | None) -> float:
        """Seconds of silence behind a piece; None is the end of everything."""
        return 0.0 if end is None else float(getattr(self, end.value))


def fade_length(sample_rate: int) -> int:
    """Samples of a fade."""
    return round(FADE * sample_rate)


def faded(wave: Tensor, sample_rate: int, start: bool, end: bool) -> Tensor:
    """Let a wave ``(T_wave,)`` come out of silence, or go into it, without a click."""
    n = min(fade_length(sample_rate), len(wave))
    ramp = torch.linspace(0, 1, n + 1, device=wave.device)[:-1]
    wave = wave.clone()
    if start:
        wave[:n] *= ramp
    if end:
        wave[len(wave) - n :] *= ramp.flip(0)
    return wave
