"""WaveGlow: a normalising flow between speech samples and Gaussian noise, given a mel spectrogram.

Prenger, Valle, Catanzaro, "WaveGlow" (arXiv:1811.00002): section 2 for the flow, figure 1 for
the order of its parts. The second half of the channels is transformed, as in NVIDIA's published
networks (but for their first, see `alternate_halves`). Mixing, its inverse and its log-determinant
are computed in float32 at least, from the weight as it is at that call; `slogdet` makes a
determinant below zero as good as one above.

Shapes: B batch, T_mel frames, T_wave samples, T = T_wave / n_group groups, C channels of a flow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, parametrize

from tts.models.chunking import BlockNoise, apply_in_chunks
from tts.models.kernels.activations import gated_activation
from tts.models.kernels.products import pointwise_conv
from tts.models.waveglow.chunked_flows import ChunkedFlows
from tts.models.waveglow.condition import Condition, Envelope, FrameCondition, UpsampledCondition
from tts.models.waveglow.config import WaveGlowConfig, WaveGlowOutput
from tts.models.waveglow.constant_memory import constant_memory_flows
from tts.models.waveglow.front import make_front

#: Longer spectrograms are turned into speech in pieces of so many frames.
CHUNK_FRAMES = 1000
#: Frames of noise that are drawn together where their number is not known.
NOISE_FRAMES = 64


class WaveGlow(nn.Module):
    """The whole network: up-sampler, then `n_flows` times mixing and affine coupling.

    Args:
        config: sizes; NVIDIA's by default.
        **overrides: single fields of the config.
    """

    def __init__(self, config: WaveGlowConfig | None = None, **overrides: Any) -> None:
        super().__init__()
        self.config = replace(config or WaveGlowConfig(), **overrides)
        self.front = make_front(self.config)
        reader = FrameCondition if self.config.condition_channels else UpsampledCondition
        self.upsample: FrameCondition | UpsampledCondition = reader(self.config)
        n_condition = self.upsample.n_channels
        self.envelope = Envelope(self.config, n_condition) if self.config.envelope else None
        self.flows = nn.ModuleList(
            Flow(n, n_condition, self.config, k) for k, n in enumerate(self.config.flow_channels)
        )
        self.apply_weight_norm()

    def forward(self, mel: Tensor, wave: Tensor) -> WaveGlowOutput:
        """Turn speech into noise (the direction of training; figure 1).

        Args:
            mel: ``(B, n_mels, T_mel)`` log-mel spectrogram of the samples.
            wave: ``(B, T_wave)`` samples in [-1, 1], T_wave a multiple of n_group.

        Raises:
            ValueError: T_wave is no multiple of n_group, or the mel is shorter than the wave.
        """
        condition = self._condition(mel, wave.size(1))
        x = self.front(wave)
        scale = None if self.envelope is None else self.envelope(condition)
        x = x if scale is None else x * scale.exp()
        if self.config.constant_memory and torch.is_grad_enabled():
            z, log_s, log_det = constant_memory_flows(self, x, condition)
        else:
            z, log_s, log_det = self.run_flows(x, condition)
        return WaveGlowOutput(z, log_s if scale is None else [*log_s, scale], log_det)

    def run_flows(self, x: Tensor, condition: Condition) -> tuple[Tensor, list[Tensor], Tensor]:
        """All flows one after the other: ``(B, n_group, T)`` -> the parts of `WaveGlowOutput`."""
        early, log_s, log_det = [], [], []
        for k, flow in enumerate(self.flows):
            if k in self.config.early_flows:
                early.append(x[:, : self.config.n_early_size])
                x = x[:, self.config.n_early_size :]
            x, flow_log_s, flow_log_det = flow(x, condition)
            log_s.append(flow_log_s)
            log_det.append(flow_log_det)
        return torch.cat([*early, x], dim=1), log_s, torch.stack(log_det)

    @torch.no_grad()
    def inverse(
        self,
        mel: Tensor,
        *,
        sigma: float = 1.0,
        generator: torch.Generator | None = None,
        z: Tensor | None = None,
        chunk_frames: int = CHUNK_FRAMES,
    ) -> Tensor:
        """Turn noise into speech, in memory that hardly grows with its length.

        Args:
            mel: ``(B, n_mels, T_mel)`` log-mel spectrogram.
            sigma: standard deviation of the noise; the paper uses 0.6.
            generator: source of the noise, on any device; the global one by default. A seed
                gives the noise that NVIDIA's code draws after the same ``torch.manual_seed``.
            z: ``(B, n_group, T)`` latent to use instead of noise, as `forward` gives it.
            chunk_frames: a longer spectrogram goes through each flow in pieces of at most so many
                frames, `WaveGlowConfig.flow_frames` more on either side; up to round-off the
                samples are the same.

        Returns:
            ``(B, T_wave)`` samples; T_wave is T_mel·hop_length, or what `z` covers.

        Raises:
            ValueError: chunk_frames below 1, or `z` is longer than the mel.
        """
        rate = self.config.groups_per_frame
        if z is None:
            z = sigma * self._noise(mel.size(0), mel.size(2) * rate, mel.device, generator)
        return self._invert(mel, z, chunk_frames)

    def block_noise(self, batch: int = 1, generator: torch.Generator | None = None) -> BlockNoise:
        """Latent noise of deviation 1 for :meth:`stream`, by its place in time."""
        block = NOISE_FRAMES * self.config.groups_per_frame
        return BlockNoise((batch, self.config.n_group), block, generator)

    @torch.no_grad()
    def stream(
        self,
        mels: Iterable[Tensor],
        *,
        sigma: float = 1.0,
        generator: torch.Generator | None = None,
        sizes: Iterable[int] = (),
    ) -> Iterator[Tensor]:
        """Turn a spectrogram that comes in pieces into speech, in bounded memory.

        Together the pieces are, up to round-off, ``inverse`` of the whole mel with `z` from
        :meth:`block_noise`. Samples come `WaveGlowConfig.receptive_frames` after their frame.

        Args:
            mels: ``(B, n_mels, t)`` frames, of any number each.
            sigma: standard deviation of the noise.
            generator: source of the noise.
            sizes: least number of frames of the first pieces, one by one; then it stays.

        Yields:
            ``(B, t·hop_length)`` samples.
        """
        config = self.config
        rate = config.groups_per_frame
        noise: BlockNoise | None = None

        def invert(frames: Tensor, first: int, last: bool) -> Tensor:
            nonlocal noise
            if noise is None:
                noise = self.block_noise(len(frames), generator)
            z = noise.between(first * rate, (first + frames.size(2)) * rate)
            return self._invert(frames, sigma * z)

        yield from apply_in_chunks(
            mels, invert, reach=config.receptive_frames, ratio=config.hop_length, sizes=sizes
        )

    def _invert(self, mel: Tensor, z: Tensor, chunk_frames: int | None = None) -> Tensor:
        in_pieces = ChunkedFlows(self.upsample, self.config, mel, z.size(2), chunk_frames)
        n_early = len(self.config.early_flows) * self.config.n_early_size
        early = list(torch.split(z[:, :n_early].to(mel), self.config.n_early_size, dim=1))
        x = z[:, n_early:].to(mel)
        for k, flow in reversed(list(enumerate(cast("list[Flow]", list(self.flows))))):
            x = in_pieces(flow.inverse, x)
            if k in self.config.early_flows:
                x = torch.cat([early.pop(), x], dim=1)
        if (envelope := self.envelope) is not None:
            x = in_pieces(lambda x, condition: x * (-envelope(condition)).exp(), x)
        wave: Tensor = self.front.inverse(x)
        return wave

    def apply_weight_norm(self) -> None:
        """Split each coupling weight into length and direction (the state after construction)."""
        for conv in self._normalised():
            if not parametrize.is_parametrized(conv, "weight"):
                parametrizations.weight_norm(conv, "weight")

    def remove_weight_norm(self) -> None:
        """Fold length and direction into plain weights: same outputs, nothing to recompute."""
        for conv in self._normalised():
            if parametrize.is_parametrized(conv, "weight"):
                parametrize.remove_parametrizations(conv, "weight")

    def _normalised(self) -> list[nn.Conv1d]:
        """All convolutions of the couplings but the last of each, which starts at zero."""
        modules = self.flows.named_modules()
        return [m for name, m in modules if isinstance(m, nn.Conv1d) and not name.endswith(".end")]

    def _condition(self, mel: Tensor, n_samples: int) -> Condition:
        if n_samples % self.config.n_group:
            raise ValueError(f"{n_samples} samples: not a multiple of {self.config.n_group}")
        return self.upsample.condition(mel, n_samples // self.config.n_group)

    def _noise(
        self, batch: int, n_groups: int, device: torch.device, generator: torch.Generator | None
    ) -> Tensor:
        """Draw the latent in the published order: what is used first is drawn first."""
        sizes = [self.config.flow_channels[-1]]
        sizes += [self.config.n_early_size] * len(self.config.early_flows)
        # on the generator's device, so that a seed means the same on every device
        source = generator.device if generator is not None else device
        drawn = [torch.randn(batch, n, n_groups, generator=generator, device=source) for n in sizes]
        return torch.cat(drawn[::-1], dim=1).to(device)


class Flow(nn.Module):
    """One step of flow: mix all channels, then transform half of them (figure 1)."""

    def __init__(
        self, n_channels: int, n_condition: int, config: WaveGlowConfig, index: int
    ) -> None:
        super().__init__()
        self.mix = InvertibleConv(n_channels)
        if config.front == "lapped":
            # neighbouring frequencies know most of each other: one of two is kept, then the other
            self.mix.start_as_permutation("interleave" if index == 0 else "swap")
        self.coupling = CouplingNetwork(n_channels // 2, n_condition, config)
        self.changes_first = config.alternate_halves and index % 2 == 1

    def forward(self, x: Tensor, condition: Condition) -> tuple[Tensor, Tensor, Tensor]:
        """Return ``(B, C, T)`` transformed, ``(B, C / 2, T)`` log scale, B·T·log|det W|."""
        x, log_det = self.mix(x)
        kept, changed = self.halves(x)
        shift, log_s = self.coupling(kept, condition)
        changed = log_s.exp() * changed + shift
        return self.joined(kept, changed), log_s, x.size(0) * x.size(2) * log_det

    def inverse(self, x: Tensor, condition: Condition) -> Tensor:
        """Undo `forward`: ``(B, C, T)`` -> ``(B, C, T)``."""
        kept, changed = self.halves(x)
        shift, log_s = self.coupling(kept, condition)
        return self.mix.inverse(self.joined(kept, (changed - shift) * (-log_s).exp()))

    def halves(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The half that stays, and the half that is transformed."""
        first, second = x.chunk(2, dim=1)
        return (second, first) if self.changes_first else (first, second)

    def joined(self, kept: Tensor, changed: Tensor) -> Tensor:
        """Undo `halves`."""
        return torch.cat([changed, kept] if self.changes_first else [kept, changed], dim=1)


class InvertibleConv(nn.Module):
    """1×1 convolution that starts as a rotation (section 2; Glow, arXiv:1807.03039)."""

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        rotation = torch.linalg.qr(torch.randn(n_channels, n_channels)).Q.contiguous()
        rotation[:, 0] *= torch.linalg.det(rotation).sign()  # det +1: no mirror image
        self.weight = nn.Parameter(rotation.unsqueeze(-1))

    @torch.no_grad()
    def start_as_permutation(self, kind: str) -> None:
        """Begin with the even channels before the odd (``"interleave"``), or ``"swap"`` halves."""
        channels = torch.arange(len(self.weight))
        half = len(channels) // 2
        parts = (channels[half:], channels[:half])
        order = torch.cat((channels[::2], channels[1::2]) if kind == "interleave" else parts)
        matrix = torch.eye(len(channels))[order]
        matrix[0] *= torch.linalg.det(matrix).sign()
        self.weight.copy_(matrix.unsqueeze(-1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mixed ``(B, C, T)`` and log|det W|, a float32 scalar."""
        with torch.autocast(x.device.type, enabled=False):
            weight = self._precise_weight()
            log_det = torch.linalg.slogdet(weight.squeeze(-1)).logabsdet
            return F.conv1d(x.to(weight.dtype), weight).to(x.dtype), log_det

    def inverse(self, x: Tensor) -> Tensor:
        """Undo `forward`: ``(B, C, T)`` -> ``(B, C, T)``."""
        with torch.autocast(x.device.type, enabled=False):
            weight = torch.linalg.inv(self._precise_weight().squeeze(-1)).unsqueeze(-1)
            mixed: Tensor = F.conv1d(x.to(weight.dtype), weight)
            return mixed.to(x.dtype)

    def _precise_weight(self) -> Tensor:
        return self.weight.to(torch.promote_types(self.weight.dtype, torch.float32))


class CouplingNetwork(nn.Module):
    """WaveNet without causality that predicts shift and log scale (section 2, "WN")."""

    def __init__(self, n_half: int, n_condition: int, config: WaveGlowConfig) -> None:
        super().__init__()
        n, n_layers = config.n_channels, config.n_layers
        self.start = nn.Conv1d(n_half, n, 1)
        self.condition = nn.Conv1d(n_condition, 2 * n * n_layers, 1)
        self.dilated = nn.ModuleList(_dilated_conv(config, 2**i) for i in range(n_layers))
        # the last layer has nothing to hand on: it only skips
        self.res_skip = nn.ModuleList(
            nn.Conv1d(n, 2 * n if i < n_layers - 1 else n, 1) for i in range(n_layers)
        )
        self.end = nn.Conv1d(n, 2 * n_half, 1)
        nn.init.zeros_(self.end.weight)  # a new coupling changes nothing
        nn.init.zeros_(cast("Tensor", self.end.bias))

    def forward(self, x: Tensor, condition: Condition) -> tuple[Tensor, Tensor]:
        """Return shift and log scale of the other half, in the precision of `x`.

        Args:
            x: ``(B, n_half, T)`` channels that stay as they are.
            condition: what the mel tells.
        """
        hidden = pointwise_conv(self.start, x)
        skips = torch.zeros_like(hidden)
        # one matrix product serves all layers
        given = condition.at_groups(pointwise_conv(self.condition, condition.values))
        conditions = given.chunk(len(self.dilated), dim=1)
        for dilated, res_skip, given in zip(self.dilated, self.res_skip, conditions, strict=True):
            total = dilated(hidden)
            # in place where that keeps the precision: nothing needs the convolution's own output
            total = total.add_(given) if total.dtype == given.dtype else total + given
            out = pointwise_conv(cast("nn.Conv1d", res_skip), gated_activation(total))
            if out.size(1) > hidden.size(1):
                residual, out = out.chunk(2, dim=1)
                hidden = hidden + residual
            skips = skips.add_(out) if skips.dtype == out.dtype else skips + out
        shift, log_s = pointwise_conv(self.end, skips).to(x.dtype).chunk(2, dim=1)
        return shift, log_s


def _dilated_conv(config: WaveGlowConfig, dilation: int) -> nn.Module:
    """One dilated layer, ``n_channels`` to twice as many."""
    n, kernel = config.n_channels, config.kernel_size
    padding = dilation * (kernel - 1) // 2
    if not config.separable:
        return nn.Conv1d(n, 2 * n, kernel, dilation=dilation, padding=padding)
    return nn.Sequential(
        nn.Conv1d(n, n, kernel, dilation=dilation, padding=padding, groups=n),
        nn.Conv1d(n, 2 * n, 1),
    )
