"""This package turns sound into features and back: mel contract, front ends, files and pictures.

The names below are loaded when they are first used. Therefore ``from tts.audio import MelConfig``
and reading or writing a file do not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tts.core.lazy import lazy_names

if TYPE_CHECKING:
    from tts.audio.config import MelConfig as MelConfig
    from tts.audio.griffin_lim import GriffinLim as GriffinLim
    from tts.audio.io import read_wave as read_wave
    from tts.audio.io import write_wave as write_wave
    from tts.audio.mel import LogMel as LogMel
    from tts.audio.mfcc import MFCC as MFCC
    from tts.audio.output import Output as Output
    from tts.audio.sharpness import sharpen as sharpen
else:
    __getattr__, __dir__, __all__ = lazy_names(__name__)
