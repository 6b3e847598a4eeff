"""Defines and checks everything that a caller can choose about speaking a text (``Options``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

from tts.audio.stretching import SPEEDS
from tts.core.ranges import Count, Number, OptionalCount, check_fields
from tts.inference.pauses import Pauses
from tts.inference.vocoders.denoiser import Mode
from tts.models.tacotron2.stopping import GATE_THRESHOLD, MAX_STEPS
from tts.text.tokenizer import SpeakUnknown

#: The longest time of an utterance in seconds: for each symbol four times what people need, and
#: two more seconds for the silence around the shortest words.
SECONDS_PER_SYMBOL = 0.28
SECONDS_AROUND = 2.0
#: Options that are settings of the vocoder; speaking and evaluation share them.
VOCODER_OPTIONS = ("sigma", "denoiser", "denoiser_mode", "polish", "sharpness")


@dataclass(frozen=True)
class Options:
    """Holds how a text is spoken; its fields are keyword arguments of ``Synthesizer``'s methods.

    For the settings of the vocoder, None keeps the vocoder's own setting.

    Attributes:
        batch_size: utterances of similar length that are decoded together.
        seed: seed of dropout and noise; every utterance starts from it, wherever it stands.
        max_steps: decoder steps after which an utterance is cut off, unless the length of its text
            sets an earlier end (:func:`frame_limit`).
        gate_threshold: stop probability that ends an utterance.
        attention_window: largest move of the attention in one step, in symbols; None sets no limit.
        end_steps: an utterance ends when its attention has been at the last symbol for so many
            steps; with None only the gate ends it.
        guard: decode a failed utterance again, with other seeds and then in smaller pieces, and
            keep the best result.
        attempts: seeds that the guard tries, the first included, before it cuts a text.
        on_unknown: what is done with characters that have no symbol: ``"raise"`` refuses the text,
            ``"skip"`` leaves them out and logs them, ``"spell"`` says them by their names; None is
            the policy of the tokenizer.
        max_chars: longest text that is decoded in one piece; longer ones are cut at sentences.
        pauses: silence between pieces, at speed 1.
        speed: playing speed at the same pitch, with the pauses: 2 takes half the time, 1 leaves the
            sound as it is.
        sigma: standard deviation of a WaveGlow's noise.
        denoiser: strength of a WaveGlow's denoiser.
        denoiser_mode: whether a WaveGlow's bias noise is measured on a mel of ``"zeros"`` (as
            published) or of ``"silence"``.
        polish: number of Griffin-Lim steps after a WaveGlow.
        sharpness: contrast across the bands of the mel, for Griffin-Lim and for ``polish``.
        speaker: name of the speaker, or one name for each text; a mark in the text may name
            another one.

    Raises:
        InputError: a value is not legal.
    """

    batch_size: Count = 8
    seed: Annotated[int, Number(int, least=0, most=2**63 - 1)] = 0
    max_steps: Count = MAX_STEPS
    gate_threshold: Annotated[float, Number(float, above=0, below=1)] = GATE_THRESHOLD
    attention_window: OptionalCount = None
    end_steps: OptionalCount = None
    guard: bool = True
    attempts: Count = 3
    on_unknown: SpeakUnknown | None = None
    max_chars: Count = 200
    pauses: Pauses = field(default_factory=Pauses)
    speed: Annotated[float, SPEEDS] = 1.0
    sigma: Annotated[float | None, Number(float, null=True)] = None
    denoiser: Annotated[float | None, Number(float, null=True)] = None
    denoiser_mode: Mode | None = None
    polish: Annotated[int | None, Number(int, least=0, null=True)] = None
    sharpness: Annotated[float | None, Number(float, least=0, null=True)] = None
    speaker: str | int | Sequence[str | int] | None = None

    def __post_init__(self) -> None:
        check_fields(self)


def frame_limit(n_symbols: int, frame_rate: float) -> int:
    """Return the number of frames after which an utterance is cut off; no speaker is that slow.

    Args:
        n_symbols: symbols of the text.
        frame_rate: frames per second.
    """
    return round((SECONDS_AROUND + SECONDS_PER_SYMBOL * n_symbols) * frame_rate)
