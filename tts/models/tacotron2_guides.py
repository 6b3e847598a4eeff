"""What may hold Tacotron 2 while it speaks freely: where it ends, and how far its attention sees.

Neither is in the paper (Shen et al., 2018), where the gate alone ends an utterance and attention
may go anywhere; without ``end_steps`` and ``attention_window`` it is as there.

Shapes: ``B`` batch, ``T_text`` symbols, ``r`` frames of a step.
"""

from __future__ import annotations

import torch
from torch import Tensor


class Ending:
    """When each utterance of a batch ends, and what ends it: its gate, or its attention."""

    def __init__(self, text_lengths: Tensor, gate_threshold: float, end_steps: int | None) -> None:
        self.last_symbols = text_lengths - 1
        self.gate_threshold, self.end_steps = gate_threshold, end_steps
        self.lengths = torch.zeros_like(text_lengths)  # in frames; 0 where it goes on
        self.by_gate = torch.zeros_like(text_lengths, dtype=torch.bool)
        self.steps_at_end = torch.zeros_like(text_lengths)
        self.n_frames = 0

    @property
    def is_reached(self) -> bool:
        """Whether all have ended; waits for the device."""
        return bool((self.lengths > 0).all())

    def see(self, gate_logits: Tensor, weights: Tensor) -> None:
        """Look at one step: gate logits ``(B, r)``, attention ``(B, T_text)``."""
        going = self.lengths == 0
        fires = torch.sigmoid(gate_logits) > self.gate_threshold
        by_gate = going & fires.any(1)
        first = fires.int().argmax(1) + 1 + self.n_frames
        self.lengths = torch.where(by_gate, first, self.lengths)
        self.by_gate = self.by_gate | by_gate
        self.n_frames += gate_logits.shape[1]
        if self.end_steps is not None:
            at_end = weights.argmax(1) == self.last_symbols
            self.steps_at_end = torch.where(at_end, self.steps_at_end + 1, 0)
            by_attention = going & ~by_gate & (self.steps_at_end >= self.end_steps)
            self.lengths = torch.where(by_attention, self.n_frames, self.lengths)

    def result(self, n_frames: int) -> tuple[Tensor, tuple[str, ...]]:
        """Lengths in frames ``(B,)``, `n_frames` where it did not end, and the reasons."""
        ended = zip(self.by_gate.tolist(), (self.lengths > 0).tolist(), strict=True)
        reasons = tuple(
            "gate" if gate else "attention" if any_ else "max_steps" for gate, any_ in ended
        )
        return torch.where(self.lengths > 0, self.lengths, n_frames), reasons


def within(bias: Tensor, weights: Tensor, window: int) -> Tensor:
    """Attention bias ``(B, T_text)`` that hides what is far from the strongest of the weights."""
    positions = torch.arange(bias.shape[1], device=bias.device)
    far = (positions - weights.argmax(1, keepdim=True)).abs() > window
    return bias.masked_fill(far, float("-inf"))
