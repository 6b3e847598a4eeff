"""``Polish``: Griffin-Lim steps that begin with what a WaveGlow made, not with random phases.

A network that was trained for hours knows roughly how phases go on, and not how loud each harmonic
is; the spectrogram says the latter exactly, and nothing of the former. Some steps of the phase
search (:class:`tts.audio.GriffinLim`) agree the two: the wave keeps what the network knew, and has
the spectrogram that was asked for. With enough training there is nothing left to mend.

Shapes: T frames, T_wave samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from tts.audio import GriffinLim, MelConfig, sharpen
from tts.core.errors import InputError
from tts.models.chunking import apply_in_chunks, doubling_sizes

#: Steps, by the front of the network: published networks are as they were published.
STEPS = {"squeeze": 0, "lapped": 16}
#: Contrast across the bands: by this much recordings gained most in DistillMOS, and words none the
#: less.
SHARPNESS = 0.3


class Polish:
    """Makes a wave agree with the spectrogram that it was made of.

    Args:
        config: mel contract.
        n_iter: steps.
        sharpness: contrast across the bands of the spectrogram, see :func:`tts.audio.sharpen`.

    Raises:
        InputError: fewer steps than 1, or a sharpness below 0.
    """

    def __init__(self, config: MelConfig, n_iter: int, sharpness: float = SHARPNESS) -> None:
        if n_iter < 1:
            raise InputError(f"vocoder: polish={n_iter}: must be 0 or more")
        if not sharpness >= 0:
            raise InputError(f"vocoder: sharpness={sharpness}: must be 0 or more")
        self.n_iter, self.sharpness = n_iter, sharpness
        self._search = GriffinLim(config, n_iter)

    def __call__(self, mel: Tensor, wave: Tensor) -> Tensor:
        """``(n_mels, T)`` and ``(about T·hop_length,)`` -> ``((T - 1)·hop_length,)`` samples.

        A single frame is too little for a search, and its wave stays as it is.
        """
        if mel.shape[1] < 2:
            return wave
        sharp = sharpen(mel.float(), self.sharpness)
        polished: Tensor = self._search.to(mel.device)(sharp, start=wave)
        return polished

    def stream(
        self, pieces: Iterable[tuple[Tensor, Tensor]], sizes: tuple[int, int]
    ) -> Iterator[Tensor]:
        """Up to round-off the samples of a call, of what comes in pieces.

        Args:
            pieces: ``(n_mels, t)`` frames and their ``(t·hop_length,)`` samples.
            sizes: frames of the first result and, as they grow, of the longest.
        """
        hop, n_mels = self._search.config.hop_length, self._search.config.n_mels
        # samples below their frames: one thing that comes by frames
        both = (torch.cat((mel, wave.view(-1, hop).T)) for mel, wave in pieces)
        return apply_in_chunks(
            both,
            lambda piece, first, last: self(piece[:n_mels], piece[n_mels:].T.flatten()),
            reach=self._search.reach,
            ratio=hop,
            sizes=doubling_sizes(*sizes),
        )


class MelWaveStream:
    """Spectrogram and wave side by side, where the wave is made of the spectrogram as it comes.

    Args:
        mels: ``(n_mels, t)`` pieces.
        hop_length: samples for each frame.
    """

    def __init__(self, mels: Iterable[Tensor], hop_length: int) -> None:
        self._mels, self._hop_length = mels, hop_length
        self._passed: list[Tensor] = []

    def mels(self) -> Iterator[Tensor]:
        """The pieces, for what makes the wave."""
        for mel in self._mels:
            self._passed.append(mel)
            yield mel

    def pieces(self, waves: Iterable[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """Whole frames ``(n_mels, t)`` with their ``(t·hop_length,)`` samples."""
        wave = mel = None
        for piece in waves:
            wave = piece if wave is None else torch.cat((wave, piece))
            mel = torch.cat([*([] if mel is None else [mel]), *self._passed], 1)
            self._passed.clear()
            n_frames = len(wave) // self._hop_length
            if n_frames == 0:
                continue
            yield mel[:, :n_frames], wave[: n_frames * self._hop_length]
            mel, wave = mel[:, n_frames:], wave[n_frames * self._hop_length :]
