"""Decides when free-running decoding stops, and limits how far the attention can move.

In the paper (Shen et al., 2018, §2.2) the gate alone ends an utterance, and attention can move
anywhere. Without ``end_steps`` and ``attention_window`` decoding follows the paper.

Shapes: ``B`` batch, ``T_text`` symbols, ``r`` frames of a step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

#: Probability of the gate above which an utterance ends, unless the user sets another one.
GATE_THRESHOLD = 0.5
#: Decoder steps after which an utterance is cut off, unless the user sets another limit.
MAX_STEPS = 1000
#: Decoder steps of a GPU after which the host looks at the gate: each look waits for the GPU.
STEPS_PER_LOOK = 8
#: Tells for each utterance of a batch whether nobody waits for it any more.
GivenUp = Callable[[], Sequence[bool]]


class StopCriterion:
    """Tracks for each utterance of a batch whether it has ended, and why.

    The state is kept in Python numbers. A dozen operations on tensors of a few elements would take
    longer than the decoder step itself.

    Args:
        text_lengths: ``(B,)`` numbers of symbols.
        gate_threshold: probability of the gate above which an utterance ends.
        end_steps: an utterance ends after its attention stayed at the last symbol for this many
            steps in a row; None leaves the end to the gate.
        given_up: called whenever the steps are looked at; what it gives up ends there. The other
            utterances stay as they are.
    """

    def __init__(
        self,
        text_lengths: Tensor,
        gate_threshold: float,
        end_steps: int | None,
        given_up: GivenUp | None = None,
    ) -> None:
        self.text_lengths: list[int] = text_lengths.tolist()
        self.device = text_lengths.device
        self.gate_threshold, self.end_steps = gate_threshold, end_steps
        self.lengths = [0] * len(text_lengths)  # in frames; 0 while the utterance has not ended
        self.by_gate = [False] * len(text_lengths)
        self.given_up, self.was_given_up = given_up, [False] * len(text_lengths)
        self.steps_at_end = [0] * len(text_lengths)
        self.n_frames = 0

    @property
    def all_stopped(self) -> bool:
        """Return whether all utterances have ended."""
        return all(self.lengths)

    def update(self, gate_logits: Sequence[Tensor], weights: Sequence[Tensor]) -> int:
        """Take decoder steps into account; waits once, until the device has computed them.

        Args:
            gate_logits: ``(B, r)`` of each step.
            weights: ``(B, T_text)`` attention weights of each step.

        Returns:
            The number of steps up to the one in which the last utterance ended, or all of them.
        """
        figures = torch.sigmoid(torch.stack(list(gate_logits))) > self.gate_threshold
        if self.end_steps is not None:
            strongest = torch.stack([step.argmax(1) for step in weights])
            figures = torch.cat((strongest[..., None], figures), 2)
        for number, rows in enumerate(figures.tolist(), start=1):
            self._update_step(rows)
            if self.all_stopped:
                return number
        if self.given_up is not None:
            self._give_up(self.given_up())
        return len(gate_logits)

    def _give_up(self, rows: Sequence[bool]) -> None:
        for row, given_up in enumerate(rows):
            if given_up and not self.lengths[row]:
                self.lengths[row], self.was_given_up[row] = self.n_frames, True

    def _update_step(self, rows: list[list[int]]) -> None:
        """Take one step into account.

        Args:
            rows: for each utterance whether the gate fires in each of ``r`` frames; with
                ``end_steps`` the symbol where its attention is strongest comes first.
        """
        n_gates = len(rows[0]) - (self.end_steps is not None)
        for row, figures in enumerate(rows):
            if self.lengths[row]:
                continue
            gates = figures[-n_gates:]
            if True in gates:
                self.lengths[row] = self.n_frames + gates.index(True) + 1
                self.by_gate[row] = True
            elif self.end_steps is not None and self._stayed_at_end(row, figures[0]):
                self.lengths[row] = self.n_frames + n_gates
        self.n_frames += n_gates

    def longest(self, n_frames: int) -> int:
        """Return the length of the longest utterance, in frames.

        Args:
            n_frames: length of utterances that have not ended.
        """
        return max(length or n_frames for length in self.lengths)

    def _stayed_at_end(self, row: int, symbol: int) -> bool:
        """Count a step and return whether attention was at the last symbol for ``end_steps``."""
        at_end = symbol == self.text_lengths[row] - 1
        self.steps_at_end[row] = self.steps_at_end[row] + 1 if at_end else 0
        return self.end_steps is not None and self.steps_at_end[row] >= self.end_steps

    def result(self, n_frames: int) -> tuple[Tensor, tuple[str, ...]]:
        """Return the length of each utterance and what ended it.

        Args:
            n_frames: length of utterances that have not ended, in frames.

        Returns:
            Lengths in frames ``(B,)`` and the values of ``GeneratedMel.stop_reason``.
        """
        reasons = tuple(map(self._reason, range(len(self.lengths))))
        lengths = [length or n_frames for length in self.lengths]
        return torch.tensor(lengths, device=self.device), reasons

    def _reason(self, row: int) -> str:
        if self.was_given_up[row]:
            return "given_up"
        if self.by_gate[row]:
            return "gate"
        return "attention" if self.lengths[row] else "max_steps"


def mask_outside_window(bias: Tensor, weights: Tensor, window: int) -> Tensor:
    """Return an attention bias that hides all symbols outside a window.

    Args:
        bias: ``(B, T_text)``, 0 for symbols that can be attended to, else minus infinity.
        weights: ``(B, T_text)`` attention weights of the last step. The window is centred on the
            largest of them.
        window: symbols on either side of the centre that stay visible.

    Returns:
        ``(B, T_text)``, minus infinity outside the window as well.
    """
    positions = torch.arange(bias.shape[1], device=bias.device)
    far = (positions - weights.argmax(1, keepdim=True)).abs() > window
    return bias.masked_fill(far, float("-inf"))
