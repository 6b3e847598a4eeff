"""Makes one module for export of WaveGlow's inverse, from mel and noise to samples.

The inverses of the mixing weights are computed here, once and in float64. The denoiser is not in
the graph: it is a subtraction between two Fourier transforms, and its bias goes into the
description.

Shapes: ``B`` batch, ``T_mel`` frames, ``T`` groups of samples.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tts.export.exported_module import ExportedModule, Sample
from tts.models import WaveGlow
from tts.models.log_mel_statistics import LOG_MEL_MEAN, LOG_MEL_STD
from tts.models.waveglow.flow import InvertibleConv

#: Standard deviation of the noise in the example input of a vocoder.
_SIGMA = 0.6


class _Unmixing(nn.Module):
    """Holds the inverse of a mixing weight, and takes the place of the mixing layer."""

    weight: Tensor

    def __init__(self, mix: InvertibleConv) -> None:
        super().__init__()
        matrix = mix.weight.detach().squeeze(-1).double()
        self.register_buffer("weight", torch.linalg.inv(matrix).float().contiguous()[..., None])

    def unmixing(self) -> Callable[[Tensor], Tensor]:
        """Return a function that undoes the mixing of channels ``(B, C, T)``."""
        return lambda x: F.conv1d(x, self.weight)


class ExportedWaveGlow(nn.Module):
    """Turns noise into speech with a network without weight norm."""

    def __init__(self, network: WaveGlow) -> None:
        super().__init__()
        shared = {id(weight): weight for weight in network.parameters()}
        self.network = copy.deepcopy(network, shared)
        for flow in self.network.flows:
            flow.mix = _Unmixing(cast(InvertibleConv, flow.mix))

    def forward(self, mel: Tensor, z: Tensor) -> tuple[Tensor]:
        """Compute samples.

        Args:
            mel: ``(B, n_mels, T_mel)`` log-mel spectrogram.
            z: ``(B, n_group, T)`` noise.

        Returns:
            ``(B, T·n_group)`` samples.
        """
        return (self.network.invert(mel, z),)


def waveglow_module(network: WaveGlow) -> ExportedModule:
    """Make the module of a network, whose own weight norm is folded, as it is for speaking."""
    network.eval().remove_weight_norm()
    config = network.config
    rate = config.groups_per_frame

    def sample(batch: int, length: int) -> Sample:
        generator = torch.Generator().manual_seed(length)
        mel = LOG_MEL_MEAN + LOG_MEL_STD * torch.randn(
            batch, config.n_mels, length, generator=generator
        )
        # neighbouring frames of speech are similar
        mel = F.avg_pool1d(mel, 5, 1, 2, count_include_pad=False)
        z = _SIGMA * torch.randn(batch, config.n_group, length * rate, generator=generator)
        return Sample((mel, z), (network.inverse(mel, z=z),))

    return ExportedModule(
        "waveglow",
        ExportedWaveGlow(network).eval(),
        {
            "mel": ("B", config.n_mels, "T_mel"),
            "z": ("B", config.n_group, f"{rate}*T_mel" if rate > 1 else "T_mel"),
        },
        {"wave": ("B", f"{config.hop_length}*T_mel")},
        sample,
    )
