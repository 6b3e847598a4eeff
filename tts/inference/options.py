"""``Options``: everything that one may say about how a text is spoken, checked in one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

from tts.core.ranges import Count, Number, OptionalCount, check_fields
from tts.inference.pauses import Pauses
from tts.inference.vocoders.denoiser import Mode
from tts.models.tacotron2.stopping import GATE_THRESHOLD, MAX_STEPS

#: What an utterance may take before it is given up, in seconds: four times what people need for a
#: symbol, and two more for the silence around the shortest words.
SECONDS_PER_SYMBOL = 0.28
SECONDS_AROUND = 2.0
#: The options that vocoders have, in speaking as in judging what is spoken.
VOCODER_OPTIONS = ("sigma", "denoiser", "denoiser_mode", "polish", "sharpness")


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

    batch_size: Count = 8
    seed: Annotated[int, Number(int, least=0, most=2**63 - 1)] = 0
    max_steps: Count = MAX_STEPS
    gate_threshold: Annotated[float, Number(float, above=0, below=1)] = GATE_THRESHOLD
    attention_window: OptionalCount = None
    end_steps: OptionalCount = None
    guard: bool = True
    attempts: Count = 3
    max_chars: Count = 200
    pauses: Pauses = field(default_factory=Pauses)
    sigma: Annotated[float | None, Number(float, null=True)] = None
    denoiser: Annotated[float | None, Number(float, null=True)] = None
    denoiser_mode: Mode | None = None
    polish: Annotated[int | None, Number(int, least=0, null=True)] = None
    sharpness: Annotated[float | None, Number(float, least=0, null=True)] = None
    speaker: str | int | Sequence[str | int] | None = None

    def __post_init__(self) -> None:
        check_fields(self)


def frame_limit(n_symbols: int, frame_rate: float) -> int:
    """Frames after which an utterance is cut off: nobody speaks that slowly.

    Args:
        n_symbols: of the text.
        frame_rate: frames per second.
    """
    return round((SECONDS_AROUND + SECONDS_PER_SYMBOL * n_symbols) * frame_rate)
