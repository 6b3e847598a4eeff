"""This room trains the networks: Lightning modules, learning rates, warm starts and freezing."""

from tts.training.schedules import warmup_cosine
from tts.training.tacotron2_task import Tacotron2LossOptions, Tacotron2Task
from tts.training.task import SpeechTask
from tts.training.task_samples import TaskSamples
from tts.training.waveglow_task import WaveGlowLossOptions, WaveGlowTask

__all__ = [
    "SpeechTask",
    "Tacotron2LossOptions",
    "Tacotron2Task",
    "TaskSamples",
    "WaveGlowLossOptions",
    "WaveGlowTask",
    "warmup_cosine",
]
