"""``Speech``: what a synthesizer gives, and the parts that it was put together from.

Time in the wave, the spectrogram and the alignment is the same: pauses between parts are silent
frames, in which the attention looks at nothing.

Shapes: ``T_text`` symbols, ``T_mel`` frames, ``T_wave`` samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tts.audio import MelConfig, Output
from tts.core.errors import shortened
from tts.metrics import AlignmentHealth

#: Gate logit of a frame behind the end of an utterance, as networks fill their padding.
ENDED = 1e3
#: Why decoding ended, best first.
STOP_REASONS = ("gate", "attention", "max_steps")


def has_failed(stop_reason: str, health: AlignmentHealth) -> bool:
    """Whether what was decoded should not be heard as it is, if it can be helped."""
    return stop_reason == "max_steps" or not health.follows_text


@dataclass(frozen=True, eq=False)
class Part:
    """What was spoken in one breath.

    Attributes:
        text: of this part.
        start: where it begins in the wave, seconds.
        seconds: how long it lasts, without the pause after it.
        seed: with which it was spoken; ``speak(text, seed=seed, guard=False)`` gives it again.
        attempts: how often this text was decoded, whole or in part, until it was good enough.
        stop_reason: ``"gate"``, ``"attention"``, or ``"max_steps"`` if it was cut off.
        health: whether the attention followed the text.
        alignments: ``(frames, T_text)`` attention weights of this part.
        gate_logits: ``(frames,)``.
        first_frame: where it begins in the spectrogram.
        compute_seconds: time of its vocoding, and its share (by frames) of its batch's decoding,
            attempts that were given up included.
        symbols: the ``T_text`` symbols of ``alignments``, where they are known.
    """

    text: str
    start: float
    seconds: float
    seed: int
    attempts: int
    stop_reason: str
    health: AlignmentHealth
    alignments: Tensor
    gate_logits: Tensor
    first_frame: int
    compute_seconds: float
    symbols: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether it was cut off, or is not what the text says."""
        return has_failed(self.stop_reason, self.health)

    @property
    def rescued(self) -> bool:
        """Whether it went wrong at first, and well in the end."""
        return self.attempts > 1 and not self.failed


@dataclass(frozen=True, eq=False, repr=False)
class Speech:
    """One spoken text; all tensors are float32 on the CPU.

    Attributes:
        wave: ``(T_wave,)`` samples, which may leave [-1, 1] a little.
        sample_rate: of ``wave``, Hz.
        mel: ``(n_mels, T_mel)`` log-mel spectrogram that was vocoded, silent in the pauses.
        text: as it was given.
        parts: what was decoded, in order; one for a text of one sentence.
        mel_config: contract of ``mel``.
    """

    wave: Tensor
    sample_rate: int
    mel: Tensor
    text: str
    parts: tuple[Part, ...]
    mel_config: MelConfig

    @property
    def seconds(self) -> float:
        """Length of the sound."""
        return len(self.wave) / self.sample_rate

    @property
    def compute_seconds(self) -> float:
        """Time that it took to compute."""
        return sum(part.compute_seconds for part in self.parts)

    @property
    def rtf(self) -> float:
        """Real-time factor: time to compute over time to play; below 1 is faster than speech."""
        return self.compute_seconds / self.seconds

    @property
    def failed(self) -> bool:
        """Whether a part is not what it should be."""
        return any(part.failed for part in self.parts)

    @property
    def stop_reason(self) -> str:
        """What ended the worst part: ``"max_steps"``, else ``"attention"``, else ``"gate"``."""
        return max((part.stop_reason for part in self.parts), key=STOP_REASONS.index)

    @cached_property
    def health(self) -> AlignmentHealth:
        """Whether the attention followed the text, in all parts."""
        return _overall(self.parts)

    @cached_property
    def alignments(self) -> Tensor:
        """``(T_mel, T_text)`` attention weights: those of the parts, one after the other."""
        if _covers(self.parts, self.mel):
            return self.parts[0].alignments
        n_text = sum(part.alignments.shape[1] for part in self.parts)
        whole = torch.zeros(self.mel.shape[1], n_text)
        column = 0
        for part in self.parts:
            rows, columns = part.alignments.shape
            place = slice(part.first_frame, part.first_frame + rows)
            whole[place, column : column + columns] = part.alignments
            column += columns
        return whole

    @cached_property
    def gate_logits(self) -> Tensor:
        """``(T_mel,)``; in pauses a large number."""
        if _covers(self.parts, self.mel):
            return self.parts[0].gate_logits
        whole = torch.full((self.mel.shape[1],), ENDED)
        for part in self.parts:
            whole[part.first_frame : part.first_frame + len(part.gate_logits)] = part.gate_logits
        return whole

    def __repr__(self) -> str:
        from tts.inference.display import facts

        return f"Speech({shortened(self.text, 60)!r}: {facts(self)})"

    def _repr_html_(self) -> str:
        """What notebooks show: it plays."""
        from tts.inference.display import speech_html

        return speech_html(self)

    def save(self, path: str | Path, **options: Any) -> None:
        """Write a ``.wav``, ``.flac``, ``.ogg`` or ``.mp3`` file.

        Args:
            path: the file, in a folder that exists; one of that name is replaced.
            **options: fields of :class:`tts.audio.Output`: bits, rate, level.

        Raises:
            InputError: another ending, an option that is not legal or does not go with it, or a
                place that cannot be written.
        """
        Output(**options).write(path, self.wave.numpy(), self.sample_rate, self.text)


def join(speeches: Sequence[Speech], text: str) -> Speech:
    """One speech of several that follow each other, pauses included: nothing is changed.

    Args:
        speeches: at least one, as :meth:`tts.inference.Synthesizer.speak_parts` yields them.
        text: of the whole.
    """
    if len(speeches) == 1:
        return replace(speeches[0], text=text)
    parts: list[Part] = []
    samples = frames = 0
    for speech in speeches:
        start = samples / speech.sample_rate
        parts += [
            replace(part, start=start + part.start, first_frame=frames + part.first_frame)
            for part in speech.parts
        ]
        samples += len(speech.wave)
        frames += speech.mel.shape[1]
    return Speech(
        wave=torch.cat([speech.wave for speech in speeches]),
        sample_rate=speeches[0].sample_rate,
        mel=torch.cat([speech.mel for speech in speeches], 1),
        text=text,
        parts=tuple(parts),
        mel_config=speeches[0].mel_config,
    )


def _covers(parts: Sequence[Part], mel: Tensor) -> bool:
    """Whether there is one part and nothing else."""
    return len(parts) == 1 and parts[0].alignments.shape[0] == mel.shape[1]


def _overall(parts: Sequence[Part]) -> AlignmentHealth:
    """Shares are weighted by symbols, events are added up, and what must hold holds for all."""
    each = [part.health for part in parts]
    if len(each) == 1:
        return each[0]
    symbols = [part.alignments.shape[1] for part in parts]

    def mean(name: str) -> float:
        values = (float(getattr(health, name)) for health in each)
        return sum(n * value for n, value in zip(symbols, values, strict=True)) / sum(symbols)

    return AlignmentHealth(
        diagonality=mean("diagonality"),
        sharpness=mean("sharpness"),
        coverage=mean("coverage"),
        monotonicity=mean("monotonicity"),
        longest_stall=max(health.longest_stall for health in each),
        skips=sum(health.skips for health in each),
        repeats=sum(health.repeats for health in each),
        ends=all(health.ends for health in each),
        follows_text=all(health.follows_text for health in each),
    )
