"""Computes float32 matrix products on CPUs with oneDNN, and their gradients.

torch uses MKL for matrix products and oneDNN for convolutions. On some CPUs MKL does not use the
widest vector instructions and is half as fast as oneDNN; on others the two are alike. torch's own
product remains in use where oneDNN does not apply (other precisions and devices, a torch without
oneDNN, or ``torch.backends.mkldnn.enabled = False``), and where the product is so small that
calling oneDNN takes longer than it saves.

Shapes: ``B`` batch, ``T`` time, ``R`` rows, ``K`` inputs, ``N`` outputs.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

#: Number of multiply-adds below which calling oneDNN takes longer than it saves.
MIN_MULTIPLY_ADDS = 2**20


def onednn_linear(rows: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Compute ``F.linear`` without recording a graph.

    Args:
        rows: ``(..., K)``.
        weight: ``(N, K)``.
        bias: ``(N,)`` or None.

    Returns:
        ``(..., N)``.
    """
    if not _uses_onednn(rows, weight):
        return F.linear(rows, weight, bias)
    product: Tensor = torch.ops.mkldnn._linear_pointwise(
        rows.contiguous(), _dense_matrix(weight), bias, "none", [], ""
    )
    return product


def add_onednn_linear(total: Tensor, rows: Tensor, weight: Tensor) -> Tensor:
    """Return ``total`` plus a product, without recording a graph.

    Args:
        total: ``(R, N)``; it may be overwritten.
        rows: ``(R, K)``.
        weight: ``(N, K)``.

    Returns:
        ``(R, N)``.
    """
    if not _uses_onednn(rows, weight):
        return total.addmm_(rows, weight.t())
    added: Tensor = torch.ops.mkldnn._linear_pointwise.binary(
        rows.contiguous(), total, _dense_matrix(weight), None, "add"
    )
    return added


def linear_relu(rows: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return ``relu(F.linear(rows, weight, bias))`` without a graph; one kernel on a GPU.

    Args:
        rows: ``(R, K)``.
        weight: ``(N, K)``.
        bias: ``(N,)``.

    Returns:
        ``(R, N)``, a new tensor.
    """
    if rows.is_cuda:
        rectified: Tensor = torch.ops.aten._addmm_activation(bias, rows, weight.t())
        return rectified
    return F.linear(rows, weight, bias).relu_()


def weight_gradient(d_outputs: Tensor, inputs: Tensor) -> Tensor:
    """Compute the gradient of a linear layer's weight, a sum over all rows.

    Args:
        d_outputs: ``(..., N)`` gradient of the outputs.
        inputs: ``(..., K)``.

    Returns:
        ``(N, K)``.
    """
    left, right = d_outputs.flatten(0, -2).t(), inputs.flatten(0, -2).t()
    # oneDNN copies one operand into its own layout: that should be the smaller one
    if len(right) <= len(left):
        return onednn_linear(right, left).t()
    return onednn_linear(left, right)


def dense(layer: nn.Module, inputs: Tensor) -> Tensor:
    """Apply a linear layer to many rows at once.

    In training the products of its gradients use oneDNN as well. Without gradients, and for layers
    that are not exactly ``nn.Linear``, the layer is called directly.

    Args:
        layer: layer with ``K`` inputs and ``N`` outputs.
        inputs: ``(..., K)``.

    Returns:
        ``(..., N)``.
    """
    if (
        type(layer) is not nn.Linear
        or not torch.is_grad_enabled()
        or torch.compiler.is_compiling()
        or not _uses_onednn(inputs, layer.weight)
    ):
        out: Tensor = layer(inputs)
        return out
    return _Dense.apply(inputs, layer.weight, layer.bias)  # type: ignore[no-any-return, no-untyped-call]


def pointwise_conv(layer: nn.Conv1d, inputs: Tensor) -> Tensor:
    """Apply a convolution of kernel size 1 along time.

    For small batches torch uses MKL on one thread, and oneDNN on several threads. So this function
    replaces torch's convolution on one thread only.

    Args:
        layer: convolution with ``K`` input and ``N`` output channels; one with another kernel size
            is called directly.
        inputs: ``(B, K, T)``.

    Returns:
        ``(B, N, T)``.
    """
    several_threads = torch.get_num_threads() > 1
    if several_threads or torch.compiler.is_compiling() or layer.kernel_size != (1,):
        out: Tensor = layer(inputs)
        return out
    weight = layer.weight  # read it once, because weight norm computes it at each access
    if not _uses_onednn(inputs, weight):
        return F.conv1d(inputs, weight, layer.bias)
    return _Pointwise.apply(inputs, weight, layer.bias)  # type: ignore[no-any-return, no-untyped-call]


class _Pointwise(torch.autograd.Function):
    """Computes a convolution of kernel size 1 and its gradients by oneDNN."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(inputs, weight)
        return _convolve(inputs, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor) -> tuple[Tensor | None, ...]:
        inputs, weight = ctx.saved_tensors
        needed = ctx.needs_input_grad
        d_inputs = _convolve(d_outputs, weight.transpose(0, 1)) if needed[0] else None
        d_weight = None
        if needed[1]:
            pairs = zip(d_outputs, inputs, strict=True)
            d_weight = sum(onednn_linear(d, x) for d, x in pairs)[:, :, None]  # type: ignore[index]
        return d_inputs, d_weight, d_outputs.sum((0, 2)) if needed[2] else None


def _convolve(inputs: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Convolve ``(B, K, T)`` inputs with ``(N, K, 1)`` weights by oneDNN: ``(B, N, T)``."""
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
    """Computes a linear layer and its gradients by oneDNN."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(inputs, weight)
        return onednn_linear(inputs, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor) -> tuple[Tensor | None, ...]:
        inputs, weight = ctx.saved_tensors
        needed = ctx.needs_input_grad
        return (
            onednn_linear(d_outputs, weight.t()) if needed[0] else None,
            weight_gradient(d_outputs, inputs) if needed[1] else None,
            d_outputs.flatten(0, -2).sum(0) if needed[2] else None,
        )


def _dense_matrix(weight: Tensor) -> Tensor:
    """Copy a slice of a matrix, which oneDNN would read element by element; return others."""
    return weight if weight.is_contiguous() or weight.t().is_contiguous() else weight.contiguous()


def _uses_onednn(rows: Tensor, weight: Tensor) -> bool:
    """Return whether oneDNN can compute this product, and the product is large enough."""
    return (
        rows.device.type == weight.device.type == "cpu"
        and rows.dtype == weight.dtype == torch.float32
        and rows.numel() * len(weight) >= MIN_MULTIPLY_ADDS
        and bool(torch.backends.mkldnn.enabled)
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and not torch.is_autocast_enabled("cpu")
    )
