"""A WaveGlow that is small, and one that does something, unlike a new one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from tts.models import WaveGlow, WaveGlowConfig

TINY = WaveGlowConfig(
    n_mels=3,
    hop_length=32,
    win_length=64,
    n_flows=3,
    n_group=8,
    n_early_every=2,
    n_early_size=2,
    n_layers=2,
    n_channels=6,
)


@pytest.fixture
def tiny_waveglow() -> Callable[..., WaveGlow]:
    """Makes a new network; what its arguments do not say is small."""

    def make(**options) -> WaveGlow:
        torch.manual_seed(0)
        return WaveGlow(TINY, **options)

    return make


@pytest.fixture
def trained_waveglow(tiny_waveglow) -> Callable[..., WaveGlow]:
    """Makes the same network as a training might leave it."""

    def make(**options) -> WaveGlow:
        network = tiny_waveglow(**options)
        with torch.no_grad():
            for weight in network.parameters():
                weight.add_(0.1 * torch.randn_like(weight))
        return network

    return make
