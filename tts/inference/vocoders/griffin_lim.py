"""Vocoders: one log-mel spectrogram in, one wave out, whatever is behind it.

Shapes: T frames, T_wave samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from tts.audio import GriffinLim, MelConfig, sharpen
from tts.core.errors import InputError
from tts.inference.vocoders.polishing import SHARPNESS


class Vocoder(Protocol):
    """Makes sound of a spectrogram.

    Attributes:
        mel: the contract that its spectrograms must follow.
    """

    mel: MelConfig

    def __call__(self, mel: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """``(n_mels, T)`` log-mel spectrogram -> ``(T_wave,)`` float32 samples.

        T_wave is T·hop_length or up to one hop less. The same generator state gives the same wave.
        """
        ...


@runtime_checkable
class StreamingVocoder(Vocoder, Protocol):
    """A vocoder that does not wait for the end of a spectrogram."""

    def stream(
        self, mels: Iterable[Tensor], *, generator: torch.Generator | None = None
    ) -> Iterator[Tensor]:
        """``(n_mels, t)`` pieces -> ``(t_wave,)`` pieces of what a call would give."""
        ...


class GriffinLimVocoder:
    """Vocoder without training: metallic, but every mel contract will do.

    Args:
        config: mel contract.
        n_iter: steps of the phase search.
        sharpness: contrast across the bands, see :func:`tts.audio.sharpen`; 0 leaves the mel as it
            is. A WaveGlow has learned for itself what a band hides.

    Raises:
        InputError: a sharpness below 0.
    """

    def __init__(self, config: MelConfig, n_iter: int = 60, sharpness: float = SHARPNESS) -> None:
        if not sharpness >= 0:
            raise InputError(f"vocoder: sharpness={sharpness}: must be 0 or more")
        self.mel, self.sharpness = config, sharpness
        self._griffin_lim = GriffinLim(config, n_iter)

    def with_sharpness(self, sharpness: float) -> GriffinLimVocoder:
        """The same with another sharpness."""
        return GriffinLimVocoder(self.mel, self._griffin_lim.n_iter, sharpness)

    def __call__(self, mel: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """``(n_mels, T)``, at least 2 frames -> ``((T - 1)·hop_length,)`` samples."""
        sharp = sharpen(mel.float(), self.sharpness)
        wave: Tensor = self._griffin_lim.to(mel.device)(sharp, generator=generator)
        return wave


def stream_with(
    vocoder: Vocoder, mels: Iterable[Tensor], generator: torch.Generator | None = None
) -> Iterator[Tensor]:
    """Piece by piece if the vocoder can: ``(n_mels, t)`` -> ``(t_wave,)``; else all at once."""
    if isinstance(vocoder, StreamingVocoder):
        yield from vocoder.stream(mels, generator=generator)
    elif pieces := list(mels):
        yield vocoder(torch.cat(pieces, 1), generator=generator)
