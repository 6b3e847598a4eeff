"""Computes Tacotron 2's attention LSTM and its attention on a GPU, with few kernels in each step.

The result is that of :mod:`tts.models.kernels.attention_recurrence`, which is made for CPUs (see
:mod:`tts.models.kernels.lstm_steps`). Here the activations that the backward pass computes again,
and their gradients, are held for :data:`tts.models.kernels.lstm_steps.STEPS_TOGETHER` steps. So all
that does not recur is computed for these steps at once.

The accumulated weights of a step are a sum over all steps before it. So their gradient needs the
sum of the activations' gradients over all later steps, which is the gradient of the keys so far.

Attention: Chorowski et al. (2015), §2.1. Backpropagation through time: Werbos (1990).

Shapes: ``n`` steps of a call, ``B`` batch, ``T`` symbols, ``H`` hidden units, ``M`` width of the
memory, ``D`` attention units, ``K`` size of the location kernel.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from tts.models.kernels.activations import tanh_
from tts.models.kernels.fused_cell import fused_cell, fused_cell_backward
from tts.models.kernels.lstm_steps import (
    STEPS_RECORDED,
    blocks,
    stack_into,
    store_hidden,
    through_dropout,
)
from tts.models.kernels.runner import Program

_softmax_backward = torch.ops.aten._softmax_backward_data.out


class AttentionSteps(NamedTuple):
    """Holds what the steps read and write; step t reads row t and writes row t + 1.

    ``padded`` holds the last and the accumulated weights. Zeros around the text give every position
    a complete window: ``P`` is ``T + K - 1``.
    """

    recurrent: Tensor  # (4 H, H + M)
    query: Tensor  # (D, H)
    kernel: Tensor  # (D, 2, K)
    score: Tensor  # (D,)
    keys: Tensor  # (B, T, D)
    padding: Tensor  # (B, T), added to the energies
    values: Tensor  # (B, T, M)
    gates: Tensor  # (n, B, 4 H), shares of the inputs; become the gates
    states: Tensor  # (n + 1, B, H + M), hidden states after dropout, and contexts
    cells: Tensor  # (n + 1, B, H), in float32 at least
    padded: Tensor  # (n + 1, B, 2, P), in float32 at least
    weights: Tensor  # (n, B, T), in float32 at least, written
    dropout: Tensor | None = None  # (n, B, H)


class AttentionGradients(NamedTuple):
    """Holds what the steps read and write when they run backwards.

    Step t reads row t + 1 of the gradients, and adds to row t.
    """

    recurrent: Tensor  # (4 H, H + M)
    query: Tensor  # (D, H)
    kernel: Tensor  # (D, 2, K)
    score: Tensor  # (D,)
    keys: Tensor  # (B, T, D)
    values: Tensor  # (B, T, M)
    gates: Tensor  # (n, B, 4 H), become the gradients of their sums
    cells: Tensor  # (n + 1, B, H)
    padded: Tensor  # (n + 1, B, 2, P)
    weights: Tensor  # (n, B, T)
    queries: Tensor  # (n, B, D), become their gradients
    d_states: Tensor  # (n + 1, B, H + M)
    d_weights: Tensor  # (n + 1, B, T), in float32 at least, like everything below
    d_cell: Tensor  # (B, H), of the last cell; becomes that of the first
    d_keys: Tensor  # (B, T, D), sums over all steps, like the next two
    d_kernel: Tensor  # (D, 2, K)
    d_score: Tensor  # (D,)
    dropout: Tensor | None = None  # (n, B, H)


def attention_steps(steps: AttentionSteps) -> None:
    """Run the steps."""
    cell, sizes = steps.cells[0], [steps.cells.shape[2], steps.values.shape[2]]
    summed = sums_only(steps.padded)
    for rows in blocks(len(steps.gates)):
        inputs = steps.gates[rows].to(cell.dtype)
        energies = steps.padding.expand(len(inputs), -1, -1).contiguous()
        cells, gates = [], []
        for i, t in enumerate(range(rows.start, rows.stop)):
            recurrent = F.linear(steps.states[t], steps.recurrent)
            state, cell, activated = fused_cell(inputs[i], recurrent.to(cell.dtype), cell)
            hidden, context = torch.split(steps.states[t + 1], sizes, 1)
            store_hidden(state, steps.dropout, t, hidden)
            query = F.linear(hidden, steps.query)
            activation = attention_activation(steps.keys, query, steps.padded[t], steps.kernel)
            energies[i].view(-1).addmv_(activation.flatten(0, 1), steps.score)
            read_memory(energies[i], steps.values, steps.weights[t], context)
            accumulate(steps.padded[t], steps.weights[t], summed, steps.padded[t + 1])
            cells.append(cell)
            gates.append(activated)
        torch.stack(cells, out=steps.cells[rows.start + 1 : rows.stop + 1])
        stack_into(steps.gates[rows], gates)


def read_memory(energies: Tensor, values: Tensor, weights: Tensor, context: Tensor) -> None:
    """Write the attention weights ``(B, T)`` of energies, and what they read from the memory.

    Args:
        energies: ``(B, T)``, with the padding.
        values: ``(B, T, M)``.
        weights: ``(B, T)``, written.
        context: ``(B, M)``, written.
    """
    torch.softmax(energies, 1, dtype=weights.dtype, out=weights)
    torch.bmm(weights[:, None].to(values.dtype), values, out=context[:, None])


def sums_only(padded: Tensor) -> Tensor:
    """Return factors of the last weights, 0, and of the accumulated weights, 1: ``(2, 1)``.

    With them one kernel of :func:`accumulate` writes both.
    """
    return torch.arange(2, dtype=padded.dtype, device=padded.device)[:, None]


def accumulate(last: Tensor, weights: Tensor, summed: Tensor, out: Tensor) -> None:
    """Write the weights ``(B, T)`` of a step, and their sum over all steps.

    Args:
        last: ``(B, 2, P)`` of the step before.
        weights: ``(B, T)``.
        summed: from :func:`sums_only`.
        out: ``(B, 2, P)``, written inside its zeros; it may be ``last``.
    """
    reach = (out.shape[2] - weights.shape[1]) // 2
    inside = slice(reach, reach + weights.shape[1])
    torch.addcmul(weights[:, None], last[..., inside], summed, out=out[..., inside])


def attention_activation(keys: Tensor, query: Tensor, padded: Tensor, kernel: Tensor) -> Tensor:
    """Return ``tanh(W h + V m + U f)`` of one step or of several.

    Args:
        keys: ``(B, T, D)``, ``V m``.
        query: ``(..., B, D)``, ``W h``.
        padded: ``(..., B, 2, P)`` weights.
        kernel: ``(D, 2, K)``.

    Returns:
        ``(..., B, T, D)``.
    """
    total = keys + query[..., None, :]
    rows = total.view(-1, keys.shape[2])
    tanh_(rows.addmm_(_windows(padded, kernel), kernel.flatten(1).t()))
    return total


def _windows(padded: Tensor, kernel: Tensor) -> Tensor:
    """Return what the location kernel reads at each symbol: ``(... B T, 2 K)``."""
    windows = padded.unfold(-1, kernel.shape[2], 1).transpose(-3, -2)
    copy = torch.empty(windows.shape, dtype=kernel.dtype, device=kernel.device)
    return copy.copy_(windows).view(-1, kernel[0].numel())


def attention_steps_backward(steps: AttentionGradients) -> None:
    """Run the steps backwards."""
    d_cell, sizes = steps.d_cell, [steps.d_cell.shape[1], steps.values.shape[2]]
    for rows in reversed(blocks(len(steps.gates))):
        together = _Together(steps, rows)
        gates, d_gates = steps.gates[rows].to(d_cell.dtype), []
        for t in reversed(range(rows.start, rows.stop)):
            d_hidden, d_context = torch.split(steps.d_states[t + 1], sizes, 1)
            d_weights = steps.d_weights[t + 1]
            # a row times a matrix: torch's kernel for a matrix times a column is slow
            _add_product(d_weights[:, None], d_context[:, None], steps.values.transpose(1, 2))
            together.step(t, d_weights, d_hidden)
            d_hidden = through_dropout(d_hidden, steps.dropout, t, d_cell.dtype)
            d_sums, d_cell = fused_cell_backward(
                d_hidden, d_cell, steps.cells[t], steps.cells[t + 1], gates[t - rows.start]
            )
            d_gates.append(d_sums.to(steps.gates.dtype))
            steps.d_states[t].addmm_(d_gates[-1], steps.recurrent)
        torch.stack(d_gates[::-1], out=steps.gates[rows])
        together.add_to_weights()
    steps.d_cell.copy_(d_cell)


class _Together:
    """Holds the attention's activations of a few steps, and runs them backwards.

    Args:
        steps: all steps.
        rows: the steps that are computed together.
    """

    def __init__(self, steps: AttentionGradients, rows: slice) -> None:
        self.steps, self.first = steps, rows.start
        self.padded = steps.padded[rows]
        queries = steps.queries[rows]
        self.activation = attention_activation(steps.keys, queries, self.padded, steps.kernel)
        # of the energies by the sums that they come from
        self.slope = torch.ops.aten.tanh_backward(
            steps.score.expand_as(self.activation), self.activation
        )
        self.d_sums = torch.empty_like(self.activation)
        self.d_energies = torch.empty_like(steps.weights[rows])
        kernel = steps.kernel.permute(1, 2, 0)[:, None].expand(-1, queries.shape[1], -1, -1)
        self.kernel_last, self.kernel_accumulated = kernel.unbind()

    def step(self, t: int, d_weights: Tensor, d_hidden: Tensor) -> None:
        """Run the attention of step t backwards.

        Args:
            t: step.
            d_weights: ``(B, T)`` gradient of its weights.
            d_hidden: ``(B, H)``, to which the gradient by the query is added.
        """
        steps, i = self.steps, t - self.first
        d_energies, d_sums = self.d_energies[i], self.d_sums[i]
        weights = steps.weights[t]
        _softmax_backward(d_weights, weights, 1, weights.dtype, grad_input=d_energies)
        torch.mul(d_energies[..., None], self.slope[i], out=d_sums)
        steps.d_keys.add_(d_sums)
        self._to_step_before(t, d_sums)
        torch.sum(d_sums, 1, out=steps.queries[t])
        d_hidden.addmm_(steps.queries[t], steps.query)

    def _to_step_before(self, t: int, d_sums: Tensor) -> None:
        """Add to the gradient of the weights that step t read, from ``(B, T, D)`` of its sums."""
        (n_batch, n_text), n_padded = self.d_energies.shape[1:], self.padded.shape[3]
        d_windows = torch.bmm(self.kernel_last, d_sums.transpose(1, 2))
        d_all = self.steps.d_keys.to(d_sums.dtype).transpose(1, 2)
        d_windows.baddbmm_(self.kernel_accumulated, d_all)
        length = d_windows.shape[1]
        d_padded = F.fold(d_windows, (1, n_padded), (1, length)).view(n_batch, n_padded)
        self.steps.d_weights[t].add_(d_padded[:, length // 2 :][:, :n_text])

    def add_to_weights(self) -> None:
        """Add these steps to the gradients of score and kernel."""
        steps, units = self.steps, self.activation.shape[-1]
        d_energies = self.d_energies.to(self.d_sums.dtype).flatten()
        _add_product(steps.d_score[None], d_energies[None], self.activation.view(-1, units))
        d_sums = self.d_sums.view(-1, units).t()
        _add_product(steps.d_kernel.flatten(1), d_sums, _windows(self.padded, steps.kernel))


ATTENTION_FORWARD = Program(
    "attention forward",
    attention_steps,
    *(STEPS_RECORDED, "gates"),
    read=("gates", "dropout"),
    written=("gates", "weights"),
    chained=("states", "cells", "padded"),
)
ATTENTION_BACKWARD = Program(
    "attention backward",
    attention_steps_backward,
    *(STEPS_RECORDED, "gates"),
    read=(*("gates", "cells", "padded", "weights", "queries", "d_states", "d_weights", "dropout"),),
    written=("gates", "queries", "d_states", "d_weights"),
    carried=("d_cell", "d_keys", "d_kernel", "d_score"),
    backwards=True,
)


def _add_product(total: Tensor, left: Tensor, right: Tensor) -> None:
    """Add a product of matrices, or of batches, to a total of the same or more precision."""
    if total.dtype != left.dtype:
        total.add_(left @ right)
    elif total.ndim == 2:
        total.addmm_(left, right)
    else:
        total.baddbmm_(left, right)
