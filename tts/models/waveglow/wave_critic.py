"""Defines critics of waves: each judges the complex spectrum at one resolution.

The spectral loss compares magnitudes alone. Most artefacts of a vocoder are errors of phase, so
these critics get real and imaginary parts (as in Défossez et al., 2022, arXiv 2210.13438, section
3.4). Magnitudes are compressed, because those of speech differ by factors of a thousand. The
critics are small: on a processor they take less than half of a training step.

Shapes: ``B`` batch, ``T_wave`` samples.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from tts.models.adversarial import CriticLosses, critic_losses
from tts.models.waveglow.spectral_loss import FFT_SIZES, complex_spectrum

#: Output channels of the layers; each halves the number of frequencies but the last.
_CHANNELS = (12, 16, 24, 32, 32)
#: Exponent that compresses magnitudes.
_COMPRESSION = 0.3
#: Slope of the leaky ReLU for negative inputs.
_SLOPE = 0.2
#: Added to squared magnitudes, so that silence can be compressed.
_POWER_FLOOR = 1e-6


class WaveCritic(nn.Module):
    """Judges waves: 1 means recorded, 0 made by a network."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.ModuleList(SpectrumCritic(n_fft) for n_fft in FFT_SIZES)

    def losses(self, predicted: Tensor, target: Tensor) -> CriticLosses:
        """Compute the losses of the critics and of the network that made the waves.

        Args:
            predicted: ``(B, T_wave)`` samples.
            target: ``(B, T_wave)`` samples of recordings.

        Returns:
            Means over the resolutions.
        """
        with torch.autocast(target.device.type, enabled=False):
            wide = torch.promote_types(target.dtype, torch.float32)
            waves = predicted.to(wide), target.to(wide)
            found = [critic_losses(part, *waves, 1.0, torch.mean) for part in self.parts]
            return CriticLosses(*(torch.stack(parts).mean() for parts in zip(*found, strict=True)))


class SpectrumCritic(nn.Module):
    """Judges each patch of a complex spectrum.

    Args:
        n_fft: size of the Fourier transform.
    """

    def __init__(self, n_fft: int) -> None:
        super().__init__()
        self.n_fft = n_fft
        n_in, layers = 2, []
        for number, n_out in enumerate(_CHANNELS):
            stride = (2 if number < len(_CHANNELS) - 1 else 1, 1)
            layers.append(weight_norm(nn.Conv2d(n_in, n_out, 3, stride=stride, padding=1)))
            n_in = n_out
        self.layers = nn.ModuleList(layers)
        self.judgement = nn.Conv2d(n_in, 1, 3, padding=1)

    def forward(self, wave: Tensor) -> list[Tensor]:
        """Judge waves ``(B, T_wave)``.

        Returns:
            Features ``(B, C, frequencies, frames)`` of each layer, and last the judgement, with
            ``C = 1``.
        """
        spectrum = complex_spectrum(wave, self.n_fft)
        x = torch.stack((spectrum.real, spectrum.imag), 1)
        x = x * (x.square().sum(1, keepdim=True) + _POWER_FLOOR) ** ((_COMPRESSION - 1) / 2)
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), _SLOPE)
            features.append(x)
        return [*features, self.judgement(x)]
