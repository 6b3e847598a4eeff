"""What may hold Tacotron 2 while it speaks freely: where it ends, and how far its attention sees.

Neither is in the paper (Shen et al., 2018), where the gate alone ends an utterance and attention
may go anywhere; without ``end_steps`` and ``attention_window`` it is as there.

Shapes: ``B`` batch, ``T_text`` symbols, ``r`` frames of a step.
"""

from __future__ import annotations

import torch
from torch import Tensor

#: Probability of the gate above which an utterance ends, unless the user sets another one.
GATE_THRESHOLD = 0.5
#: Decoder steps after which an utterance is cut off, unless the user sets another limit.
MAX_STEPS = 1000


class StopCriterion:
    """When each utterance of a batch ends, and what ends it: its gate, or its attention.

    Kept as Python's numbers: a dozen operations on tensors of a few elements would take longer
    than the decoder step that they judge.
    """

    def __init__(self, text_lengths: Tensor, gate_threshold: float, end_steps: int | None) -> None:
        self.text_lengths: list[int] = text_lengths.tolist()
        self.device = text_lengths.device
        self.gate_threshold, self.end_steps = gate_threshold, end_steps
        self.lengths = [0] * len(text_lengths)  # in frames; 0 where it goes on
        self.by_gate = [False] * len(text_lengths)
        self.steps_at_end = [0] * len(text_lengths)
        self.n_frames = 0

    @property
    def all_stopped(self) -> bool:
        """Whether all have ended."""
        return all(self.lengths)

    def update(self, gate_logits: Tensor, weights: Tensor) -> None:
        """Look at one step: gate logits ``(B, r)``, attention ``(B, T_text)``; waits for them."""
        fires = (torch.sigmoid(gate_logits) > self.gate_threshold).tolist()
        strongest = None if self.end_steps is None else weights.argmax(1).tolist()
        for row, gates in enumerate(fires):
            if self.lengths[row]:
                continue
            if True in gates:
                self.lengths[row] = self.n_frames + gates.index(True) + 1
                self.by_gate[row] = True
            elif strongest is not None and self._stays(row, strongest[row]):
                self.lengths[row] = self.n_frames + len(gates)
        self.n_frames += gate_logits.shape[1]

    def _stays(self, row: int, symbol: int) -> bool:
        """Whether attention has been at the last symbol for long enough."""
        at_end = symbol == self.text_lengths[row] - 1
        self.steps_at_end[row] = self.steps_at_end[row] + 1 if at_end else 0
        return self.end_steps is not None and self.steps_at_end[row] >= self.end_steps

    def result(self, n_frames: int) -> tuple[Tensor, tuple[str, ...]]:
        """Lengths in frames ``(B,)``, `n_frames` where it did not end, and the reasons."""
        reasons = tuple(
            "gate" if gate else "attention" if length else "max_steps"
            for gate, length in zip(self.by_gate, self.lengths, strict=True)
        )
        lengths = [length or n_frames for length in self.lengths]
        return torch.tensor(lengths, device=self.device), reasons


def mask_outside_window(bias: Tensor, weights: Tensor, window: int) -> Tensor:
    """Attention bias ``(B, T_text)`` that hides what is far from the strongest of the weights."""
    positions = torch.arange(bias.shape[1], device=bias.device)
    far = (positions - weights.argmax(1, keepdim=True)).abs() > window
    return bias.masked_fill(far, float("-inf"))
