"""What a task hands to the media callback: tensors of a few utterances, by kind.

A task says what there is to look at and to listen to; ``tts.callbacks.LogSamples`` renders it and
knows where it goes. The kinds name themselves in file names and logger tags.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class TaskSamples:
    """A few utterances, each list in the order of ``names`` and cut to its real length.

    Attributes:
        names: utterance ids.
        mels: log-mels ``(n_mels, T_mel)`` by kind: ``"target"``, ``"teacher_forced"``,
            ``"free_running"``.
        alignments: attention weights ``(T_mel, T_text)`` by kind: ``"teacher_forced"``,
            ``"free_running"``.
        gates: stop probabilities ``(T_mel,)`` by the same kinds as ``alignments``.
        waves: samples ``(T_wave,)`` in [-1, 1] by kind: ``"target"``, ``"inverse"``; empty for
            acoustic models, whose mels are made audible by Griffin-Lim.
    """

    names: list[str]
    mels: dict[str, list[Tensor]] = field(default_factory=dict)
    alignments: dict[str, list[Tensor]] = field(default_factory=dict)
    gates: dict[str, list[Tensor]] = field(default_factory=dict)
    waves: dict[str, list[Tensor]] = field(default_factory=dict)
