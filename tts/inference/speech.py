"""Defines ``Speech``, the result of a synthesizer, which consists of one or several parts.

The wave, the spectrogram and the alignment have a common time axis. A pause between parts is a run
of silent frames, in which all attention weights are zero.

Shapes: ``T_text`` symbols, ``T_mel`` frames, ``T_wave`` samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from tts.audio import MelConfig, Output
from tts.audio.stretching import nearest_frames
from tts.audio.tags import Tags, synthetic_comment
from tts.core.errors import shortened
from tts.inference.marks import Mark
from tts.inference.part import Part, worst_stop_reason
from tts.metrics import AlignmentHealth

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Gate logit of a frame after the end of an utterance; the networks pad with the same value.
ENDED = 1e3


@dataclass(frozen=True, eq=False, repr=False)
class Speech:
    """Holds one spoken text; all tensors are float32 on the CPU.

    Attributes:
        wave: ``(T_wave,)`` samples, which may leave [-1, 1] a little.
        sample_rate: rate of ``wave``, Hz.
        mel: ``(n_mels, T_mel)`` log-mel spectrogram that was vocoded, silent in the pauses.
        text: the text as the caller gave it.
        parts: the decoded utterances in order; a text of one sentence has one.
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
        """Return the length of the sound in seconds."""
        return len(self.wave) / self.sample_rate

    @property
    def compute_seconds(self) -> float:
        """Return the time that the computation took, in seconds."""
        return sum(part.compute_seconds for part in self.parts)

    @property
    def rtf(self) -> float:
        """Return the real-time factor: computing time over playing time; below 1 is faster."""
        return self.compute_seconds / self.seconds

    @property
    def failed(self) -> bool:
        """Return whether any part was cut off or does not follow its text."""
        return any(part.failed for part in self.parts)

    @property
    def stop_reason(self) -> str:
        """Return what ended the worst part: ``"max_steps"``, ``"attention"`` or ``"gate"``."""
        return worst_stop_reason(part.stop_reason for part in self.parts)

    @property
    def words(self) -> tuple[Mark, ...]:
        """Return when each written word is heard, in seconds; "£5" is one mark."""
        return tuple(mark for part in self.parts for mark in part.words)

    @cached_property
    def health(self) -> AlignmentHealth:
        """Return how well the attention followed the text, over all parts."""
        return _overall(self.parts)

    @cached_property
    def alignments(self) -> Tensor:
        """Return the attention weights ``(T_mel, T_text)`` of all parts, one after the other."""
        if _covers(self.parts, self.mel):
            return self.parts[0].alignments
        n_text = sum(part.alignments.shape[1] for part in self.parts)
        whole = torch.zeros(self.mel.shape[1], n_text)
        column = 0
        for part in self.parts:
            weights = _as_heard(part.alignments, part.speed)
            rows, columns = weights.shape
            place = slice(part.first_frame, part.first_frame + rows)
            whole[place, column : column + columns] = weights
            column += columns
        return whole

    @cached_property
    def gate_logits(self) -> Tensor:
        """Return the gate logits ``(T_mel,)``; in pauses they are a large number."""
        if _covers(self.parts, self.mel):
            return self.parts[0].gate_logits
        whole = torch.full((self.mel.shape[1],), ENDED)
        for part in self.parts:
            logits = _as_heard(part.gate_logits, part.speed)
            whole[part.first_frame : part.first_frame + len(logits)] = logits
        return whole

    @property
    def summary(self) -> str:
        """Return length, speed of the computation and stop reason in one line."""
        n_parts, n_failed = len(self.parts), sum(part.failed for part in self.parts)
        of_parts = f", {n_parts} parts" if n_parts > 1 else ""
        of_failed = f", {n_failed} of them failed" if n_failed and n_parts > 1 else ""
        return (
            f"{self.seconds:.2f} s at {self.sample_rate} Hz, RTF {self.rtf:.2f}{of_parts}"
            f"{of_failed}, stopped by {self.stop_reason}"
        )

    def __repr__(self) -> str:
        return f"Speech({shortened(self.text, 60)!r}: {self.summary})"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: a player, the summary and the picture."""
        from tts.inference.display import speech_html

        return speech_html(
            self.text, self.summary, self.wave, self.sample_rate, self.parts, self.figure()
        )

    def figure(self) -> Figure:
        """Draw the wave, the mel spectrogram and the alignment in one picture."""
        from tts.inference.speech_figure import speech_figure

        return speech_figure(
            self.text, self.wave, self.sample_rate, self.mel, self.mel_config, self.parts
        )

    def save(self, path: str | Path, tags: Tags | None = None, **options: Any) -> None:
        """Write the speech to a ``.wav``, ``.flac``, ``.ogg``, ``.opus`` or ``.mp3`` file.

        Args:
            path: the file, in a folder that exists; an existing file is replaced.
            tags: text fields of the file; None stands for the text as its title, and a comment that
                says that the speech is synthetic.
            **options: fields of :class:`tts.audio.Output`: bits, rate, level.

        Raises:
            InputError: the ending is unknown, an option is not legal or does not fit the format, or
                the file cannot be written.
        """
        tags = tags or Tags(title=self.text, comment=synthetic_comment())
        Output(**options).write(path, self.wave.numpy(), self.sample_rate, tags)


def join(speeches: Sequence[Speech], text: str) -> Speech:
    """Join consecutive speeches into one; their pauses stay as they are.

    Args:
        speeches: at least one, as :meth:`tts.inference.Synthesizer.speak_parts` yields them.
        text: text of the result.

    Returns:
        One speech, whose parts are those of all speeches.
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
    """Return whether one part fills the whole spectrogram."""
    rows, speed = len(parts[0].alignments), parts[0].speed
    return len(parts) == 1 and speed == 1 and rows == mel.shape[1]


def _as_heard(values: Tensor, speed: float) -> Tensor:
    """Return the values ``(frames, ...)`` of decoded frames for the frames of the sound."""
    return values if speed == 1 else values[torch.from_numpy(nearest_frames(len(values), speed))]


def _overall(parts: Sequence[Part]) -> AlignmentHealth:
    """Combine the health of all parts.

    Rates are means weighted by the number of symbols, events are added up, and a condition holds
    where it holds for every part.
    """
    healths = [part.health for part in parts]
    if len(healths) == 1:
        return healths[0]
    symbols = [part.alignments.shape[1] for part in parts]

    def mean(name: str) -> float:
        values = (float(getattr(health, name)) for health in healths)
        return sum(n * value for n, value in zip(symbols, values, strict=True)) / sum(symbols)

    return AlignmentHealth(
        diagonality=mean("diagonality"),
        sharpness=mean("sharpness"),
        coverage=mean("coverage"),
        monotonicity=mean("monotonicity"),
        longest_stall=max(health.longest_stall for health in healths),
        skips=sum(health.skips for health in healths),
        repeats=sum(health.repeats for health in healths),
        ends=all(health.ends for health in healths),
        follows_text=all(health.follows_text for health in healths),
    )
