"""Defines the encoder's LSTM as one operation, ``tacoglow::bilstm``, that exporters can name.

``torch.export`` unrolls an LSTM over the length of its example, and cannot trace packed sequences.
ONNX has an LSTM operator with lengths. So the operation takes its weights in ONNX's order, and
torch computes it with its own packed LSTM. Importing this module registers the operation, which
programs saved by ``torch.export`` need.

Shapes: ``B`` batch, ``T`` symbols, ``D`` input width, ``H`` hidden width of each direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


@torch.library.custom_op("tacoglow::bilstm", mutates_args=())
def bilstm(x: Tensor, lengths: Tensor, w: Tensor, r: Tensor, b: Tensor) -> Tensor:
    """Compute a bidirectional LSTM over right-padded sequences, from a state of zeros.

    Args:
        x: ``(B, T, D)``.
        lengths: ``(B,)`` int64.
        w: ``(2, 4 H, D)`` input weights, gates in ONNX's order: input, output, forget, cell.
        r: ``(2, 4 H, H)`` recurrent weights.
        b: ``(2, 8 H)`` both biases.

    Returns:
        ``(B, T, 2 H)``, zero on the padding.
    """
    weights = [
        _reordered(part, (0, 2, 3, 1)) for k in range(2) for part in (w[k], r[k], *b[k].chunk(2))
    ]
    packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
    state = x.new_zeros(2, len(x), r.shape[2])
    hidden, _, _ = torch.lstm(
        packed.data, packed.batch_sizes, [state, state], weights, True, 1, 0.0, False, True
    )
    padded, _ = pad_packed_sequence(
        packed._replace(data=hidden), batch_first=True, total_length=x.shape[1]
    )
    return padded


@bilstm.register_fake
def _(x: Tensor, lengths: Tensor, w: Tensor, r: Tensor, b: Tensor) -> Tensor:
    return x.new_empty(x.shape[0], x.shape[1], 2 * r.shape[2])


def onnx_weights(lstm: nn.LSTM) -> tuple[Tensor, Tensor, Tensor]:
    """Return the ``w``, ``r`` and ``b`` of :func:`bilstm` for a bidirectional LSTM of torch."""

    def both(name: str) -> list[Tensor]:
        directions = (getattr(lstm, f"{name}_l0{suffix}") for suffix in ("", "_reverse"))
        return [_reordered(weight.detach(), (0, 3, 1, 2)) for weight in directions]

    biases = zip(both("bias_ih"), both("bias_hh"), strict=True)
    return (
        torch.stack(both("weight_ih")),
        torch.stack(both("weight_hh")),
        torch.stack([torch.cat(pair) for pair in biases]),
    )


def onnx_translations() -> dict[Any, Any]:
    """Return the translation of the operation for torch's ONNX exporter; it needs onnxscript."""
    from onnxscript import opset18

    op: Any = opset18

    def translate(x: Any, lengths: Any, w: Any, r: Any, b: Any) -> Any:
        lengths = op.Cast(lengths, to=6)  # int32
        by_time = op.Transpose(x, perm=[1, 0, 2])
        hidden, _, _ = op.LSTM(
            by_time, w, r, b, lengths, direction="bidirectional", hidden_size=r.shape[2]
        )
        # (T, 2, B, H) -> (B, T, 2 H)
        hidden = op.Transpose(hidden, perm=[2, 0, 1, 3])
        return op.Reshape(hidden, op.Constant(value_ints=[0, 0, -1]))

    return {torch.ops.tacoglow.bilstm.default: translate}


def _reordered(weight: Tensor, order: Sequence[int]) -> Tensor:
    """Reorder the four gates of ``(4 H, ...)``; torch's order is input, forget, cell, output."""
    gates = weight.chunk(4)
    return torch.cat([gates[k] for k in order])
