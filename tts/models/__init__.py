"""Defines the networks and their losses, which need torch and no other room of this package."""

from collections.abc import Mapping
from typing import Any

from tts.models.layers import sequence_mask
from tts.models.tacotron2.config import (
    PITCH_OPTIONS,
    GeneratedMel,
    PitchedOutput,
    Tacotron2Config,
    Tacotron2Output,
)
from tts.models.tacotron2.loss import tacotron2_loss
from tts.models.tacotron2.network import Tacotron2
from tts.models.tacotron2.stream import MelStream
from tts.models.waveglow.config import WaveGlowConfig, WaveGlowOutput
from tts.models.waveglow.loss import waveglow_loss
from tts.models.waveglow.network import WaveGlow

#: Options that change how a network is computed, but not its result.
COMPUTATION_OPTIONS = ("recurrence", "constant_memory")


def options_without_effect(sizes: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the options that do not change the result of a network.

    Args:
        sizes: options of the network; a network without ``pitch_bins`` ignores those of the pitch.
    """
    return (
        COMPUTATION_OPTIONS if sizes.get("pitch_bins") else (*COMPUTATION_OPTIONS, *PITCH_OPTIONS)
    )


__all__ = [
    "GeneratedMel",
    "MelStream",
    "PitchedOutput",
    "Tacotron2",
    "Tacotron2Config",
    "Tacotron2Output",
    "WaveGlow",
    "WaveGlowConfig",
    "WaveGlowOutput",
    "options_without_effect",
    "sequence_mask",
    "tacotron2_loss",
    "waveglow_loss",
]
