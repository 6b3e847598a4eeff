"""Defines the pauses between pieces of speech, and fades their edges so that they do not click."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from tts.core.ranges import Number, check_fields
from tts.text.pieces import Break

#: Length of the fades at both sides of a join, seconds: too short to be heard as a fade.
FADE = 0.01

#: Seconds of silence.
Pause = Annotated[float, Number(float, least=0, most=60)]


@dataclass(frozen=True)
class Pauses:
    """Holds the seconds of silence after a piece, for each kind of ending.

    Most voices add a little silence themselves.

    Attributes:
        paragraph: pause after a piece that ends with a blank line.
        sentence: pause after a full stop, a question mark and the like.
        clause: pause after a comma, a semicolon, a bracket and the like.
        word: pause between two words where a long clause was cut.
        cut: pause where a long word was cut.

    Raises:
        InputError: a pause is negative or longer than a minute.
    """

    paragraph: Pause = 0.7
    sentence: Pause = 0.3
    clause: Pause = 0.1
    word: Pause = 0.03
    cut: Pause = 0.0

    def __post_init__(self) -> None:
        check_fields(self, "pauses.")

    def after(self, end: Break | None) -> float:
        """Return the seconds of silence after a piece; None means the end of the text."""
        return 0.0 if end is None else float(getattr(self, end.value))


def fade_length(sample_rate: int) -> int:
    """Return the length of a fade in samples."""
    return round(FADE * sample_rate)


def faded(wave: Tensor, sample_rate: int, start: bool, end: bool) -> Tensor:
    """Fade a wave ``(T_wave,)`` in at its start, or out at its end, so that it does not click."""
    n = min(fade_length(sample_rate), len(wave))
    ramp = torch.linspace(0, 1, n + 1, device=wave.device)[:-1]
    wave = wave.clone()
    if start:
        wave[:n] *= ramp
    if end:
        wave[len(wave) - n :] *= ramp.flip(0)
    return wave
