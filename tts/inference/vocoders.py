"""Vocoders: one log-mel spectrogram in, one wave out, whatever is behind it.

Shapes: T frames, T_wave samples.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, cast

import torch
from torch import Tensor

from tts.audio import GriffinLim, MelConfig
from tts.errors import InputError
from tts.inference.denoiser import Denoiser
from tts.models import WaveGlow


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


class GriffinLimVocoder:
    """Vocoder without training: metallic, but every mel contract will do.

    Args:
        config: mel contract.
        n_iter: steps of the phase search.
    """

    def __init__(self, config: MelConfig, n_iter: int = 60) -> None:
        self.mel = config
        self._griffin_lim = GriffinLim(config, n_iter)

    def __call__(self, mel: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """``(n_mels, T)``, at least 2 frames -> ``((T - 1)·hop_length,)`` samples."""
        wave: Tensor = self._griffin_lim.to(mel.device)(mel, generator=generator)
        return wave


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
    from tts.pretrained.convert import complete

    network = cast(WaveGlow, pretrained.load(source, device, network="WaveGlow"))
    known, _ = complete(source, cast(dict[str, Any], network.description))
    network.remove_weight_norm()
    return WaveGlowVocoder(network, MelConfig.from_dict(known["mel"])), known["corpus"]


class WaveGlowVocoder:
    """WaveGlow and its denoiser.

    Args:
        network: trained network; its device is where the work is done.
        config: mel contract that it was trained on.
        sigma: standard deviation of the noise; calmer than the 1 of training.
        denoiser_strength: 0 leaves the denoiser out.
        chunk_frames: longer spectrograms are spoken in pieces of so many frames, to the same
            samples, so that memory does not grow with the length.

    Raises:
        InputError: the contract does not fit the network, or sigma is below 0.
    """

    def __init__(
        self,
        network: WaveGlow,
        config: MelConfig,
        sigma: float = 0.666,
        denoiser_strength: float = 0.01,
        chunk_frames: int = 1000,
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
        self.denoiser = Denoiser(network, config, denoiser_strength) if denoiser_strength else None

    def __call__(self, mel: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """``(n_mels, T)`` -> ``(T·hop_length,)`` samples, on the network's device.

        Raises:
            InputError: another shape.
        """
        if mel.ndim != 2 or mel.size(0) != self.mel.n_mels or mel.size(1) == 0:
            raise InputError(
                f"vocoder: a mel of shape {tuple(mel.shape)}; expected ({self.mel.n_mels}, T)"
            )
        batch = mel[None].to(next(self.network.parameters()))
        wave = self.network.inverse(
            batch, sigma=self.sigma, generator=generator, chunk_frames=self.chunk_frames
        ).float()
        return (wave if self.denoiser is None else self.denoiser(wave))[0]
