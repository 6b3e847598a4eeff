"""Measures what a corpus sounds like: mels, speaking rate, pitch, level, silence and symbols.

    python -m tts.data.stats data=ljspeech data.root=/path/LJSpeech-1.1
    python -m tts.data.stats data=folder data.root=/path output=stats.png

The command takes the options of train.py and those of conf/stats.yaml. It changes nothing in the
corpus, prints the options that follow from the measurements, and draws them in a picture. The exit
status is 1 if something was left out, and 2 on bad input.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tts.commands.cli import with_training_options
from tts.commands.doctor import tolerant_datamodule
from tts.config.command_ranges import STATS
from tts.core.errors import EXIT_INTERRUPTED, InputError, RunStopped
from tts.core.files import require_writable
from tts.core.output import print_line, print_result
from tts.training.preflight import check_before_torch


def main() -> None:
    """Run ``python -m tts.data.stats``."""
    with_training_options(measure, "stats")


def measure(config: dict[str, Any]) -> int:
    """Measure the corpus of a configuration, print the report, and draw the picture.

    Args:
        config: the resolved configuration as plain containers.

    Returns:
        0, or 1 if rows or recordings were left out.

    Raises:
        InputError: there is no corpus to measure, an option has an illegal value, or the picture
            cannot be written.
    """
    check_before_torch(config, STATS)
    picture = None if config["output"] is None else Path(config["output"])
    if picture is not None:
        _check_picture(picture)
    from tts.audio.plots.figures import save_figure
    from tts.data.stats.advice import suggested_options
    from tts.data.stats.figure import statistics_figure
    from tts.data.stats.report import options_lines, statistics_lines
    from tts.data.stats.statistics import measure_corpus

    datamodule = tolerant_datamodule(config)
    try:
        statistics = measure_corpus(datamodule, config["silence_db"], config["pitch_clips"])
    except KeyboardInterrupt:
        raise RunStopped("interrupted; nothing was written", EXIT_INTERRUPTED) from None
    options = suggested_options(statistics, config)
    lines = [*statistics_lines(statistics), *options_lines(options, statistics)]
    print_result("\n".join(lines) + "\n")
    if picture is not None:
        picture.parent.mkdir(parents=True, exist_ok=True)
        save_figure(statistics_figure(statistics), picture)
        print_line(f"see {picture}")
    if statistics.left_out:
        print_line("python -m tts.data.doctor with the same options names what was left out")
    return int(statistics.left_out > 0)


def _check_picture(picture: Path) -> None:
    if picture.suffix.lower() != ".png":
        raise InputError(f"output={picture}: pictures are written as PNG; end the name in .png")
    if picture.is_dir():
        raise InputError(f"output={picture}: is a folder; name a file in it")
    require_writable(picture.parent, f"output={picture.parent}")
