"""This package turns text into speech with trained networks: ``Synthesizer`` and its vocoders."""

from tts.inference.loading import pick_device
from tts.inference.options import Options
from tts.inference.part import Part
from tts.inference.pauses import Pauses
from tts.inference.speech import Speech, join
from tts.inference.streaming import Chunk
from tts.inference.synthesizer import Synthesizer
from tts.inference.vocoders.denoiser import Denoiser
from tts.inference.vocoders.griffin_lim import GriffinLimVocoder, Vocoder
from tts.inference.vocoders.waveglow import WaveGlowVocoder, load_waveglow

__all__ = [
    "Chunk",
    "Denoiser",
    "GriffinLimVocoder",
    "Options",
    "Part",
    "Pauses",
    "Speech",
    "Synthesizer",
    "Vocoder",
    "WaveGlowVocoder",
    "join",
    "load_waveglow",
    "pick_device",
]
