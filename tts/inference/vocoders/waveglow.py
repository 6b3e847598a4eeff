"""Uses a WaveGlow as a vocoder, with its noise, its denoiser and polishing steps.

Shapes: T frames, T_wave samples.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from tts.audio import MelConfig
from tts.core.errors import InputError
from tts.inference.vocoders.denoiser import Denoiser, Mode, frames_overlap
from tts.inference.vocoders.polishing import SHARPNESS, STEPS, MelWaveStream, Polish
from tts.models import WaveGlow
from tts.models.chunking import doubling_sizes
from tts.models.waveglow.network import CHUNK_FRAMES

_log = logging.getLogger(__name__)

#: Frames of the first piece of a stream, and of the longest. The first is short, so that the sound
#: starts soon; while a piece plays, the next one is computed.
PIECE_FRAMES = (32, 512)
#: Default strength of the denoiser by the front of the network. With a lapped front the channels
#: are frequencies, so that there is no bias noise at the rate of the groups. Moreover the envelope
#: of such a network turns a mel of zeros into loud sound, which must not be subtracted from speech.
DENOISER_STRENGTH = {"squeeze": 0.01, "lapped": 0.0}
#: Largest number of frames that go into the network's stream at once.
FRAMES_AT_ONCE = 64


def load_waveglow(
    source: str | Path, device: str | torch.device = "cpu"
) -> tuple[WaveGlowVocoder, str | None]:
    """Load a WaveGlow to speak with.

    Args:
        source: a checkpoint of this project or a published one: a file or a name.
        device: device of the network.

    Returns:
        The vocoder, and the name of the corpus that it was trained on, where known.

    Raises:
        InputError: there is no such file, or it is not a WaveGlow.
    """
    from tts import pretrained
    from tts.pretrained.convert import complete_description

    network = cast(WaveGlow, pretrained.load(source, device, network="WaveGlow"))
    known, _ = complete_description(source, cast(dict[str, Any], network.description))
    network.remove_weight_norm()
    return WaveGlowVocoder(network, MelConfig.from_dict(known["mel"])), known["corpus"]


class WaveGlowVocoder:
    """Vocodes with a WaveGlow, its denoiser and polishing steps.

    Args:
        network: trained network; vocoding runs on its device.
        config: mel contract that it was trained on.
        sigma: standard deviation of the noise; smaller than the 1 of training, for less noise.
        denoiser_strength: strength of the denoiser, 0 for no denoiser. None means 0.01 for a
            network with the published front, and 0 for one with a lapped front or for mels whose
            frames do not overlap.
        chunk_frames: see :meth:`tts.models.WaveGlow.inverse`.
        denoiser_mode: the mel on which the bias noise is measured, see
            :class:`tts.inference.Denoiser`.
        polish: number of Griffin-Lim steps after the network
            (:class:`tts.inference.vocoders.polishing.Polish`), 0 for none. None means 0 for a
            network with the published front, and 16 for one with a lapped front, which this project
            uses for small networks with a short training.
        sharpness: contrast across the bands of the mel in these steps.

    Raises:
        InputError: the contract does not fit the network, or a setting is below 0.
    """

    def __init__(
        self,
        network: WaveGlow,
        config: MelConfig,
        sigma: float = 0.666,
        denoiser_strength: float | None = None,
        chunk_frames: int = CHUNK_FRAMES,
        denoiser_mode: Mode = "zeros",
        polish: int | None = None,
        sharpness: float = SHARPNESS,
    ) -> None:
        for name in ("n_mels", "hop_length"):
            here, there = getattr(network.config, name), getattr(config, name)
            if here != there:
                raise InputError(f"vocoder: {name} is {here} in the network, {there} in the mel")
        if not sigma >= 0:
            raise InputError(f"vocoder: sigma={sigma}: must be 0 or more")
        self.mel = config
        self.network = network
        self.sigma = sigma
        self.chunk_frames = chunk_frames
        if denoiser_strength is None:
            denoiser_strength = DENOISER_STRENGTH[network.config.front]
            if denoiser_strength and not frames_overlap(config):
                denoiser_strength = 0.0
                _log.warning(
                    "the frames of this WaveGlow do not overlap (hop_length=%d), so the denoiser "
                    "cannot remove its bias noise and is off",
                    config.hop_length,
                )
        self.denoiser = (
            Denoiser(network, config, denoiser_strength, denoiser_mode)
            if denoiser_strength
            else None
        )
        if polish is None:
            # the phase search needs overlapping frames
            polish = STEPS[network.config.front] if frames_overlap(config) else 0
        self.polish = Polish(config, polish, sharpness) if polish else None

    def with_settings(
        self,
        sigma: float | None = None,
        denoiser_strength: float | None = None,
        denoiser_mode: Mode | None = None,
        polish: int | None = None,
        sharpness: float | None = None,
    ) -> WaveGlowVocoder:
        """Return a vocoder of the same network with other settings; None keeps a setting.

        Raises:
            InputError: a setting is below 0, or there is a sharpness without polishing steps.
        """
        denoiser = self.denoiser
        if denoiser_strength is None:
            denoiser_strength = denoiser.strength if denoiser is not None else 0.0
        if denoiser_mode is None:
            denoiser_mode = denoiser.mode if denoiser is not None else "zeros"
        if polish is None:
            polish = 0 if self.polish is None else self.polish.n_iter
        if sharpness is None:
            sharpness = SHARPNESS if self.polish is None else self.polish.sharpness
        elif not polish:
            raise InputError("vocoder: sharpness is a setting of the polishing; add polish=16")
        return WaveGlowVocoder(
            self.network,
            self.mel,
            self.sigma if sigma is None else sigma,
            denoiser_strength,
            self.chunk_frames,
            denoiser_mode,
            polish,
            sharpness,
        )

    def __call__(self, mel: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Return ``(T·hop_length,)`` samples of a mel ``(n_mels, T)``, on the network's device.

        With polishing there is one hop less.

        Raises:
            InputError: the shape of the mel is wrong.
        """
        if mel.ndim != 2 or mel.size(0) != self.mel.n_mels or mel.size(1) == 0:
            raise InputError(
                f"vocoder: a mel of shape {tuple(mel.shape)}; expected ({self.mel.n_mels}, T)"
            )
        batch = mel[None].to(next(self.network.parameters()))
        n_groups = mel.size(1) * self.network.config.groups_per_frame
        # drawn by its place in time, as in `stream`
        z = self.sigma * self.network.block_noise(1, generator).between(0, n_groups)
        wave = self.network.inverse(batch, z=z, chunk_frames=self.chunk_frames).float()
        wave = (wave if self.denoiser is None else self.denoiser(wave))[0]
        return wave if self.polish is None else self.polish(mel.to(wave.device), wave)

    def stream(
        self, mels: Iterable[Tensor], *, generator: torch.Generator | None = None
    ) -> Iterator[Tensor]:
        """Vocode piece by piece, with the result of a call for the whole up to round-off.

        The first piece comes after the `receptive_frames` of the network, a window of the denoiser
        and the reach of the polishing.

        Args:
            mels: consecutive pieces ``(n_mels, t)`` of a log-mel spectrogram.
            generator: source of the noise.

        Yields:
            Consecutive pieces of the wave.
        """
        if self.polish is None:
            return self._stream(mels, generator)
        joined = MelWaveStream(mels, self.mel.hop_length)
        waves = self._stream(joined.mels(), generator)
        return self.polish.stream(joined.pieces(waves), PIECE_FRAMES)

    def _stream(
        self, mels: Iterable[Tensor], generator: torch.Generator | None
    ) -> Iterator[Tensor]:
        like = next(self.network.parameters())
        batches = (
            part[None] for mel in mels for part in torch.split(mel.to(like), FRAMES_AT_ONCE, 1)
        )
        waves = (
            wave[0].float()
            for wave in self.network.stream(
                batches, sigma=self.sigma, generator=generator, sizes=doubling_sizes(*PIECE_FRAMES)
            )
        )
        return waves if self.denoiser is None else self.denoiser.stream(waves)
