"""Takes out of a WaveGlow's speech the steady tones that it makes of silence.

A WaveGlow hums at multiples of sample_rate / n_group, whatever the spectrogram. What it makes of
an empty mel without noise is the hum alone; its magnitude spectrum, times a strength, is
subtracted from every frame (NVIDIA/waveglow, denoiser.py). "Empty" is a mel of zeros there, which
is loud in log units; mode "silence" takes the floor of the mel contract instead.

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

# length of the empty mel; its end is in reach of the first frame, so another one changes the bias
N_FRAMES = 88


class Denoiser(nn.Module):
    """Subtracts a WaveGlow's hum.

    Args:
        waveglow: the network whose hum it is; used once, here.
        config: mel contract; its window and hop are those of the subtraction.
        strength: how often the hum is subtracted; 0.01 is inaudible in speech, 0.1 muffles.
        mode: "zeros" as published, or "silence".

    Raises:
        InputError: an unknown mode, or a strength below 0.
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
        self.config = config
        self.strength, self.mode = strength, mode
        like = next(waveglow.parameters())
        window = torch.hann_window(config.win_length, device=like.device)
        self.register_buffer("window", window, persistent=False)
        level = 0.0 if mode == "zeros" else config.silence
        mel = like.new_full((1, waveglow.config.n_mels, N_FRAMES), level)
        hum = self._spectrum(waveglow.inverse(mel, sigma=0.0).float())
        self.register_buffer("bias", hum.abs()[:, :, :1].detach(), persistent=False)

    @torch.no_grad()
    def forward(self, wave: Tensor, strength: float | None = None) -> Tensor:
        """Subtract the hum.

        Args:
            wave: ``(B, T_wave)`` or ``(T_wave,)``.
            strength: instead of the one given at construction.

        Returns:
            As many samples in the same shape, float32.
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
        """Subtract the hum of what comes in pieces ``(T_wave,)``: the samples of the whole."""
        # a frame reaches half a window to both sides, and so does what is mirrored at the ends
        return apply_in_chunks(
            waves,
            lambda wave, first, last: self(wave),
            reach=self.config.n_fft,
            align=self.config.hop_length,
        )

    def _spectrum(self, wave: Tensor) -> Tensor:
        """``(B, T_wave)`` -> complex ``(B, n_freqs, n_frames)``; mirrored at the ends."""
        # mirroring wants more samples than half a window has
        wave = F.pad(wave, (0, max(0, self.config.n_fft - wave.size(1))))
        c = self.config
        return torch.stft(
            wave, c.n_fft, c.hop_length, c.win_length, self.window, return_complex=True
        )
