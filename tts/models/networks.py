"""Imports the public names of this room, which ``tts.models`` loads when one is first used."""

from tts.models.layers import sequence_mask
from tts.models.tacotron2.config import (
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
    "sequence_mask",
    "tacotron2_loss",
    "waveglow_loss",
]
