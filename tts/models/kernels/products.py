"""Matrix products in float32 on processors, by oneDNN, with gradients.

torch gives them to MKL, which leaves the widest vector instructions of some processors unused, and
is there half as fast as oneDNN, to which torch gives convolutions; elsewhere the two are alike.
What oneDNN does not do (other precisions and devices, a torch without it or with
``torch.backends.mkldnn.enabled`` off) and products that are over before it has begun are torch's.

Shapes: ``R`` rows, ``K`` inputs, ``N`` outputs.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

#: Multiply-adds below which calling oneDNN takes longer than it gains.
MIN_MULTIPLY_ADDS = 2**20


def onednn_linear(rows: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``(..., K)`` and ``(N, K)`` -> ``(..., N)``, as ``F.linear``, without a graph of its own."""
    if not _does(rows, weight):
        return F.linear(rows, weight, bias)
    product: Tensor = torch.ops.mkldnn._linear_pointwise(
        rows.contiguous(), _whole(weight), bias, "none", [], ""
    )
    return product


def add_onednn_linear(total: Tensor, rows: Tensor, weight: Tensor) -> Tensor:
    """``(R, N)`` plus the product of ``(R, K)`` and ``(N, K)``; `total` may be overwritten."""
    if not _does(rows, weight):
        return total.addmm_(rows, weight.t())
    added: Tensor = torch.ops.mkldnn._linear_pointwise.binary(
        rows.contiguous(), total, _whole(weight), None, "add"
    )
    return added


def weight_gradient(d_outputs: Tensor, inputs: Tensor) -> Tensor:
    """Sum over all rows: ``(..., N)`` and ``(..., K)`` -> ``(N, K)``."""
    left, right = d_outputs.flatten(0, -2).t(), inputs.flatten(0, -2).t()
    # the operand that is laid out anew should be the smaller one
    if len(right) <= len(left):
        return onednn_linear(right, left).t()
    return onednn_linear(left, right)


def dense(layer: nn.Module, inputs: Tensor) -> Tensor:
    """A linear layer over many rows at once, ``(..., K)`` -> ``(..., N)``.

    In training the products of its gradients are made here as well; what needs none, and layers
    that are not ``nn.Linear``, are called as they are.
    """
    if (
        type(layer) is not nn.Linear
        or not torch.is_grad_enabled()
        or torch.compiler.is_compiling()
        or not _does(inputs, layer.weight)
    ):
        out: Tensor = layer(inputs)
        return out
    return _Dense.apply(inputs, layer.weight, layer.bias)  # type: ignore[no-any-return, no-untyped-call]


def pointwise_conv(layer: nn.Conv1d, inputs: Tensor) -> Tensor:
    """A convolution of kernel 1 along time, ``(B, K, T)`` -> ``(B, N, T)``.

    torch gives small batches of these to MKL on one thread, and to oneDNN on several.
    """
    several = torch.get_num_threads() > 1
    if several or torch.compiler.is_compiling() or layer.kernel_size != (1,):
        out: Tensor = layer(inputs)
        return out
    weight = layer.weight  # once: weight norm computes it
    if not _does(inputs, weight):
        return F.conv1d(inputs, weight, layer.bias)
    return _Pointwise.apply(inputs, weight, layer.bias)  # type: ignore[no-any-return, no-untyped-call]


class _Pointwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(inputs, weight)
        return _convolve(inputs, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor) -> tuple[Tensor | None, ...]:
        inputs, weight = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        d_inputs = _convolve(d_outputs, weight.transpose(0, 1)) if wanted[0] else None
        d_weight = None
        if wanted[1]:
            pairs = zip(d_outputs, inputs, strict=True)
            d_weight = sum(onednn_linear(d, x) for d, x in pairs)[:, :, None]  # type: ignore[index]
        return d_inputs, d_weight, d_outputs.sum((0, 2)) if wanted[2] else None


def _convolve(inputs: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Convolution by oneDNN with ``(N, K, 1)`` weights."""
    out: Tensor = torch.mkldnn_convolution(
        inputs[:, :, None].contiguous(),
        weight[..., None].contiguous(),
        bias,
        (0, 0),
        (1, 1),
        (1, 1),
        1,
    )
    return out[:, :, 0]


class _Dense(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(inputs, weight)
        return onednn_linear(inputs, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor) -> tuple[Tensor | None, ...]:
        inputs, weight = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        return (
            onednn_linear(d_outputs, weight.t()) if wanted[0] else None,
            weight_gradient(d_outputs, inputs) if wanted[1] else None,
            d_outputs.flatten(0, -2).sum(0) if wanted[2] else None,
        )


def _whole(weight: Tensor) -> Tensor:
    """A matrix by rows or by columns: through a part of one oneDNN goes element by element."""
    return weight if weight.is_contiguous() or weight.t().is_contiguous() else weight.contiguous()


def _does(rows: Tensor, weight: Tensor) -> bool:
    """Whether oneDNN does this product, and is worth its call."""
    return (
        rows.device.type == weight.device.type == "cpu"
        and rows.dtype == weight.dtype == torch.float32
        and rows.numel() * len(weight) >= MIN_MULTIPLY_ADDS
        and bool(torch.backends.mkldnn.enabled)
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and not torch.is_autocast_enabled("cpu")
    )
