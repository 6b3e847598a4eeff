"""Checks the options of an evaluation before torch is imported, which takes seconds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from tts.config.command_ranges import EVALUATION
from tts.config.schema import check_values
from tts.core.errors import InputError
from tts.core.ranges import check_arguments
from tts.core.source_ranges import ranges_in_source
from tts.pretrained.sources import require_source

#: The systems that can be judged: those that ``SystemFactory`` makes.
SYSTEMS = (
    *("recordings", "griffin_lim_copy", "vocoder_copy", "voice", "voice_griffin_lim", "espeak"),
    "hibari",
)
#: The names of all measures.
MEASURE_NAMES = (
    *("intelligibility", "distillmos", "dnsmos", "similarity", "distortion", "alignment"),
    "speed",
)


def check_evaluation(config: Mapping[str, Any]) -> None:
    """Check the options of ``conf/evaluate.yaml``, and the files and folders that they name.

    Raises:
        InputError: a value is not legal, a name is unknown, or a file or a folder is missing.
    """
    check_values(config, EVALUATION)
    check_arguments(config, ranges_in_source("tts.inference.options.Options"), "")
    known_names("systems", config["systems"], SYSTEMS)
    known_names("measures", config["measures"], MEASURE_NAMES)
    for key in ("acoustic", "vocoder"):
        if config[key] not in (None, "griffin_lim"):
            require_source(str(config[key]), key)
    recordings = config["recordings"]
    if recordings is not None and not Path(recordings).is_dir():
        raise InputError(f"recordings={recordings}: there is no such folder")


def known_names(key: str, names: Sequence[str], known: Collection[str]) -> list[str]:
    """Return names without repetitions.

    Raises:
        InputError: a name is not one of the known ones.
    """
    for name in names:
        if name not in known:
            raise InputError(f"{key}: there is no {name!r}; choose from {', '.join(known)}")
    return list(dict.fromkeys(names))
