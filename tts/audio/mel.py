"""Computes log-mel spectrograms, the input of every vocoder and the target of Tacotron 2.

``LogMel`` takes the short-time Fourier transform, its magnitude, the mel bands, and the natural
logarithm above a floor (section 2.1 of arXiv 1712.05884, with the numbers of ``MelConfig``). The
transform is a convolution with windowed sines and cosines that are rounded to float32, as in
NVIDIA's front end. ``torch.stft`` is four times faster, but in the quiet bands of read speech its
round-off differs from NVIDIA's by up to 1e-3 in log units; the convolution agrees to 1e-6. Nothing
is cached across instances.

Shapes: ``B`` batch, ``T_wave`` samples, ``T_mel`` frames, ``n_freqs = n_fft // 2 + 1``.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tts.audio.config import MelConfig
from tts.audio.mel_bands import mel_filter_bank
from tts.core.errors import InputError
from tts.models.exact import exact_type


class LogMel(nn.Module):
    """Computes the log-mel spectrogram of a wave.

    The transform and the filter bank are buffers that are not part of the state dict, because they
    follow from the configuration.

    Args:
        config: the mel contract; by default the published one, 22,050 Hz and 80 bands.
    """

    fourier_basis: Tensor
    mel_basis: Tensor

    def __init__(self, config: MelConfig = MelConfig()) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("fourier_basis", fourier_basis(config), persistent=False)
        self.register_buffer(
            "mel_basis", torch.from_numpy(mel_filter_bank(config)), persistent=False
        )

    def forward(self, wave: Tensor) -> Tensor:
        """Compute the log-mel spectrogram.

        Args:
            wave: ``(B, T_wave)`` or ``(T_wave,)``, floating point in [-1, 1].

        Returns:
            ``(B, n_mels, T_mel)`` with ``T_mel = T_wave // hop_length + 1``; for a single wave the
            batch axis has size 1. The type is float32, or float64 for a float64 wave.

        Raises:
            InputError: the samples are integers, the number of axes is wrong, or there are too few
                samples to mirror.
        """
        batch = self._checked(wave)
        magnitude = self._magnitude(batch)
        # Half precision does not resolve the floor, so it is off here even if the trainer uses it
        with torch.autocast(wave.device.type, enabled=False):
            mel = (self.mel_basis.to(magnitude.dtype) @ magnitude).to(batch.dtype)
        return mel.clamp(min=self.config.log_floor).log()

    def magnitude(self, wave: Tensor) -> Tensor:
        """Compute the magnitude spectrogram ``(B, n_freqs, T_mel)``, before the mel bands.

        Args:
            wave: ``(B, T_wave)`` or ``(T_wave,)``, floating point in [-1, 1].

        Raises:
            InputError: for the same reasons as ``forward``.
        """
        batch = self._checked(wave)
        return self._magnitude(batch).to(batch.dtype)

    def _magnitude(self, batch: Tensor) -> Tensor:
        """Compute the magnitude spectrogram of ``(B, T_wave)`` in the exact type."""
        half, working = self.config.n_fft // 2, exact_type(batch)
        padded = F.pad(batch[:, None].to(working), (half, half), mode=self.config.pad_mode)
        with torch.autocast(batch.device.type, enabled=False):
            parts = F.conv1d(padded, self.fourier_basis.to(working), stride=self.config.hop_length)
        # (B, 2 * n_freqs, T_mel) -> (B, n_freqs, T_mel). The gradient of a square root is not
        # finite at 0, where there is silence; that of the abs of a complex number is
        real, imaginary = parts.chunk(2, dim=1)
        return torch.complex(real, imaginary).abs()

    def _checked(self, wave: Tensor) -> Tensor:
        if not wave.is_floating_point():
            raise InputError(f"wave is {wave.dtype}; divide 16-bit samples by 32768 first")
        if wave.ndim not in (1, 2):
            raise InputError(f"wave has shape {tuple(wave.shape)}; expected (B, T) or (T,)")
        shortest = self.config.n_fft // 2 + 1
        if wave.shape[-1] < shortest:
            raise InputError(
                f"wave has {wave.shape[-1]} samples; n_fft={self.config.n_fft} needs at least "
                f"{shortest}"
            )
        batch = wave if wave.ndim == 2 else wave[None]
        return batch if batch.dtype == torch.float64 else batch.float()

    def extra_repr(self) -> str:
        """Return the contract in short, for ``print(module)``."""
        return f"n_mels={self.config.n_mels}, fingerprint={self.config.fingerprint()}"


def hann_window(config: MelConfig) -> Tensor:
    """Return the periodic Hann window ``(win_length,)``, float32 rounded from float64."""
    return torch.hann_window(config.win_length, dtype=torch.float64).float()


def fourier_basis(config: MelConfig) -> Tensor:
    """Return windowed cosines and negative sines, float32 ``(2 * n_freqs, 1, n_fft)``.

    They are the kernel of a convolution that computes the Fourier transform.
    """
    n = config.n_fft
    # Full turns are removed while the angle is an integer number of steps, which is exact
    steps = torch.outer(torch.arange(n // 2 + 1), torch.arange(n)) % n
    angle = steps.double() * (2 * math.pi / n)
    before = (n - config.win_length) // 2
    window = F.pad(hann_window(config), (before, n - config.win_length - before))
    # The front end of published checkpoints also rounds before the window and after it
    return (torch.cat([angle.cos(), -angle.sin()]).float() * window)[:, None]
