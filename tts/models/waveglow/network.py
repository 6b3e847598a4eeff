"""Defines WaveGlow, a normalising flow between samples and Gaussian noise, given a mel spectrogram.

Source: Prenger, Valle, Catanzaro, "WaveGlow" (arXiv:1811.00002), section 2 for the flow and figure
1 for the order of its parts. Each flow transforms the second half of the channels, as in NVIDIA's
published networks, except their first one (see ``alternate_halves``). The mixing, its inverse and
its log-determinant are computed in float32 at least, from the weight at the time of the call.
``slogdet`` allows a negative determinant as well.

Shapes: B batch, T_mel frames, T_wave samples, T = T_wave / n_group groups, C channels of a flow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize

from tts.models.chunking import BlockNoise, apply_in_chunks
from tts.models.waveglow.chunked_flows import ChunkedFlows
from tts.models.waveglow.condition import Condition, Envelope, FrameCondition, UpsampledCondition
from tts.models.waveglow.config import WaveGlowConfig, WaveGlowOutput
from tts.models.waveglow.constant_memory import constant_memory_flows
from tts.models.waveglow.flow import Flow
from tts.models.waveglow.front import make_front

#: Longer spectrograms are processed in chunks of this many frames.
CHUNK_FRAMES = 1000
#: Frames of noise that are drawn together if the length of the speech is not known.
NOISE_FRAMES = 64


class WaveGlow(nn.Module):
    """Turns samples into a Gaussian latent, and a latent into samples, given a mel spectrogram.

    Args:
        config: sizes; NVIDIA's when omitted.
        **overrides: fields of :class:`WaveGlowConfig` that replace those of ``config``.
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
        """Turn samples into a latent, the direction of training (figure 1).

        Args:
            mel: ``(B, n_mels, T_mel)`` log-mel spectrogram of the samples.
            wave: ``(B, T_wave)`` samples in [-1, 1], T_wave a multiple of n_group.

        Returns:
            See :class:`WaveGlowOutput`.

        Raises:
            ValueError: T_wave is not a multiple of n_group, or the mel is shorter than the wave.
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
        """Run all flows, one after the other.

        Args:
            x: ``(B, n_group, T)`` output of the front.
            condition: condition of the flows.

        Returns:
            Latent, log scales and log-determinants, see :class:`WaveGlowOutput`.
        """
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
        """Turn a latent into samples, in memory that hardly grows with the length.

        Args:
            mel: ``(B, n_mels, T_mel)`` log-mel spectrogram.
            sigma: standard deviation of the noise; the paper uses 0.6.
            generator: source of the noise, on any device; None means torch's global generator. A
                seed gives the noise that NVIDIA's code draws after the same ``torch.manual_seed``.
            z: ``(B, n_group, T)`` latent, as ``forward`` returns it, which replaces the noise.
            chunk_frames: each flow processes a longer spectrogram in chunks of at most this many
                frames, with ``WaveGlowConfig.flow_frames`` more on either side. The samples differ
                by rounding only.

        Returns:
            ``(B, T_wave)`` samples. T_wave is T_mel·hop_length, or T·n_group if ``z`` is given.

        Raises:
            ValueError: ``chunk_frames`` is below 1, or ``z`` is longer than the mel.
        """
        rate = self.config.groups_per_frame
        if z is None:
            z = sigma * self.draw_noise(mel.size(0), mel.size(2) * rate, mel.device, generator)
        return self.invert(mel, z, chunk_frames)

    def block_noise(self, batch: int = 1, generator: torch.Generator | None = None) -> BlockNoise:
        """Return the source of the latent noise of :meth:`stream`, with standard deviation 1.

        Args:
            batch: ``B``.
            generator: source of randomness, on any device; None means torch's global one.
        """
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
        """Turn a spectrogram that arrives in chunks into samples, in bounded memory.

        Up to rounding the samples are those of ``inverse`` for the whole mel with ``z`` from
        :meth:`block_noise`. The samples of a frame are computed as soon as
        ``WaveGlowConfig.receptive_frames`` more frames have arrived.

        Args:
            mels: ``(B, n_mels, t)`` chunks, of any length each.
            sigma: standard deviation of the noise.
            generator: source of the noise, see :meth:`block_noise`.
            sizes: least number of frames of the first, second, ... chunk of samples; after the
                last size the chunks keep it.

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
            return self.invert(frames, sigma * z)

        yield from apply_in_chunks(
            mels, invert, reach=config.receptive_frames, ratio=config.hop_length, sizes=sizes
        )

    def invert(self, mel: Tensor, z: Tensor, chunk_frames: int | None = None) -> Tensor:
        """Run front and flows backwards; other than :meth:`inverse` it has gradients.

        Args:
            mel: ``(B, n_mels, T_mel)`` log-mel spectrogram.
            z: ``(B, n_group, T)`` latent.
            chunk_frames: most frames of a chunk; None processes all at once.

        Returns:
            ``(B, T·n_group)`` samples.
        """
        in_chunks = ChunkedFlows(self.upsample, self.config, mel, z.size(2), chunk_frames)
        n_early = len(self.config.early_flows) * self.config.n_early_size
        early = list(torch.split(z[:, :n_early].to(mel), self.config.n_early_size, dim=1))
        x = z[:, n_early:].to(mel)
        for k, flow in reversed(list(enumerate(cast("list[Flow]", list(self.flows))))):
            x = in_chunks(flow.undo(), x)
            if k in self.config.early_flows:
                x = torch.cat([early.pop(), x], dim=1)
        if (envelope := self.envelope) is not None:
            x = in_chunks(lambda x, condition: x * (-envelope(condition)).exp(), x)
        wave: Tensor = self.front.inverse(x)
        return wave

    def apply_weight_norm(self) -> None:
        """Split each weight of the couplings into length and direction, as in a new network."""
        for conv in self._weight_normed_convs():
            if not parametrize.is_parametrized(conv, "weight"):
                parametrizations.weight_norm(conv, "weight")

    def remove_weight_norm(self) -> None:
        """Join length and direction into plain weights, which saves time and keeps the outputs."""
        for conv in self._weight_normed_convs():
            if parametrize.is_parametrized(conv, "weight"):
                parametrize.remove_parametrizations(conv, "weight")

    def _weight_normed_convs(self) -> list[nn.Conv1d]:
        """Return the couplings' convolutions except the last of each, which starts at zero."""
        modules = self.flows.named_modules()
        return [m for name, m in modules if isinstance(m, nn.Conv1d) and not name.endswith(".end")]

    def _condition(self, mel: Tensor, n_samples: int) -> Condition:
        """Return the condition of the flows for a wave of this many samples."""
        n_group = self.config.n_group
        if n_samples % n_group:
            raise ValueError(
                f"{n_samples} samples: must be a multiple of n_group={self.config.n_group}"
            )
        return self.upsample.condition(mel, n_samples // self.config.n_group)

    def draw_noise(
        self,
        batch: int,
        n_groups: int,
        device: torch.device,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Draw a latent ``(B, n_group, T)`` in NVIDIA's order: the last flow's channels first."""
        sizes = [self.config.flow_channels[-1]]
        sizes += [self.config.n_early_size] * len(self.config.early_flows)
        # draw on the generator's device: then a seed gives the same noise on every device
        source = generator.device if generator is not None else device
        drawn = [torch.randn(batch, n, n_groups, generator=generator, device=source) for n in sizes]
        return torch.cat(drawn[::-1], dim=1).to(device)
