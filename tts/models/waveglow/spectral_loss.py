"""Defines two losses between waves: the distance of their spectra at several resolutions.

The likelihood trains the direction from samples to noise. Listeners hear the other direction, and
these losses are for that one. Source of the first: Yamamoto, Song and Kim, "Parallel WaveGAN"
(arXiv 1910.11480, section 2.2): spectral convergence and the distance of log magnitudes, each a
mean over several Fourier transforms, because a single one could be satisfied by artefacts between
its frames.

The second compares mel spectra, as Kong, Kim and Bae do ("HiFi-GAN", arXiv 2010.05646, section
2.3.2), at several resolutions, as Kumar et al. do (arXiv 2306.06546, section 3.4). In a single bin
of noise the magnitude is random, and nothing can be learned from it; the mean over a band is not.

Shapes: ``B`` batch, ``T_wave`` samples.
"""

from __future__ import annotations

from functools import lru_cache, partial

import torch
from torch import Tensor

#: Sizes of the Fourier transforms; each has a Hann window of its size and a hop of a quarter of it.
FFT_SIZES = (512, 1024, 2048)
#: Sizes of the Fourier transforms of the bands; each has one band for this many of its samples.
BAND_FFT_SIZES, _SAMPLES_PER_BAND = (256, 512, 1024, 2048), 16
#: Highest frequency over the corner of the mel scale, 700 Hz, at the rate of LJ Speech.
_MEL_RANGE = 11025 / 700
#: Added to squared magnitudes, so that the square root of silence has a gradient.
_POWER_FLOOR = 1e-7


def spectral_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Compute the distance between waves, a mean over the batch.

    The mean over a batch is the mean over its parts. Therefore several processes with equal batches
    learn what one process learns.

    Args:
        predicted: ``(B, T_wave)`` samples.
        target: ``(B, T_wave)`` samples of recordings.

    Returns:
        A scalar: spectral convergence (a share of the recording's magnitude) plus the mean absolute
        difference of log magnitudes (natural logarithm).
    """
    with torch.autocast(target.device.type, enabled=False):
        wide = torch.promote_types(target.dtype, torch.float32)
        predicted, target = predicted.to(wide), target.to(wide)
        parts = [_distance(predicted, target, n_fft) for n_fft in FFT_SIZES]
        return torch.stack(parts).mean()


def band_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Compute the distance between mel spectra of waves, a mean over the batch.

    Args:
        predicted: ``(B, T_wave)`` samples.
        target: ``(B, T_wave)`` samples of recordings.

    Returns:
        A scalar: the mean absolute difference of log magnitudes in mel bands (natural logarithm).
    """
    with torch.autocast(target.device.type, enabled=False):
        wide = torch.promote_types(target.dtype, torch.float32)
        waves = predicted.to(wide), target.to(wide)
        parts = []
        for n_fft in BAND_FFT_SIZES:
            bands = _mel_bands(n_fft).to(waves[1])
            ours, theirs = (_magnitude(complex_spectrum(wave, n_fft)) for wave in waves)
            parts.append(((bands @ ours).log() - (bands @ theirs).log()).abs().mean())
        return torch.stack(parts).mean()


@lru_cache
def _mel_bands(n_fft: int) -> Tensor:
    """Return weights ``(bands, n_fft / 2 + 1)`` of triangles that widen with frequency.

    The bands divide the whole range up to half the sampling rate, whatever the rate is. At 22,050
    Hz they are equally wide in mel (O'Shaughnessy, 1987). The weights of a band add up to 1.
    """
    n_bands, n_bins = n_fft // _SAMPLES_PER_BAND, n_fft // 2 + 1
    places = torch.linspace(0, 1, n_bands + 2, dtype=torch.float64)
    edges = ((1 + _MEL_RANGE) ** places - 1) / _MEL_RANGE
    bins = torch.linspace(0, 1, n_bins, dtype=torch.float64)
    low, middle, high = (edges[i : i + n_bands, None] for i in range(3))
    rise, fall = (bins - low) / (middle - low), (high - bins) / (high - middle)
    weights = torch.minimum(rise, fall).clamp(min=0)
    return weights / weights.sum(1, keepdim=True)


def complex_spectrum(wave: Tensor, n_fft: int) -> Tensor:
    """Return the Fourier transform ``(B, n_fft / 2 + 1, frames)`` of ``(B, T_wave)``, complex."""
    window = torch.hann_window(n_fft, dtype=wave.dtype, device=wave.device)
    spectrum: Tensor = torch.stft(
        wave, n_fft, n_fft // 4, window=window, pad_mode="constant", return_complex=True
    )
    return spectrum


def _distance(predicted: Tensor, target: Tensor, n_fft: int) -> Tensor:
    ours, theirs = (_magnitude(complex_spectrum(wave, n_fft)) for wave in (predicted, target))
    # other than a square root of a sum, the norm of zeros has a gradient
    norm = partial(torch.linalg.vector_norm, dim=(1, 2))
    convergence = norm(ours - theirs) / norm(theirs)
    distance: Tensor = convergence.mean() + (ours.log() - theirs.log()).abs().mean()
    return distance


def _magnitude(spectrum: Tensor) -> Tensor:
    return (spectrum.real.square() + spectrum.imag.square() + _POWER_FLOOR).sqrt()
