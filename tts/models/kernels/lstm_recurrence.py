"""Computes an LSTM over a whole sequence, with dropout of its recurrent state, and its gradients.

Autograd would record the small operations of each step, and would add to the gradient of every
weight once per step. Here only the true recurrence runs step by step, in buffers that are allocated
once. The gradient of a weight is one matrix product over all steps.
:meth:`tts.models.tacotron2.decoder.Decoder.advance` defines the result, and tests compare with it.
In half precision, sums over many steps (cells, gradients) are kept in float32.

LSTM: Hochreiter and Schmidhuber (1997), gates in the order i, f, g, o. Backpropagation through
time: Werbos (1990).

Shapes: ``S`` steps, ``B`` batch, ``I`` inputs, ``H`` hidden units, ``N`` outputs and ``K`` inputs
of a product.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from tts.models.kernels.activations import tanh, tanh_
from tts.models.kernels.products import onednn_linear, weight_gradient

_sigmoid_backward = torch.ops.aten.sigmoid_backward.grad_input
_tanh_backward = torch.ops.aten.tanh_backward.grad_input


class LstmRecurrence(torch.autograd.Function):
    """Computes an LSTM from a zero state, with dropout of the hidden state before it recurs.

    Call it as ``apply(inputs, weight_ih, weight_hh, bias, dropout)``. The result is the hidden
    states ``(S, B, H)``.
    """

    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias: Tensor,
        dropout: Tensor | None,
    ) -> Tensor:
        """Run all steps.

        Args:
            ctx: context for the backward pass.
            inputs: ``(S, B, I)``.
            weight_ih: ``(4 H, I)``.
            weight_hh: ``(4 H, H)``.
            bias: ``(4 H,)``.
            dropout: ``(S, B, H)`` factors of the hidden states, or None.

        Returns:
            Hidden states ``(S, B, H)``, after dropout.
        """
        n_steps, n_batch, _ = inputs.shape
        gates = onednn_linear(inputs, weight_ih, bias)
        # step t reads row t and writes row t + 1
        hidden = inputs.new_zeros(n_steps + 1, n_batch, weight_hh.shape[1])
        cells = torch.zeros_like(hidden, dtype=wide_dtype(inputs))
        recur = PackedWeight(weight_hh, n_batch)
        for t in range(n_steps):
            gates[t].add_(recur(hidden[t]))
            lstm_step(gates[t], cells[t], cells[t + 1], hidden[t + 1])
            if dropout is not None:
                hidden[t + 1].mul_(dropout[t])
        ctx.save_for_backward(inputs, weight_ih, weight_hh, dropout)
        ctx.buffers = gates, hidden, cells
        return hidden[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_hidden: Tensor) -> tuple[Tensor | None, ...]:
        """Run the steps backwards, then compute one product for each weight.

        Args:
            ctx: context of the forward pass.
            grad_hidden: ``(S, B, H)`` gradient of the hidden states.

        Returns:
            Gradients of ``inputs``, ``weight_ih``, ``weight_hh`` and ``bias``, with the shapes of
            these, and None for ``dropout``.
        """
        inputs, weight_ih, weight_hh, dropout = ctx.saved_tensors
        gates, hidden, cells = ctx.buffers
        d_gates = gates = gates_for_gradients(ctx, gates)
        d_cell = torch.zeros_like(cells[0])
        d_recurrent = torch.zeros_like(hidden[0])
        recur_back = PackedWeight(weight_hh.t(), hidden.shape[1])
        for t in reversed(range(len(inputs))):
            d_hidden = d_recurrent.add_(grad_hidden[t])
            if dropout is not None:
                d_hidden.mul_(dropout[t])
            lstm_step_backward(gates[t], cells[t], cells[t + 1], d_hidden, d_cell)
            d_recurrent = recur_back(d_gates[t])
        # free these buffers before others of the same size are allocated
        del recur_back, cells
        d_weight_hh = weight_gradient(d_gates, hidden[:-1])
        del hidden
        d_weight_ih = weight_gradient(d_gates, inputs)
        d_bias = d_gates.flatten(0, 1).sum(0)
        return onednn_linear(d_gates, weight_ih.t()), d_weight_ih, d_weight_hh, d_bias, None


class PackedWeight:
    """Multiplies a few rows with ``(N, K)`` weights at every step; arranges the weights only once.

    A matrix product copies its operands into a layout of its own in each call. For 16 rows that
    takes longer than the product itself. oneDNN can do it in advance.

    Args:
        weight: ``(N, K)``.
        n_rows: number of rows in each product.
    """

    def __init__(self, weight: Tensor, n_rows: int) -> None:
        self._packs = (
            weight.device.type == "cpu"
            and weight.dtype == torch.float32
            and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        )
        self._weight = weight
        if self._packs:
            self._weight = torch.ops.mkldnn._reorder_linear_weight(weight, n_rows)

    def __call__(self, rows: Tensor) -> Tensor:
        """Return the product of ``(n_rows, K)`` with the weights, ``(n_rows, N)``."""
        if not self._packs:
            return F.linear(rows, self._weight)
        product: Tensor = torch.ops.mkldnn._linear_pointwise(
            rows, self._weight, None, "none", [], ""
        )
        return product


def wide_dtype(tensor: Tensor) -> torch.dtype:
    """Return the precision for sums over many steps: float32 at least."""
    return torch.promote_types(tensor.dtype, torch.float32)


def lstm_step(gates: Tensor, cell: Tensor, new_cell: Tensor, new_hidden: Tensor) -> None:
    """Apply the nonlinearities of an LSTM step.

    Args:
        gates: ``(B, 4 H)`` sums, replaced by the gates.
        cell: ``(B, H)``.
        new_cell: ``(B, H)``, overwritten.
        new_hidden: ``(B, H)``, overwritten.
    """
    n = cell.shape[1]
    gates[:, : 2 * n].sigmoid_()
    tanh_(gates[:, 2 * n : 3 * n])
    gates[:, 3 * n :].sigmoid_()
    i, f, g, o = torch.split(gates, n, 1)
    torch.mul(f, cell, out=new_cell).addcmul_(i, g)
    tanh(new_cell, out=new_hidden).mul_(o)


def lstm_step_backward(
    gates: Tensor, cell: Tensor, new_cell: Tensor, d_hidden: Tensor, d_cell: Tensor
) -> None:
    """Compute the gradients of an LSTM step in place.

    Args:
        gates: ``(B, 4 H)`` gates, replaced by the gradients of their sums.
        cell: ``(B, H)``.
        new_cell: ``(B, H)``.
        d_hidden: ``(B, H)`` gradient of the new hidden state before its dropout.
        d_cell: ``(B, H)`` gradient of the new cell, replaced by that of the old one.
    """
    i, f, g, o = torch.split(gates, cell.shape[1], 1)
    squashed = tanh_(new_cell.clone()).to(gates.dtype)
    d_o = d_hidden * squashed
    d_cell.add_(_tanh_backward(d_hidden * o, squashed, grad_input=squashed))
    _sigmoid_backward(d_o, o, grad_input=o)
    d_f, d_i, d_g = d_cell * cell, d_cell * g, d_cell * i
    d_cell.mul_(f)
    for gate, d_gate in ((f, d_f), (i, d_i)):
        _sigmoid_backward(d_gate.to(gate.dtype), gate, grad_input=gate)
    _tanh_backward(d_g.to(g.dtype), g, grad_input=g)


def gates_for_gradients(ctx: Any, gates: Tensor) -> Tensor:
    """Return gates ``(S, B, 4 H)`` that the backward pass can overwrite with gradients.

    They are a copy if the graph is retained for another backward pass.
    """
    if torch._C._autograd._get_current_graph_task_keep_graph():
        return gates.clone()
    ctx.buffers = None
    return gates
