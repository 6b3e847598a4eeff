"""Text to speech with trained networks: ``Synthesizer``, and the vocoders it may use."""

from tts.inference.denoiser import Denoiser
from tts.inference.synthesizer import Speech, Synthesizer, pick_device
from tts.inference.vocoders import GriffinLimVocoder, Vocoder, WaveGlowVocoder, load_waveglow

__all__ = [
    "Denoiser",
    "GriffinLimVocoder",
    "Speech",
    "Synthesizer",
    "Vocoder",
    "WaveGlowVocoder",
    "load_waveglow",
    "pick_device",
]
