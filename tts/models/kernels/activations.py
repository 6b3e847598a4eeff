"""Activations and dropout of large tensors on processors, where torch's own are slow.

``tanh |x|`` is ``1 - 2 sigmoid(-2 |x|)``: torch has a fast sigmoid, and a hyperbolic tangent that
takes ten times as long. Both are 1.5e-8 off in float32, on average; half precision, whose round-off
the difference would multiply, and other devices use torch's.

Dropout draws 16 bits for an element where ``bernoulli_`` draws 64: eight times as fast.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_DRAWS = 2**16


def tanh_(x: Tensor) -> Tensor:
    """Hyperbolic tangent in place, of any shape."""
    return tanh(x, out=x)


def tanh(x: Tensor, *, out: Tensor) -> Tensor:
    """Hyperbolic tangent of ``x`` in ``out``, of the same shape."""
    fast = x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64)
    if not fast or out.dtype != x.dtype:
        return torch.tanh(x, out=out)
    size = x.abs().mul_(-2.0).sigmoid_().mul_(-2.0).add_(1.0)
    return torch.copysign(size, x, out=out)


def gated_activation(x: Tensor) -> Tensor:
    """``tanh(a) · sigmoid(b)`` of both halves of the channels, ``(B, 2 C, T)`` -> ``(B, C, T)``."""
    if torch.compiler.is_compiling():
        a, b = x.chunk(2, dim=1)
        return torch.tanh(a) * torch.sigmoid(b)
    return _Gated.apply(x)  # type: ignore[no-any-return, no-untyped-call]


class _Gated(torch.autograd.Function):
    """Keeps what comes in, and not both factors of what goes out: no more, and less to copy."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        a, b = x.chunk(2, dim=1)
        return torch.sigmoid(b).mul_(tanh(a, out=torch.empty_like(a)))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_out: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        a, b = x.chunk(2, dim=1)
        a, b = tanh(a, out=torch.empty_like(a)), torch.sigmoid(b)
        d_x = torch.empty_like(x)
        d_a, d_b = d_x.chunk(2, dim=1)
        torch.ops.aten.tanh_backward.grad_input(d_out * b, a, grad_input=d_a)
        torch.ops.aten.sigmoid_backward.grad_input(a.mul_(d_out), b, grad_input=d_b)
        return d_x


def dropout_factors(like: Tensor, shape: tuple[int, ...], rate: float) -> Tensor:
    """Random factors of dropout: 0 with probability `rate`, and else what keeps the mean.

    Args:
        like: where, and in which precision.
        shape: of the factors.
        rate: from 0 to 1; on a processor it is rounded to a multiple of 2⁻¹⁶, for the mean as well.

    Returns:
        ``shape``, 0 or 1 / (1 - rate).
    """
    kept, scale = dropout_mask(shape, rate, like.device)
    return kept.to(like.dtype).mul_(scale)


def dropout_mask(shape: tuple[int, ...], rate: float, device: torch.device) -> tuple[Tensor, float]:
    """As :func:`dropout_factors`: bool, True where it is not 0, and the factor of these."""
    if device.type != "cpu":
        kept = torch.empty(shape, dtype=torch.bool, device=device).bernoulli_(1.0 - rate)
        return kept, 0.0 if rate == 1.0 else 1.0 / (1.0 - rate)
    threshold = round(rate * _DRAWS)
    if threshold == _DRAWS:
        return torch.zeros(shape, dtype=torch.bool), 0.0
    kept = _random_bits(shape) >= threshold - _DRAWS // 2
    return kept, _DRAWS / (_DRAWS - threshold)


def _random_bits(shape: tuple[int, ...]) -> Tensor:
    """Uniform 16-bit integers, from the generator that dropout uses."""
    n = torch.Size(shape).numel()
    drawn = torch.empty(-(-n // 4), dtype=torch.int64).random_(-(2**63), None)
    return drawn.view(torch.int16)[:n].view(shape)
