"""Computes batch norm over real positions, its activation and its dropout as one function.

Autograd would store a tensor of the input's size for each operation. Here the backward pass starts
from the input, the statistics and one byte for each element of the dropout mask, and computes the
rest again.

Gradient of batch norm: Ioffe and Szegedy (2015), §3. Statistics count real positions only. They are
those of all ranks of a process group, and so are the terms of the gradient that come from them: one
exchange for each direction. The ranks' means and variances are joined as in Chan, Golub and LeVeque
(1983), "Algorithms for computing the sample variance", equation 2.1.

Shapes: ``B`` batch, ``C`` channels, ``T`` time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from tts.models.kernels.activations import tanh_
from tts.models.kernels.over_ranks import gather_over_ranks, n_ranks, sum_over_ranks

#: Names of the activations that can follow batch norm.
ACTIVATIONS = ("linear", "relu", "tanh")


class NormStatistics(NamedTuple):
    """Holds the statistics of the real positions, in float32 at least."""

    mean: Tensor  # (C,)
    var: Tensor  # (C,), the sum of squares divided by n_real
    n_real: Tensor  # scalar
    over_ranks: bool  # whether they are those of the global batch, not of this rank alone


def masked_statistics(x: Tensor, mask: Tensor | None, over_ranks: bool = True) -> NormStatistics:
    """Compute the statistics of the real positions.

    Args:
        x: ``(B, C, T)``.
        mask: ``(B, 1, T)`` bool, True for real positions; None counts every position.
        over_ranks: whether to count the positions of all ranks.
    """
    x = _wide(x)
    real = x.new_ones(x.shape[0], 1, x.shape[2]) if mask is None else mask.to(x.dtype)
    n_real = real.sum()
    terms = x * real
    mean = terms.sum((0, 2)) / n_real
    torch.sub(x, mean[:, None], out=terms).square_().mul_(real)
    var = terms.sum((0, 2)) / n_real
    if over_ranks and n_ranks() > 1:
        mean, var, n_real = _joined(gather_over_ranks(torch.cat((mean, var, n_real[None]))))
    return NormStatistics(mean, var, n_real, over_ranks)


def _joined(parts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return mean, variance and number of the positions of all ranks.

    Args:
        parts: ``(n_ranks, 2 C + 1)``, the same three of each rank.
    """
    counts = parts[:, -1:]
    means, variances = parts[:, :-1].chunk(2, dim=1)
    n_real = counts.sum()
    mean = (means * counts).sum(0) / n_real
    var = ((variances + (means - mean).square()) * counts).sum(0) / n_real
    return mean, var, n_real


class NormActivation(torch.autograd.Function):
    """Computes ``dropout(activation(batch_norm(x)))`` and its gradient.

    Call it as ``apply(x, weight, bias, mask, statistics, eps, activation, kept, scale)``:

    * ``x`` ``(B, C, T)``, ``weight`` and ``bias`` ``(C,)``;
    * ``mask`` ``(B, 1, T)`` bool, True for real positions, or None;
    * ``statistics`` those of ``x``; the gradient includes their dependence on ``x``;
    * ``eps`` is added to the variance;
    * ``activation`` one of :data:`ACTIVATIONS`;
    * ``kept`` ``(B, C, T)`` bool, the dropout mask, or None; ``scale`` is the factor of the
      elements that it keeps.

    The result is ``(B, C, T)`` in float32 at least.
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
        """Normalise, then apply activation and dropout; see the class for arguments and shapes."""
        mean, var, n_real, ctx.over_ranks = statistics
        rate = torch.rsqrt(var + eps)
        ctx.save_for_backward(x, weight, bias, mask, mean, rate, n_real, kept)
        ctx.activation, ctx.scale = activation, 1.0 if kept is None else scale
        y = (_wide(x) - mean[:, None]).mul_((weight * rate)[:, None]).add_(bias[:, None])
        return _drop(_activate_(y, activation), kept, scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_y: Tensor) -> tuple[Tensor | None, ...]:
        """Compute the forward pass again from the input, and the gradients of x, weight and bias.

        Args:
            ctx: context of the forward pass.
            d_y: ``(B, C, T)`` gradient of the result.
        """
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
        # the gradient through mean and variance, which every position that they count shares
        shares = (sum_over_ranks(sums) if ctx.over_ranks else sums) / n_real
        through = normalised.mul_(shares[1][:, None]).add_(shares[0][:, None])
        if mask is not None:
            through.mul_(mask)
        through = torch.sub(d, through, out=through)
        d_x = through.mul_((weight * rate * ctx.scale)[:, None]).to(x.dtype)
        d_bias, d_weight = sums * ctx.scale
        return d_x, d_weight, d_bias, None, None, None, None, None, None


def activate(x: Tensor, activation: str) -> Tensor:
    """Apply the activation of that name to ``x``, of any shape."""
    return x if activation == "linear" else getattr(torch, activation)(x)


def _activate_(x: Tensor, activation: str) -> Tensor:
    if activation == "linear":
        return x
    return tanh_(x) if activation == "tanh" else F.relu_(x)


def _drop(x: Tensor, kept: Tensor | None, scale: float) -> Tensor:
    return x if kept is None else x.mul_(kept).mul_(scale)


def _wide(x: Tensor) -> Tensor:
    """Return ``x`` in float32 at least: half precision ends at 65,504, too small for the sums."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
