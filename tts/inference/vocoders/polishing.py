"""Improves the wave of a WaveGlow by Griffin-Lim steps that start from this wave (``Polish``).

A network that was trained for only some hours predicts phases roughly, and the levels of harmonics
badly. The spectrogram contains the levels exactly, and nothing about phases. Some steps of the
phase search (:class:`tts.audio.GriffinLim`) combine both: the wave keeps the phases of the network
and gets the given spectrogram. After enough training there is nothing left to improve.

Shapes: T frames, T_wave samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from tts.audio import GriffinLim, MelConfig, sharpen
from tts.core.errors import InputError
from tts.models.chunking import apply_in_chunks, doubling_sizes

#: Default number of steps by the front of the network; published networks stay as published.
STEPS = {"squeeze": 0, "lapped": 16}
#: Default contrast across the bands. Of the values tried, it raised the DistillMOS of recordings
#: most, and the words stayed as intelligible as without it.
SHARPNESS = 0.3


class Polish:
    """Makes a wave agree with the spectrogram from which it was vocoded.

    Args:
        config: the mel contract.
        n_iter: number of steps.
        sharpness: contrast across the bands of the spectrogram, see :func:`tts.audio.sharpen`.

    Raises:
        InputError: there are fewer steps than 1, or the sharpness is below 0.
    """

    def __init__(self, config: MelConfig, n_iter: int, sharpness: float = SHARPNESS) -> None:
        if n_iter < 1:
            raise InputError(f"vocoder: polish={n_iter}: must be 0 or more")
        if not sharpness >= 0:
            raise InputError(f"vocoder: sharpness={sharpness}: must be 0 or more")
        self.n_iter, self.sharpness = n_iter, sharpness
        self._search = GriffinLim(config, n_iter)

    def __call__(self, mel: Tensor, wave: Tensor) -> Tensor:
        """Return ``((T - 1)·hop_length,)`` polished samples.

        A single frame is too short for the search, so that its wave stays unchanged.

        Args:
            mel: ``(n_mels, T)`` log-mel spectrogram.
            wave: its wave, of about T·hop_length samples.
        """
        if mel.shape[1] < 2:
            return wave
        sharp = sharpen(mel.float(), self.sharpness)
        polished: Tensor = self._search.to(mel.device)(sharp, start=wave)
        return polished

    def stream(
        self, pieces: Iterable[tuple[Tensor, Tensor]], sizes: tuple[int, int]
    ) -> Iterator[Tensor]:
        """Polish piece by piece, with the result of a call for the whole up to round-off.

        Args:
            pieces: consecutive frames ``(n_mels, t)`` with their ``(t·hop_length,)`` samples.
            sizes: number of frames of the first result, and of the longest; sizes grow in between.

        Yields:
            Consecutive pieces ``(t_wave,)`` of the wave.
        """
        hop, n_mels = self._search.config.hop_length, self._search.config.n_mels
        # stacks the samples of each frame below its bands, so that one tensor holds both
        both = (torch.cat((mel, wave.view(-1, hop).T)) for mel, wave in pieces)
        return apply_in_chunks(
            both,
            lambda piece, first, last: self(piece[:n_mels], piece[n_mels:].T.flatten()),
            reach=self._search.reach,
            ratio=hop,
            sizes=doubling_sizes(*sizes),
        )


class MelWaveStream:
    """Joins the pieces of a spectrogram with the pieces of the wave that is vocoded from them.

    Args:
        mels: consecutive pieces ``(n_mels, t)`` of a spectrogram.
        hop_length: samples of a frame.
    """

    def __init__(self, mels: Iterable[Tensor], hop_length: int) -> None:
        self._mels, self._hop_length = mels, hop_length
        self._without_wave: list[Tensor] = []

    def mels(self) -> Iterator[Tensor]:
        """Yield the pieces of the spectrogram for the vocoder, and remember them."""
        for mel in self._mels:
            self._without_wave.append(mel)
            yield mel

    def pieces(self, waves: Iterable[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield whole frames ``(n_mels, t)`` with their ``(t·hop_length,)`` samples.

        Args:
            waves: the wave that a vocoder makes from :meth:`mels`, in pieces of any lengths.
        """
        wave = mel = None
        for piece in waves:
            wave = piece if wave is None else torch.cat((wave, piece))
            mel = torch.cat([*([] if mel is None else [mel]), *self._without_wave], 1)
            self._without_wave.clear()
            n_frames = len(wave) // self._hop_length
            if n_frames == 0:
                continue
            yield mel[:, :n_frames], wave[: n_frames * self._hop_length]
            mel, wave = mel[:, n_frames:], wave[n_frames * self._hop_length :]
