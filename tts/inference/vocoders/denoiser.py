"""Removes the bias noise of a WaveGlow: steady tones that it also produces in silence.

For any spectrogram a WaveGlow adds tones at multiples of sample_rate / n_group. From an empty mel
and without input noise it produces these tones alone. The denoiser subtracts their magnitude
spectrum, times a strength, from every frame (NVIDIA/waveglow, denoiser.py). There, an empty mel is
a mel of zeros, which is loud in log units; mode "silence" uses the floor of the mel contract.

Shapes: B batch, T_wave samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tts.audio import MelConfig
from tts.core.errors import InputError
from tts.models import WaveGlow
from tts.models.chunking import apply_in_chunks

Mode = Literal["zeros", "silence"]

# Length of the empty mel. Its end is within reach of the first frame, so that another length would
# change the bias
N_FRAMES = 88


def frames_overlap(config: MelConfig) -> bool:
    """Return whether neighbouring frames overlap, so that a spectrum can become a wave again."""
    return config.hop_length < config.win_length


class Denoiser(nn.Module):
    """Subtracts the bias noise of a WaveGlow from its waves.

    Args:
        waveglow: the network whose bias is measured; it is used only in the constructor.
        config: mel contract; the subtraction uses its window and hop.
        strength: factor of the bias; 0.01 does not change speech audibly, 0.1 muffles it.
        mode: the empty mel, "zeros" as published or "silence".

    Raises:
        InputError: the mode is unknown, or the strength is below 0 or has to be 0.
    """

    window: Tensor
    bias: Tensor

    def __init__(
        self,
        waveglow: WaveGlow,
        config: MelConfig,
        strength: float = 0.01,
        mode: Mode = "zeros",
    ) -> None:
        super().__init__()
        if mode not in get_args(Mode):
            raise InputError(f"denoiser mode {mode!r}: choose from {', '.join(get_args(Mode))}")
        if not strength >= 0:
            raise InputError(f"denoiser strength {strength}: must be 0 or more")
        if strength > 0 and not frames_overlap(config):
            raise InputError(
                f"denoiser={strength:g}: the denoiser needs overlapping frames, and hop_length and "
                f"win_length of this WaveGlow are both {config.hop_length}; use denoiser=0"
            )
        self.config = config
        self.strength, self.mode = strength, mode
        like = next(waveglow.parameters())
        window = torch.hann_window(config.win_length, device=like.device)
        self.register_buffer("window", window, persistent=False)
        level = 0.0 if mode == "zeros" else config.silence
        mel = like.new_full((1, waveglow.config.n_mels, N_FRAMES), level)
        bias = self._spectrum(waveglow.inverse(mel, sigma=0.0).float())
        self.register_buffer("bias", bias.abs()[:, :, :1].detach(), persistent=False)

    @torch.no_grad()
    def forward(self, wave: Tensor, strength: float | None = None) -> Tensor:
        """Subtract the bias noise.

        Args:
            wave: ``(B, T_wave)`` or ``(T_wave,)``.
            strength: factor of the bias; the default is that of the constructor.

        Returns:
            A wave of the same shape, float32.
        """
        strength = self.strength if strength is None else strength
        batch = wave.reshape(-1, wave.size(-1)).float()
        spectrum = self._spectrum(batch)
        magnitude = (spectrum.abs() - strength * self.bias).clamp(min=0.0)
        clean = torch.istft(
            torch.polar(magnitude, spectrum.angle()),
            self.config.n_fft,
            self.config.hop_length,
            self.config.win_length,
            self.window,
            length=max(batch.size(1), self.config.n_fft),
        )
        return clean[:, : batch.size(1)].reshape(wave.shape)

    def stream(self, waves: Iterable[Tensor]) -> Iterator[Tensor]:
        """Subtract the bias noise piece by piece, with the same result as for the whole wave.

        Args:
            waves: consecutive pieces ``(t_wave,)``.

        Yields:
            Consecutive pieces, not necessarily of the same lengths.
        """
        # a frame reaches half a window to both sides, and so do the mirrored samples at the ends
        return apply_in_chunks(
            waves,
            lambda wave, first, last: self(wave),
            reach=self.config.n_fft,
            align=self.config.hop_length,
        )

    def _spectrum(self, wave: Tensor) -> Tensor:
        """Return the complex spectrum ``(B, n_freqs, n_frames)`` of ``(B, T_wave)``."""
        # mirroring at the ends needs more samples than half a window has
        wave = F.pad(wave, (0, max(0, self.config.n_fft - wave.size(1))))
        c = self.config
        return torch.stft(
            wave, c.n_fft, c.hop_length, c.win_length, self.window, return_complex=True
        )
