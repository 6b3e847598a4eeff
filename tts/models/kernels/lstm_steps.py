"""Computes an LSTM over a whole sequence on a GPU, with few kernels in each step.

The result is that of :mod:`tts.models.kernels.lstm_recurrence`, which is made for CPUs: there the
cost is arithmetic and memory, here it is the number of kernels. Cells and gates come from a fused
kernel, which returns new tensors; those of :data:`STEPS_TOGETHER` steps are copied to their places
at once. In half precision the nonlinearities are computed in float32, and cells stay in float32.

Shapes: ``S`` steps, ``n`` steps of a call, ``B`` batch, ``I`` inputs, ``H`` hidden units.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from tts.models.kernels.fused_cell import fused_cell, fused_cell_backward
from tts.models.kernels.lstm_recurrence import gates_for_gradients, wide_dtype
from tts.models.kernels.products import weight_gradient
from tts.models.kernels.runner import Program, Runner, divided

#: Number of steps for which everything that does not recur is computed together.
STEPS_TOGETHER = 8
#: Number of steps that a GPU records as one graph in training.
STEPS_RECORDED = 32


class LstmSteps(NamedTuple):
    """Holds what the steps of an LSTM read and write; step t reads row t and writes row t + 1."""

    recurrent: Tensor  # (4 H, H)
    gates: Tensor  # (n, B, 4 H), shares of the inputs; become the gates
    hidden: Tensor  # (n + 1, B, H), after dropout
    cells: Tensor  # (n + 1, B, H), in float32 at least
    dropout: Tensor | None = None  # (n, B, H)


class LstmGradients(NamedTuple):
    """Holds what the steps of an LSTM read and write when they run backwards."""

    recurrent: Tensor  # (4 H, H)
    gates: Tensor  # (n, B, 4 H), become the gradients of their sums
    cells: Tensor  # (n + 1, B, H)
    d_hidden: Tensor  # (n + 1, B, H), each step adds to the row of the step before
    d_cell: Tensor  # (B, H), of the last cell; becomes that of the first
    dropout: Tensor | None = None  # (n, B, H)


def lstm_steps(steps: LstmSteps) -> None:
    """Run the steps."""
    cell = steps.cells[0]
    for rows in blocks(len(steps.gates)):
        inputs = steps.gates[rows].to(cell.dtype)
        cells, gates = [], []
        for i, t in enumerate(range(rows.start, rows.stop)):
            recurrent = F.linear(steps.hidden[t], steps.recurrent)
            state, cell, activated = fused_cell(inputs[i], recurrent.to(cell.dtype), cell)
            store_hidden(state, steps.dropout, t, steps.hidden[t + 1])
            cells.append(cell)
            gates.append(activated)
        torch.stack(cells, out=steps.cells[rows.start + 1 : rows.stop + 1])
        stack_into(steps.gates[rows], gates)


def lstm_steps_backward(steps: LstmGradients) -> None:
    """Run the steps backwards."""
    d_cell = steps.d_cell
    for rows in reversed(blocks(len(steps.gates))):
        gates, d_gates = steps.gates[rows].to(d_cell.dtype), []
        for t in reversed(range(rows.start, rows.stop)):
            d_hidden = through_dropout(steps.d_hidden[t + 1], steps.dropout, t, d_cell.dtype)
            d_sums, d_cell = fused_cell_backward(
                d_hidden, d_cell, steps.cells[t], steps.cells[t + 1], gates[t - rows.start]
            )
            d_gates.append(d_sums.to(steps.gates.dtype))
            steps.d_hidden[t].addmm_(d_gates[-1], steps.recurrent)
        torch.stack(d_gates[::-1], out=steps.gates[rows])
    steps.d_cell.copy_(d_cell)


LSTM_FORWARD = Program(
    "lstm forward",
    lstm_steps,
    *(STEPS_RECORDED, "gates"),
    read=("gates", "dropout"),
    written=("gates",),
    chained=("hidden", "cells"),
)
LSTM_BACKWARD = Program(
    "lstm backward",
    lstm_steps_backward,
    *(STEPS_RECORDED, "gates"),
    read=("gates", "cells", "d_hidden", "dropout"),
    written=("gates", "d_hidden"),
    carried=("d_cell",),
    backwards=True,
)


class SteppedLstm(torch.autograd.Function):
    """Computes what :class:`tts.models.kernels.lstm_recurrence.LstmRecurrence` computes.

    Call it as ``apply(runner, inputs, weight_ih, weight_hh, bias, dropout)``.
    """

    @staticmethod
    def forward(
        ctx: Any,
        runner: Runner,
        inputs: Tensor,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias: Tensor,
        dropout: Tensor | None,
    ) -> Tensor:
        """Run all steps from a zero state.

        Args:
            ctx: context for the backward pass.
            runner: runs the steps.
            inputs: ``(S, B, I)``.
            weight_ih: ``(4 H, I)``.
            weight_hh: ``(4 H, H)``.
            bias: ``(4 H,)``.
            dropout: ``(S, B, H)`` factors of the hidden states, or None.

        Returns:
            Hidden states ``(S, B, H)``, after dropout.
        """
        n_steps, n_batch, _ = inputs.shape
        hidden = inputs.new_zeros(n_steps + 1, n_batch, weight_hh.shape[1])
        cells = torch.zeros_like(hidden, dtype=wide_dtype(inputs))
        steps = LstmSteps(weight_hh, F.linear(inputs, weight_ih, bias), hidden, cells, dropout)
        runner.run(LSTM_FORWARD, steps)
        ctx.runner = runner
        ctx.save_for_backward(inputs, weight_ih, weight_hh, dropout)
        ctx.buffers = steps.gates, hidden, cells
        return hidden[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_hidden: Tensor) -> tuple[Tensor | None, ...]:
        """Run the steps backwards, then compute one product for each weight.

        Args:
            ctx: context of the forward pass.
            grad_hidden: ``(S, B, H)`` gradient of the hidden states.

        Returns:
            Gradients of the arguments of ``apply``, with their shapes; None for ``runner`` and
            ``dropout``.
        """
        inputs, weight_ih, weight_hh, dropout = ctx.saved_tensors
        gates, hidden, cells = ctx.buffers
        d_gates = gates = gates_for_gradients(ctx, gates)
        d_hidden, d_cell = with_first_row(grad_hidden), torch.zeros_like(cells[0])
        steps = LstmGradients(weight_hh, gates, cells, d_hidden, d_cell, dropout)
        ctx.runner.run(LSTM_BACKWARD, steps)
        del steps, cells, d_hidden  # free them before other large tensors are allocated
        return (
            None,
            d_gates @ weight_ih,
            weight_gradient(d_gates, inputs),
            weight_gradient(d_gates, hidden[:-1]),
            d_gates.flatten(0, 1).sum(0),
            None,
        )


def blocks(n_steps: int) -> list[slice]:
    """Divide steps into slices of :data:`STEPS_TOGETHER`; the last one can be shorter."""
    return divided(n_steps, STEPS_TOGETHER)


def store_hidden(state: Tensor, dropout: Tensor | None, t: int, place: Tensor) -> None:
    """Write the hidden state ``(B, H)`` of step ``t`` to its place, after its dropout."""
    if dropout is None:
        place.copy_(state)
    else:
        torch.mul(state, dropout[t], out=place)


def through_dropout(d_hidden: Tensor, dropout: Tensor | None, t: int, dtype: torch.dtype) -> Tensor:
    """Return the gradient ``(B, H)`` of the hidden state of step ``t`` before its dropout."""
    if dropout is None:
        return d_hidden.to(dtype)
    return torch.mul(d_hidden, dropout[t], out=torch.empty_like(dropout[t], dtype=dtype))


def stack_into(place: Tensor, rows: list[Tensor]) -> None:
    """Write rows to a tensor that may have another precision."""
    if place.dtype == rows[0].dtype:
        torch.stack(rows, out=place)
    else:
        place.copy_(torch.stack(rows))


def with_first_row(rows: Tensor) -> Tensor:
    """Copy rows ``(S, ...)`` behind a row of zeros, ``(S + 1, ...)``."""
    return torch.cat((torch.zeros_like(rows[:1]), rows))
