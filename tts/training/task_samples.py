"""Defines what a task returns for people to look at and listen to: tensors of a few utterances.

``tts.callbacks.LogSamples`` turns the tensors into pictures and sound and knows where the files go.
The kinds ("target", "free_running", ...) appear in file names and logger tags.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class TaskSamples:
    """Holds tensors of a few utterances; each list is in the order of ``names``.

    Every tensor is cut to the real length of its utterance.

    Attributes:
        names: utterance ids.
        mels: log-mels ``(n_mels, T_mel)`` by kind: ``"target"``, ``"teacher_forced"``,
            ``"free_running"``.
        alignments: attention weights ``(T_mel, T_text)`` by kind: ``"teacher_forced"``,
            ``"free_running"``.
        gates: stop probabilities ``(T_mel,)`` by the same kinds as ``alignments``.
        waves: samples ``(T_wave,)`` in [-1, 1] by kind: ``"target"``, ``"inverse"``. It is empty
            for acoustic models, whose mels a vocoder turns into sound.
    """

    names: list[str]
    mels: dict[str, list[Tensor]] = field(default_factory=dict)
    alignments: dict[str, list[Tensor]] = field(default_factory=dict)
    gates: dict[str, list[Tensor]] = field(default_factory=dict)
    waves: dict[str, list[Tensor]] = field(default_factory=dict)
