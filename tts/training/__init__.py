"""LightningModules: how each network is trained, and what there is to see and hear of it."""

from tts.tasks.base import SpeechTask
from tts.tasks.samples import Samples
from tts.tasks.schedules import warmup_cosine
from tts.tasks.tacotron2 import Tacotron2LossOptions, Tacotron2Task
from tts.tasks.waveglow import WaveGlowLossOptions, WaveGlowTask

__all__ = [
    "Samples",
    "SpeechTask",
    "Tacotron2LossOptions",
    "Tacotron2Task",
    "WaveGlowLossOptions",
    "WaveGlowTask",
    "warmup_cosine",
]
