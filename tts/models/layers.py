"""Small pieces that the networks share: length masks, initialised layers, masked batch norm.

A batch pads its utterances on the right. Every layer here that looks along time takes a mask, so
that padding reaches neither the real frames nor the statistics: an utterance gives the same
result alone and in any batch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tts.models.kernels.activations import dropout_mask
from tts.models.kernels.masked_norm import (
    NormActivation,
    NormStatistics,
    activate,
    masked_statistics,
)


def sequence_mask(lengths: Tensor, max_length: int | None = None) -> Tensor:
    """Mask of the real positions of right-padded sequences.

    Args:
        lengths: ``(B,)`` int64.
        max_length: width of the mask; the longest length when omitted.

    Returns:
        ``(B, max_length)`` bool, True where the position is real.
    """
    width = int(lengths.max()) if max_length is None else max_length
    return torch.arange(width, device=lengths.device) < lengths[:, None]


def xavier_linear(n_in: int, n_out: int, *, bias: bool = True, gain: str = "linear") -> nn.Linear:
    """Linear layer with Glorot-uniform weights for the nonlinearity that follows it."""
    layer = nn.Linear(n_in, n_out, bias=bias)
    nn.init.xavier_uniform_(layer.weight, gain=nn.init.calculate_gain(gain))  # type: ignore[arg-type]
    return layer


def xavier_conv(
    n_in: int, n_out: int, kernel_size: int, *, bias: bool = True, gain: str = "linear"
) -> nn.Conv1d:
    """Convolution along time that keeps the length, Glorot-uniform weights."""
    layer = nn.Conv1d(n_in, n_out, kernel_size, padding=kernel_size // 2, bias=bias)
    nn.init.xavier_uniform_(layer.weight, gain=nn.init.calculate_gain(gain))  # type: ignore[arg-type]
    return layer


class MaskedBatchNorm1d(nn.Module):
    """Batch normalisation whose statistics count real frames only, over the global batch.

    With a full mask and one process this is ``torch.nn.BatchNorm1d``. Statistics are summed over
    the ranks of a process group, so that N processes see what one process with the same global
    batch would see (``torch.nn.SyncBatchNorm`` does so on GPUs alone, and counts padding).
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, n_channels: int, *, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(n_channels))
        self.bias = nn.Parameter(torch.zeros(n_channels))
        self.register_buffer("running_mean", torch.zeros(n_channels))
        self.register_buffer("running_var", torch.ones(n_channels))

    def extra_repr(self) -> str:
        """Sizes, for ``print(network)``."""
        return f"{self.weight.numel()}, eps={self.eps}, momentum={self.momentum}"

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None,
        activation: str = "linear",
        dropout: float = 0.0,
    ) -> Tensor:
        """Normalise ``x``, and what follows: in training these keep less together than apart.

        Args:
            x: ``(B, C, T)``.
            mask: ``(B, 1, T)`` bool, True where real; None counts every position.
            activation: ``"linear"``, ``"relu"`` or ``"tanh"``.
            dropout: its rate, also in evaluation; 0 for none.

        Returns:
            ``(B, C, T)``; what it holds on padding is of no use.
        """
        if not self.training:
            mean, var = self.running_mean, self.running_var
            x = F.batch_norm(x, mean, var, self.weight, self.bias, False, 0.0, self.eps)
            return F.dropout(activate(x, activation), dropout)
        with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
            found = masked_statistics(x, mask)
            self._track(found)
        kept, scale = dropout_mask(x.shape, dropout, x.device) if dropout else (None, 1.0)
        arguments = mask, found, self.eps, activation, kept, scale
        with torch.autocast(x.device.type, enabled=False):
            out: Tensor = NormActivation.apply(x, self.weight, self.bias, *arguments)  # type: ignore[no-untyped-call]
        return out

    def _track(self, found: NormStatistics) -> None:
        unbiased = found.var * found.n_real / (found.n_real - 1).clamp(min=1.0)
        self.running_mean.lerp_(found.mean.to(self.running_mean.dtype), self.momentum)
        self.running_var.lerp_(unbiased.to(self.running_var.dtype), self.momentum)


class ConvBlock(nn.Module):
    """Convolution, batch norm, nonlinearity, dropout: the unit of encoder and post-net (§2.2)."""

    def __init__(
        self, n_in: int, n_out: int, kernel_size: int, *, activation: str, dropout: float
    ) -> None:
        super().__init__()
        # the encoder's ReLU layers and the post-net's tanh layers differ in their initial gain
        self.conv = xavier_conv(n_in, n_out, kernel_size, gain=activation)
        self.norm = MaskedBatchNorm1d(n_out)
        self.activation, self.dropout = activation, dropout

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """``(B, n_in, T)`` and ``(B, 1, T)`` mask (or None: padding leaks) -> ``(B, n_out, T)``."""
        if mask is not None:
            x = x.masked_fill(~mask, 0.0)
        dropout = self.dropout if self.training else 0.0
        return self.norm(self.conv(x), mask, self.activation, dropout)  # type: ignore[no-any-return]
