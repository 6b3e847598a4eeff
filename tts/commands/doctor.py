"""Examines a corpus for faults that would stop a training or make its voice worse.

    python -m tts.data.doctor data=ljspeech data.root=/path/LJSpeech-1.1
    python -m tts.data.doctor data=folder data.root=... model=waveglow doctor.strict=true

The command takes the options of train.py and those of conf/doctor.yaml. It changes nothing in the
corpus, and writes doctor.html and doctor.json into doctor.output. The exit status is 1 if there are
errors (with doctor.strict=true also if there are warnings), and 2 on bad input.
"""

from __future__ import annotations

from typing import Any

from tts.commands.cli import with_training_options
from tts.config import build_object
from tts.config.command_ranges import DOCTOR
from tts.core.errors import EXIT_INTERRUPTED
from tts.core.output import print_error
from tts.training.preflight import check_before_torch


def main() -> None:
    """Run ``python -m tts.data.doctor``."""
    with_training_options(doctor, "doctor")


def doctor(config: dict[str, Any]) -> int:
    """Examine the corpus of a configuration, print a table, and write the page and the JSON file.

    Args:
        config: the resolved configuration as plain containers.

    Returns:
        The exit status.

    Raises:
        InputError: there is no corpus to examine, or an option has an illegal value.
    """
    check_before_torch(config, DOCTOR)
    from tts.data.doctor.examination import examine
    from tts.data.doctor.options import DoctorOptions
    from tts.data.doctor.report import write_diagnosis

    options = DoctorOptions(**config["doctor"])
    try:
        diagnosis = examine(
            tolerant_datamodule(config),
            options,
            n_speakers=config["data"].get("n_speakers"),
            network=_tacotron2_sizes(config["model"]["network"]),
        )
        write_diagnosis(diagnosis, config, options)
    except KeyboardInterrupt:
        print_error("interrupted; nothing was written")
        return EXIT_INTERRUPTED
    return diagnosis.exit_status(options.strict)


def tolerant_datamodule(config: dict[str, Any]) -> Any:
    """Build the data module of a configuration whose corpus may have faults of rows and speakers.

    A command that reports all faults must not be stopped by one of them.
    """
    datamodule = config["model"]["datamodule"]
    corpus = dict(datamodule["corpus"])
    if "on_error" in corpus:
        corpus |= {"on_error": "skip", "n_speakers": None}
    return build_object(datamodule | {"corpus": corpus})


def _tacotron2_sizes(network: dict[str, Any]) -> Any:
    """Return the sizes of Tacotron 2 if the network is one; else None."""
    from tts.models.tacotron2.config import Tacotron2Config

    sizes = {key: value for key, value in network.items() if key != "_target_"}
    return Tacotron2Config(**sizes) if network["_target_"] == "tts.models.Tacotron2" else None
