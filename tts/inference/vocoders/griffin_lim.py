"""Defines what a vocoder is (``Vocoder``), and Griffin-Lim as a vocoder.

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
    """Turns one log-mel spectrogram into one wave.

    Attributes:
        mel: the contract that its spectrograms must follow.
    """

    mel: MelConfig

    def __call__(self, mel: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Return the wave ``(T_wave,)``, float32, of a log-mel spectrogram ``(n_mels, T)``.

        T_wave is T·hop_length or up to one hop less. The same generator state gives the same wave.
        """
        ...


@runtime_checkable
class StreamingVocoder(Vocoder, Protocol):
    """Turns a spectrogram into a wave piece by piece, before its end is known."""

    def stream(
        self, mels: Iterable[Tensor], *, generator: torch.Generator | None = None
    ) -> Iterator[Tensor]:
        """Yield pieces ``(t_wave,)`` of the wave that a call would give for the whole.

        Args:
            mels: consecutive pieces ``(n_mels, t)`` of a log-mel spectrogram.
            generator: source of the noise.
        """
        ...


class GriffinLimVocoder:
    """Vocodes without training, for every mel contract; the voice sounds metallic.

    Args:
        config: the mel contract.
        n_iter: steps of the phase search.
        sharpness: contrast across the bands, see :func:`tts.audio.sharpen`; 0 does not change the
            mel. A WaveGlow needs no sharpness, because it learns the details within a band.

    Raises:
        InputError: the sharpness is below 0.
    """

    def __init__(self, config: MelConfig, n_iter: int = 60, sharpness: float = SHARPNESS) -> None:
        if not sharpness >= 0:
            raise InputError(f"vocoder: sharpness={sharpness}: must be 0 or more")
        self.mel, self.sharpness = config, sharpness
        self._griffin_lim = GriffinLim(config, n_iter)

    def with_sharpness(self, sharpness: float) -> GriffinLimVocoder:
        """Return this vocoder with another sharpness."""
        return GriffinLimVocoder(self.mel, self._griffin_lim.n_iter, sharpness)

    def __call__(self, mel: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Return ``((T - 1)·hop_length,)`` samples of a mel ``(n_mels, T)``; T is at least 2."""
        sharp = sharpen(mel.float(), self.sharpness)
        wave: Tensor = self._griffin_lim.to(mel.device)(sharp, generator=generator)
        return wave


def stream_with(
    vocoder: Vocoder, mels: Iterable[Tensor], generator: torch.Generator | None = None
) -> Iterator[Tensor]:
    """Vocode piece by piece if the vocoder can stream, and all at once otherwise.

    Args:
        vocoder: the vocoder.
        mels: consecutive pieces ``(n_mels, t)`` of a log-mel spectrogram.
        generator: source of the noise.

    Yields:
        Consecutive pieces ``(t_wave,)`` of the wave.
    """
    if isinstance(vocoder, StreamingVocoder):
        yield from vocoder.stream(mels, generator=generator)
    elif pieces := list(mels):
        yield vocoder(torch.cat(pieces, 1), generator=generator)
