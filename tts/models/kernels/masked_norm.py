"""Batch norm over real positions, its nonlinearity and its dropout: one function, little kept.

Autograd would keep a tensor of the input's size for each operation. Here the way back begins from
the input, the statistics and one byte for each dropped element, and computes the rest again.

Gradient of batch norm: Ioffe and Szegedy (2015), §3. Statistics count real positions, and are
summed over the ranks of a process group, as is what depends on them on the way back.

Shapes: ``B`` batch, ``C`` channels, ``T`` time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from tts.models.kernels.activations import tanh_

ACTIVATIONS = ("linear", "relu", "tanh")


class NormStatistics(NamedTuple):
    """Of the real positions of the global batch, in float32 at least."""

    mean: Tensor  # (C,)
    var: Tensor  # (C,), divided by `n_real`
    n_real: Tensor  # scalar


def masked_statistics(x: Tensor, mask: Tensor | None) -> NormStatistics:
    """Of ``(B, C, T)`` where the ``(B, 1, T)`` mask is True, everywhere without one."""
    x = _wide(x)
    real = x.new_ones(x.shape[0], 1, x.shape[2]) if mask is None else mask.to(x.dtype)
    n_real = _sum_over_ranks(real.sum())
    terms = x * real
    mean = _sum_over_ranks(terms.sum((0, 2))) / n_real
    torch.sub(x, mean[:, None], out=terms).square_().mul_(real)
    return NormStatistics(mean, _sum_over_ranks(terms.sum((0, 2))) / n_real, n_real)


class NormActivation(torch.autograd.Function):
    """``dropout(activation(batch_norm(x)))``.

    ``apply(x, weight, bias, mask, statistics, eps, activation, kept, scale)`` with ``x``
    ``(B, C, T)``, ``weight`` and ``bias`` ``(C,)``, ``mask`` ``(B, 1, T)`` bool or None,
    `statistics` those of ``x``, `activation` one of `ACTIVATIONS`, and `kept` ``(B, C, T)`` bool
    with the `scale` of what is kept, or None, gives ``(B, C, T)`` in float32 at least. The
    statistics' dependence on ``x`` is part of the gradient.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        mask: Tensor | None,
        statistics: NormStatistics,
        eps: float,
        activation: str,
        kept: Tensor | None,
        scale: float,
    ) -> Tensor:
        """Normalise, squash, drop."""
        mean, var, n_real = statistics
        rate = torch.rsqrt(var + eps)
        ctx.save_for_backward(x, weight, bias, mask, mean, rate, n_real, kept)
        ctx.activation, ctx.scale = activation, 1.0 if kept is None else scale
        y = (_wide(x) - mean[:, None]).mul_((weight * rate)[:, None]).add_(bias[:, None])
        return _drop(_activate_(y, activation), kept, scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_y: Tensor) -> tuple[Tensor | None, ...]:
        """From the input on, once more."""
        x, weight, bias, mask, mean, rate, n_real, kept = ctx.saved_tensors
        normalised = (_wide(x) - mean[:, None]).mul_(rate[:, None])
        d = d_y if kept is None else d_y * kept
        if ctx.activation != "linear":
            y = (normalised * weight[:, None]).add_(bias[:, None])
            y = _activate_(y, ctx.activation)
            if ctx.activation == "tanh":
                d = torch.ops.aten.tanh_backward(d, y)
            else:
                d = torch.ops.aten.threshold_backward(d, y, 0)
            del y
        sums = torch.stack((d.sum((0, 2)), (d * normalised).sum((0, 2))))
        # what the mean and the variance of all ranks hand back to every real position
        shares = _sum_over_ranks(sums) / n_real
        through = normalised.mul_(shares[1][:, None]).add_(shares[0][:, None])
        if mask is not None:
            through.mul_(mask)
        through = torch.sub(d, through, out=through)
        d_x = through.mul_((weight * rate * ctx.scale)[:, None]).to(x.dtype)
        d_bias, d_weight = sums * ctx.scale
        return d_x, d_weight, d_bias, None, None, None, None, None, None


def activate(x: Tensor, activation: str) -> Tensor:
    """The nonlinearity of that name."""
    return x if activation == "linear" else getattr(torch, activation)(x)


def _activate_(x: Tensor, activation: str) -> Tensor:
    if activation == "linear":
        return x
    return tanh_(x) if activation == "tanh" else F.relu_(x)


def _drop(x: Tensor, kept: Tensor | None, scale: float) -> Tensor:
    return x if kept is None else x.mul_(kept).mul_(scale)


def _wide(x: Tensor) -> Tensor:
    # sums over a batch's frames do not fit half precision: it ends at 65,504
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _sum_over_ranks(x: Tensor) -> Tensor:
    """``x`` summed over the process group; ``x`` itself in a single process."""
    if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
        x = x.clone()
        dist.all_reduce(x)
    return x
