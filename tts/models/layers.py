"""Defines what the networks share: length masks, initialised layers and masked batch norm.

A batch pads its utterances on the right. Every layer here that works along time takes a mask. So
padding changes neither the real frames nor the statistics, and an utterance gives the same result
alone and in any batch.

Shapes: ``B`` batch, ``C`` channels, ``T`` time.
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
    """Return the mask of the real positions of right-padded sequences.

    Args:
        lengths: ``(B,)`` int64, numbers of real positions.
        max_length: width of the mask; None means the longest length.

    Returns:
        ``(B, max_length)`` bool, True for real positions.
    """
    width = int(lengths.max()) if max_length is None else max_length
    return torch.arange(width, device=lengths.device) < lengths[:, None]


def xavier_linear(n_in: int, n_out: int, *, bias: bool = True, gain: str = "linear") -> nn.Linear:
    """Return a linear layer with Glorot-uniform weights.

    Args:
        n_in: input features.
        n_out: output features.
        bias: whether the layer has a bias.
        gain: name of the nonlinearity that follows it, see ``torch.nn.init.calculate_gain``.
    """
    layer = nn.Linear(n_in, n_out, bias=bias)
    nn.init.xavier_uniform_(layer.weight, gain=nn.init.calculate_gain(gain))  # type: ignore[arg-type]
    return layer


def xavier_conv(
    n_in: int, n_out: int, kernel_size: int, *, bias: bool = True, gain: str = "linear"
) -> nn.Conv1d:
    """Return a convolution along time with Glorot-uniform weights, which keeps the length.

    Args:
        n_in: input channels.
        n_out: output channels.
        kernel_size: odd size of the kernel.
        bias: whether the layer has a bias.
        gain: name of the nonlinearity that follows it, see ``torch.nn.init.calculate_gain``.
    """
    layer = nn.Conv1d(n_in, n_out, kernel_size, padding=kernel_size // 2, bias=bias)
    nn.init.xavier_uniform_(layer.weight, gain=nn.init.calculate_gain(gain))  # type: ignore[arg-type]
    return layer


class MaskedBatchNorm1d(nn.Module):
    """Normalises a batch with statistics of the real frames only, over the global batch.

    With a full mask and one process this is ``torch.nn.BatchNorm1d``. Statistics are those of all
    ranks of a process group, so N processes compute what one process with the same global batch
    would compute. (``torch.nn.SyncBatchNorm`` works on GPUs only, and counts padding.)

    Args:
        n_channels: ``C``.
        eps: added to the variance.
        momentum: share of the new statistics in the running ones.

    Attributes:
        over_ranks: whether the statistics are those of all ranks; else each rank has its own.
    """

    running_mean: Tensor
    running_var: Tensor
    over_ranks = True

    def __init__(self, n_channels: int, *, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(n_channels))
        self.bias = nn.Parameter(torch.zeros(n_channels))
        self.register_buffer("running_mean", torch.zeros(n_channels))
        self.register_buffer("running_var", torch.ones(n_channels))

    def extra_repr(self) -> str:
        """Return the sizes for ``print(network)``."""
        return f"{self.weight.numel()}, eps={self.eps}, momentum={self.momentum}"

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None,
        activation: str = "linear",
        dropout: float = 0.0,
    ) -> Tensor:
        """Normalise ``x``, then apply the activation and the dropout that follow.

        The three are computed together because in training that stores fewer tensors.

        Args:
            x: ``(B, C, T)``.
            mask: ``(B, 1, T)`` bool, True for real positions; None counts every position.
            activation: ``"linear"``, ``"relu"`` or ``"tanh"``.
            dropout: rate of the dropout; it is active in evaluation mode too.

        Returns:
            ``(B, C, T)``; its values on the padding have no meaning.
        """
        if not self.training:
            mean, var = self.running_mean, self.running_var
            x = F.batch_norm(x, mean, var, self.weight, self.bias, False, 0.0, self.eps)
            return F.dropout(activate(x, activation), dropout)
        with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
            batch = masked_statistics(x, mask, self.over_ranks)
            self._update_running(batch)
        kept, scale = dropout_mask(x.shape, dropout, x.device) if dropout else (None, 1.0)
        arguments = mask, batch, self.eps, activation, kept, scale
        with torch.autocast(x.device.type, enabled=False):
            out: Tensor = NormActivation.apply(x, self.weight, self.bias, *arguments)  # type: ignore[no-untyped-call]
        return out

    def _update_running(self, batch: NormStatistics) -> None:
        unbiased = batch.var * batch.n_real / (batch.n_real - 1).clamp(min=1.0)
        self.running_mean.lerp_(batch.mean.to(self.running_mean.dtype), self.momentum)
        self.running_var.lerp_(unbiased.to(self.running_var.dtype), self.momentum)


class ConvBlock(nn.Module):
    """Applies a convolution, batch norm, an activation and dropout.

    Encoder and post-net of Tacotron 2 consist of such blocks (Shen et al., 2018, §2.2).

    Args:
        n_in: input channels.
        n_out: output channels.
        kernel_size: odd size of the kernel.
        activation: ``"linear"``, ``"relu"`` or ``"tanh"``.
        dropout: rate of the dropout in training.
    """

    def __init__(
        self, n_in: int, n_out: int, kernel_size: int, *, activation: str, dropout: float
    ) -> None:
        super().__init__()
        # ReLU layers of the encoder and tanh layers of the post-net need different initial gains
        self.conv = xavier_conv(n_in, n_out, kernel_size, gain=activation)
        self.norm = MaskedBatchNorm1d(n_out)
        self.activation, self.dropout = activation, dropout

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Apply the block.

        Args:
            x: ``(B, n_in, T)``.
            mask: ``(B, 1, T)`` bool, True for real positions; None lets padding leak.

        Returns:
            ``(B, n_out, T)``.
        """
        if mask is not None:
            x = x.masked_fill(~mask, 0.0)
        dropout = self.dropout if self.training else 0.0
        return self.norm(self.conv(x), mask, self.activation, dropout)  # type: ignore[no-any-return]
