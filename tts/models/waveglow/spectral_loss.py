"""Defines a loss between two waves: the distance of their spectra at several resolutions.

The likelihood trains the direction from samples to noise. Listeners hear the other direction, and
this loss is for that one. Source: Yamamoto, Song and Kim, "Parallel WaveGAN" (arXiv 1910.11480,
section 2.2): spectral convergence and the distance of log magnitudes, each a mean over several
Fourier transforms, because a single one could be satisfied by artefacts between its frames.

Shapes: ``B`` batch, ``T_wave`` samples.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

#: Sizes of the Fourier transforms; each has a Hann window of its size and a hop of a quarter of it.
FFT_SIZES = (512, 1024, 2048)
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
