"""Computes the nonlinearities of an LSTM step with one kernel, where the device has it.

A GPU computes a step of a recurrence in less time than the host needs to start its kernels. So the
number of kernels decides how long a step takes. torch has one for all nonlinearities of an LSTM,
and one for their gradients. Other devices get the same from several operations.

LSTM: Hochreiter and Schmidhuber (1997), gates in the order i, f, g, o.

Shapes: ``B`` batch, ``H`` hidden units.
"""

from __future__ import annotations

import torch
from torch import Tensor

_fused = torch.ops.aten._thnn_fused_lstm_cell
_fused_backward = torch.ops.aten._thnn_fused_lstm_cell_backward_impl
_sigmoid_backward = torch.ops.aten.sigmoid_backward
_tanh_backward = torch.ops.aten.tanh_backward


def fused_cell(inputs: Tensor, recurrent: Tensor, cell: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Compute a step from both summands of its gates.

    Args:
        inputs: ``(B, 4 H)``, what the inputs and the bias add to the gates.
        recurrent: ``(B, 4 H)``, what the last hidden state adds.
        cell: ``(B, H)``.

    Returns:
        Hidden state ``(B, H)``, new cell ``(B, H)``, and the gates ``(B, 4 H)`` for
        :func:`fused_cell_backward`.
    """
    if inputs.is_cuda:
        hidden, new_cell, gates = _fused(inputs, recurrent, cell)
        return hidden, new_cell, gates
    n = cell.shape[1]
    gates = inputs + recurrent
    gates[:, : 2 * n].sigmoid_()
    gates[:, 2 * n : 3 * n].tanh_()
    gates[:, 3 * n :].sigmoid_()
    i, f, g, o = torch.split(gates, n, 1)
    new_cell = (f * cell).addcmul_(i, g)
    return o * torch.tanh(new_cell), new_cell, gates


def fused_cell_backward(
    d_hidden: Tensor, d_cell: Tensor, cell: Tensor, new_cell: Tensor, gates: Tensor
) -> tuple[Tensor, Tensor]:
    """Compute the gradients of a step.

    Args:
        d_hidden: ``(B, H)`` gradient of the hidden state.
        d_cell: ``(B, H)`` gradient of the new cell.
        cell: ``(B, H)``.
        new_cell: ``(B, H)``.
        gates: ``(B, 4 H)`` from :func:`fused_cell`.

    Returns:
        Gradients of either summand of the gates ``(B, 4 H)``, and of the cell ``(B, H)``.
    """
    if gates.is_cuda:
        d_gates, d_cell, _ = _fused_backward(d_hidden, d_cell, cell, new_cell, gates, False)
        return d_gates, d_cell
    i, f, g, o = torch.split(gates, cell.shape[1], 1)
    squashed = torch.tanh(new_cell)
    d_cell = d_cell + _tanh_backward(d_hidden * o, squashed)
    parts = (
        _sigmoid_backward(d_cell * g, i),
        _sigmoid_backward(d_cell * cell, f),
        _tanh_backward(d_cell * i, g),
        _sigmoid_backward(d_hidden * squashed, o),
    )
    return torch.cat(parts, 1), d_cell * f
