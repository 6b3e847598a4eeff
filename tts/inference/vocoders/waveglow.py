"""A WaveGlow as a vocoder: its noise, its denoiser, and the steps that polish its sound.

Shapes: T frames, T_wave samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from tts.audio import MelConfig
from tts.core.errors import InputError
from tts.inference.vocoders.denoiser import Denoiser, Mode
from tts.inference.vocoders.polishing import SHARPNESS, STEPS, MelWaveStream, Polish
from tts.models import WaveGlow
from tts.models.chunking import doubling_sizes
from tts.models.waveglow.network import CHUNK_FRAMES

#: Frames of the first piece of a stream, and of the longest: the first is there soon, and while it
#: is heard the next is made.
PIECE_FRAMES = (32, 512)
#: How often the hum is subtracted, by the front of the network. Channels that are frequencies do
#: not hum at the rate of groups, and what an envelope makes of a mel of zeros is no hum.
HUM = {"squeeze": 0.01, "lapped": 0.0}
#: Most frames that are taken in together.
FRAMES_AT_ONCE = 64


def load_waveglow(
    source: str | Path, device: str | torch.device = "cpu"
) -> tuple[WaveGlowVocoder, str | None]:
    """Load a WaveGlow to speak with.

    Args:
        source: a checkpoint, this project's or a published one, by file or by name.
        device: where the work is done.

    Returns:
        The vocoder, and the name of the corpus it was trained on, where known.

    Raises:
        InputError: no such file, or not a WaveGlow.
    """
    from tts import pretrained
    from tts.pretrained.convert import complete_description

    network = cast(WaveGlow, pretrained.load(source, device, network="WaveGlow"))
    known, _ = complete_description(source, cast(dict[str, Any], network.description))
    network.remove_weight_norm()
    return WaveGlowVocoder(network, MelConfig.from_dict(known["mel"])), known["corpus"]


class WaveGlowVocoder:
    """WaveGlow, its denoiser, and what polishes its sound.

    Args:
        network: trained network; its device is where the work is done.
        config: mel contract that it was trained on.
        sigma: standard deviation of the noise; calmer than the 1 of training.
        denoiser_strength: 0 leaves the denoiser out; None is 0.01 for a network with the published
            front, and 0 for one with a lapped front.
        chunk_frames: see :meth:`tts.models.WaveGlow.inverse`.
        denoiser_mode: what the hum is measured on, see :class:`tts.inference.Denoiser`.
        polish: Griffin-Lim steps that follow
            (:class:`tts.inference.vocoders.polishing.Polish`), 0 for none.
            None is 0 for a network with the published front, and 16 for one with a lapped front:
            those of this project, small and soon trained.
        sharpness: of these steps, contrast across the bands of the mel.

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
            denoiser_strength = HUM[network.config.front]
        self.denoiser = (
            Denoiser(network, config, denoiser_strength, denoiser_mode)
            if denoiser_strength
            else None
        )
        if polish is None:
            # a search for phases needs frames that overlap
            polish = STEPS[network.config.front] if config.hop_length < config.win_length else 0
        self.polish = Polish(config, polish, sharpness) if polish else None

    def with_settings(
        self,
        sigma: float | None = None,
        denoiser_strength: float | None = None,
        denoiser_mode: Mode | None = None,
        polish: int | None = None,
        sharpness: float | None = None,
    ) -> WaveGlowVocoder:
        """The same network with other settings; None leaves one as it is.

        Raises:
            InputError: a setting below 0, or a sharpness without steps that polish.
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
            raise InputError("vocoder: sharpness is a setting of what polishes; add polish=16")
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
        """``(n_mels, T)`` -> ``(T·hop_length,)`` samples, on the network's device.

        One hop less if they are polished.

        Raises:
            InputError: another shape.
        """
        if mel.ndim != 2 or mel.size(0) != self.mel.n_mels or mel.size(1) == 0:
            raise InputError(
                f"vocoder: a mel of shape {tuple(mel.shape)}; expected ({self.mel.n_mels}, T)"
            )
        batch = mel[None].to(next(self.network.parameters()))
        n_groups = mel.size(1) * self.network.config.groups_per_frame
        # by its place in time, as `stream` draws it
        z = self.sigma * self.network.block_noise(1, generator).between(0, n_groups)
        wave = self.network.inverse(batch, z=z, chunk_frames=self.chunk_frames).float()
        wave = (wave if self.denoiser is None else self.denoiser(wave))[0]
        return wave if self.polish is None else self.polish(mel.to(wave.device), wave)

    def stream(
        self, mels: Iterable[Tensor], *, generator: torch.Generator | None = None
    ) -> Iterator[Tensor]:
        """``(n_mels, t)`` pieces -> ``(t·hop_length,)`` pieces: up to round-off those of a call.

        The first come after `receptive_frames` of the network, a window of the denoiser, and what
        the polishing reaches.
        """
        if self.polish is None:
            return self._stream(mels, generator)
        beside = MelWaveStream(mels, self.mel.hop_length)
        waves = self._stream(beside.mels(), generator)
        return self.polish.stream(beside.pieces(waves), PIECE_FRAMES)

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
