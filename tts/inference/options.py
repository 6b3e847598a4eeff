"""``Options``: everything that one may say about how a text is spoken, checked in one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tts.core.errors import InputError
from tts.inference.pauses import Pauses
from tts.inference.vocoders.denoiser import Mode
from tts.models.tacotron2.stopping import GATE_THRESHOLD, MAX_STEPS

#: What an utterance may take before it is given up, in seconds: four times what people need for a
#: symbol, and two more for the silence around the shortest words.
SECONDS_PER_SYMBOL = 0.28
SECONDS_AROUND = 2.0


@dataclass(frozen=True)
class Options:
    """How a text is spoken; keyword arguments of the methods of ``Synthesizer``.

    Attributes:
        batch_size: utterances that are decoded together; those of like length are.
        seed: of dropout and noise; every utterance starts from it, wherever it stands.
        max_steps: decoder steps after which an utterance is cut off, if the length of its text has
            not set an earlier end (:func:`frame_limit`).
        gate_threshold: stop probability that ends an utterance.
        attention_window: the attention may move by so many symbols in a step; None lets it go.
        end_steps: an utterance ends after its attention was at the last symbol for so many steps;
            None leaves that to the gate.
        guard: speak again what went wrong: with other seeds, then in smaller pieces; the best of
            them is kept.
        attempts: seeds that the guard tries, the first included, before it cuts a text.
        max_chars: of a text that is decoded in one piece; longer ones are cut at sentences.
        pauses: silence between pieces.
        sigma: of a WaveGlow's noise; None is the vocoder's own.
        denoiser: strength; None is the vocoder's own.
        denoiser_mode: measure a WaveGlow's hum on a mel of ``"zeros"`` (published) or of
            ``"silence"``; None is the vocoder's own.
        polish: of a WaveGlow, Griffin-Lim steps that follow it; None is the vocoder's own.
        sharpness: of Griffin-Lim and of these steps, contrast across the mel's bands; None is the
            vocoder's own.
        speaker: name of who speaks, or a name for each text.

    Raises:
        InputError: a value that is not legal.
    """

    batch_size: int = 8
    seed: int = 0
    max_steps: int = MAX_STEPS
    gate_threshold: float = GATE_THRESHOLD
    attention_window: int | None = None
    end_steps: int | None = None
    guard: bool = True
    attempts: int = 3
    max_chars: int = 200
    pauses: Pauses = field(default_factory=Pauses)
    sigma: float | None = None
    denoiser: float | None = None
    denoiser_mode: Mode | None = None
    polish: int | None = None
    sharpness: float | None = None
    speaker: str | int | Sequence[str | int] | None = None

    def __post_init__(self) -> None:
        for name in ("batch_size", "max_steps", "attempts", "max_chars"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; it must be 1 or more")
        for name in ("attention_window", "end_steps"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name} is {value}; it must be 1 or more, or None")
        if not 0 < self.gate_threshold < 1:
            raise InputError(f"gate_threshold is {self.gate_threshold}; it must be between 0 and 1")


def frame_limit(n_symbols: int, frame_rate: float) -> int:
    """Frames after which an utterance is cut off: nobody speaks that slowly.

    Args:
        n_symbols: of the text.
        frame_rate: frames per second.
    """
    return round((SECONDS_AROUND + SECONDS_PER_SYMBOL * n_symbols) * frame_rate)
