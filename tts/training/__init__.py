"""This room trains the networks: Lightning modules, learning rates, warm starts and freezing.

The names below are loaded when they are first used: what is cheap to check (``preflight``) is
checked before the import of torch and Lightning, which takes seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tts.core.lazy import lazy_names

if TYPE_CHECKING:
    from tts.training.schedules import warmup_cosine as warmup_cosine
    from tts.training.tacotron2_task import Tacotron2LossOptions as Tacotron2LossOptions
    from tts.training.tacotron2_task import Tacotron2Task as Tacotron2Task
    from tts.training.task import SpeechTask as SpeechTask
    from tts.training.task_samples import TaskSamples as TaskSamples
    from tts.training.waveglow_task import WaveGlowLossOptions as WaveGlowLossOptions
    from tts.training.waveglow_task import WaveGlowTask as WaveGlowTask
else:
    __getattr__, __dir__, __all__ = lazy_names(__name__)
