"""Sound and its features: the mel contract, front ends, Griffin-Lim, files and pictures.

The names below are loaded when they are first used, so that ``from tts.audio import MelConfig``
and reading or writing a file cost no import of torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tts.audio.config import MelConfig
    from tts.audio.griffin_lim import GriffinLim
    from tts.audio.io import read_wave, write_wave
    from tts.audio.mel import LogMel
    from tts.audio.mfcc import MFCC
    from tts.audio.output import Output
    from tts.audio.sharpness import sharpen

__all__ = [
    "MFCC",
    "GriffinLim",
    "LogMel",
    "MelConfig",
    "Output",
    "read_wave",
    "sharpen",
    "write_wave",
]

_HOMES = {
    "MFCC": "mfcc",
    "GriffinLim": "griffin_lim",
    "LogMel": "mel",
    "MelConfig": "config",
    "Output": "output",
    "sharpen": "sharpness",
    "read_wave": "io",
    "write_wave": "io",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
