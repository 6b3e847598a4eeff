"""Makes small WaveGlows: new ones, and ones with random weights as after a training."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from tests.support.networks import TINY_WAVEGLOW, add_noise
from tts.models import WaveGlow


@pytest.fixture
def tiny_waveglow() -> Callable[..., WaveGlow]:
    """Return a function that makes a new small network; its arguments replace options."""

    def make(**options) -> WaveGlow:
        torch.manual_seed(0)
        return WaveGlow(TINY_WAVEGLOW, **options)

    return make


@pytest.fixture
def trained_waveglow(tiny_waveglow) -> Callable[..., WaveGlow]:
    """Return a function that makes the same network with random weights."""

    def make(**options) -> WaveGlow:
        network = tiny_waveglow(**options)
        add_noise(network)
        return network

    return make
