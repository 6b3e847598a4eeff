"""Defines one flow of WaveGlow: the mixing of channels and the affine coupling.

Source: Prenger, Valle, Catanzaro, "WaveGlow" (arXiv:1811.00002), section 2 and figure 1.

Shapes: B batch, T groups of samples, C channels of a flow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tts.models.exact import exact_type
from tts.models.kernels.activations import gated_activation
from tts.models.kernels.products import pointwise_conv
from tts.models.waveglow.condition import Condition, ConditionedOperation
from tts.models.waveglow.config import WaveGlowConfig


class Flow(nn.Module):
    """Mixes all channels, then transforms one half given the other and the condition (figure 1).

    Args:
        n_channels: ``C``.
        n_condition: channels of the condition.
        config: sizes of the network.
        index: number of the flow, from 0.
    """

    def __init__(
        self, n_channels: int, n_condition: int, config: WaveGlowConfig, index: int
    ) -> None:
        super().__init__()
        self.mix = InvertibleConv(n_channels)
        if config.front == "lapped":
            # neighbouring frequencies depend on each other most, so a flow keeps every second
            # channel and transforms the others; the next flow does it the other way round
            self.mix.start_as_permutation("interleave" if index == 0 else "swap")
        self.coupling = CouplingNetwork(n_channels // 2, n_condition, config)
        self.changes_first = config.alternate_halves and index % 2 == 1

    def forward(self, x: Tensor, condition: Condition) -> tuple[Tensor, Tensor, Tensor]:
        """Run the flow in the direction of training.

        Args:
            x: ``(B, C, T)``.
            condition: condition of the flows.

        Returns:
            The transformed ``(B, C, T)``, the logarithm of the scale ``(B, C / 2, T)``, and
            B·T·log|det W|.
        """
        x, log_det = self.mix(x)
        kept, changed = self.split_halves(x)
        shift, log_s = self.coupling(kept, condition)
        changed = log_s.exp() * changed + shift
        return self.join_halves(kept, changed), log_s, x.size(0) * x.size(2) * log_det

    def inverse(self, x: Tensor, condition: Condition) -> Tensor:
        """Undo ``forward``.

        Args:
            x: ``(B, C, T)``, transformed.
            condition: condition of the flows.

        Returns:
            ``(B, C, T)``.
        """
        return self.undo()(x, condition)

    def undo(self) -> ConditionedOperation:
        """Return a function that undoes ``forward``; it can be called for each chunk of a signal.

        The inverse of the mixing is computed here, once for all chunks.
        """
        unmix = self.mix.unmixing()

        def undone(x: Tensor, condition: Condition) -> Tensor:
            kept, changed = self.split_halves(x)
            shift, log_s = self.coupling(kept, condition)
            return unmix(self.join_halves(kept, (changed - shift) * (-log_s).exp()))

        return undone

    def split_halves(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Split ``(B, C, T)`` into the half that stays and the half that is transformed."""
        first, second = x.chunk(2, dim=1)
        return (second, first) if self.changes_first else (first, second)

    def join_halves(self, kept: Tensor, changed: Tensor) -> Tensor:
        """Undo ``split_halves``."""
        return torch.cat([changed, kept] if self.changes_first else [kept, changed], dim=1)


class InvertibleConv(nn.Module):
    """Mixes channels by a 1×1 convolution that starts as a rotation (section 2).

    Source: Kingma and Dhariwal, "Glow" (arXiv:1807.03039), section 3.2.

    Args:
        n_channels: ``C``.
    """

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        rotation = torch.linalg.qr(torch.randn(n_channels, n_channels)).Q.contiguous()
        rotation[:, 0] *= torch.linalg.det(rotation).sign()  # makes the determinant +1
        self.weight = nn.Parameter(rotation.unsqueeze(-1))

    @torch.no_grad()
    def start_as_permutation(self, kind: str) -> None:
        """Set the weight to a permutation with determinant +1.

        Args:
            kind: ``"interleave"`` puts the even channels before the odd ones, ``"swap"`` exchanges
                the two halves.
        """
        channels = torch.arange(len(self.weight))
        half = len(channels) // 2
        swapped = (channels[half:], channels[:half])
        order = torch.cat((channels[::2], channels[1::2]) if kind == "interleave" else swapped)
        matrix = torch.eye(len(channels))[order]
        matrix[0] *= torch.linalg.det(matrix).sign()
        self.weight.copy_(matrix.unsqueeze(-1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mixed ``(B, C, T)`` and log|det W|, a scalar in float32 at least."""
        with torch.autocast(x.device.type, enabled=False):
            weight = self._exact_weight()
            mixed = F.conv1d(x.to(weight.dtype), weight).to(x.dtype)
            return mixed, _log_abs_det(weight.squeeze(-1)).to(self._wide_type())

    def inverse(self, x: Tensor) -> Tensor:
        """Undo ``forward`` for ``(B, C, T)``."""
        return self.unmixing()(x)

    def unmixing(self) -> Callable[[Tensor], Tensor]:
        """Return a function that undoes the mixing; the matrix is inverted here, once."""
        with torch.autocast(self.weight.device.type, enabled=False):
            matrix = self._exact_weight().squeeze(-1)
            # The check for singular matrices would make the host wait for a GPU
            check = matrix.device.type == "cpu"
            weight = torch.linalg.inv_ex(matrix, check_errors=check).inverse.unsqueeze(-1)

        def unmix(x: Tensor) -> Tensor:
            with torch.autocast(x.device.type, enabled=False):
                mixed: Tensor = F.conv1d(x.to(weight.dtype), weight)
                return mixed.to(x.dtype)

        return unmix

    def _exact_weight(self) -> Tensor:
        return self.weight.to(exact_type(self.weight))

    def _wide_type(self) -> torch.dtype:
        return torch.promote_types(self.weight.dtype, torch.float32)


def _log_abs_det(matrix: Tensor) -> Tensor:
    """Return log|det| of a square matrix, a scalar on the same device."""
    if matrix.device.type == "mps":
        # torch has no kernel for Apple's GPUs that computes the gradient, and the matrix is small
        there: Tensor = torch.linalg.slogdet(matrix.cpu()).logabsdet
        return there.to(matrix.device)
    log_abs_det: Tensor = torch.linalg.slogdet(matrix).logabsdet
    return log_abs_det


class CouplingNetwork(nn.Module):
    """Predicts shift and log scale by a WaveNet that is not causal ("WN" in section 2).

    Args:
        n_half: channels that stay as they are.
        n_condition: channels of the condition.
        config: sizes of the network.
    """

    def __init__(self, n_half: int, n_condition: int, config: WaveGlowConfig) -> None:
        super().__init__()
        n, n_layers = config.n_channels, config.n_layers
        self.start = nn.Conv1d(n_half, n, 1)
        self.condition = nn.Conv1d(n_condition, 2 * n * n_layers, 1)
        self.dilated = nn.ModuleList(_dilated_conv(config, 2**i) for i in range(n_layers))
        # the last layer has a skip output only, because no layer follows it
        self.res_skip = nn.ModuleList(
            nn.Conv1d(n, 2 * n if i < n_layers - 1 else n, 1) for i in range(n_layers)
        )
        self.end = nn.Conv1d(n, 2 * n_half, 1)
        nn.init.zeros_(self.end.weight)  # a new coupling changes nothing
        nn.init.zeros_(cast("Tensor", self.end.bias))

    def forward(self, x: Tensor, condition: Condition) -> tuple[Tensor, Tensor]:
        """Return shift and log scale of the other half, ``(B, n_half, T)`` each.

        Args:
            x: ``(B, n_half, T)`` channels that stay as they are.
            condition: condition of the flows.

        Returns:
            Shift and log scale in the precision of ``x``.
        """
        hidden = pointwise_conv(self.start, x)
        skips = torch.zeros_like(hidden)
        # one matrix product computes the conditions of all layers
        all_conditions = condition.at_groups(pointwise_conv(self.condition, condition.values))
        conditions = all_conditions.chunk(len(self.dilated), dim=1)
        for dilated, res_skip, given in zip(self.dilated, self.res_skip, conditions, strict=True):
            total = dilated(hidden)
            # in place if the precision allows: no gradient needs the convolution's own output
            total = total.add_(given) if total.dtype == given.dtype else total + given
            out = pointwise_conv(cast("nn.Conv1d", res_skip), gated_activation(total))
            if out.size(1) > hidden.size(1):
                residual, out = out.chunk(2, dim=1)
                hidden = hidden + residual
            skips = skips.add_(out) if skips.dtype == out.dtype else skips + out
        shift, log_s = pointwise_conv(self.end, skips).to(x.dtype).chunk(2, dim=1)
        return shift, log_s


def _dilated_conv(config: WaveGlowConfig, dilation: int) -> nn.Module:
    """Return a dilated layer from ``n_channels`` to twice as many channels."""
    n, kernel = config.n_channels, config.kernel_size
    padding = dilation * (kernel - 1) // 2
    if not config.separable:
        return nn.Conv1d(n, 2 * n, kernel, dilation=dilation, padding=padding)
    return nn.Sequential(
        nn.Conv1d(n, n, kernel, dilation=dilation, padding=padding, groups=n),
        nn.Conv1d(n, 2 * n, 1),
    )
