"""Prepare a corpus: do what a training does before its first step, and nothing else.

    python -m tts.data.prepare data=ljspeech data.root=/path/LJSpeech-1.1
    python -m tts.data.prepare data=ljspeech data.root=... data.prepared=FOLDER data.trim_db=40
    python train.py data=prepared data.root=FOLDER

It takes the options of train.py. Without data.prepared it fills the cache that a training with the
same options reads. With data.prepared it makes a folder that a training reads instead of the
recordings. The command does only what is missing or has changed. These options matter:

  data=..., data.*       the corpus, and what is done to its recordings: docs/data.md
  data.prepared=FOLDER   write to this folder, not to paths.cache_dir
  data.on_error=skip     leave out what cannot be read, and continue
  data.verify=true       read all recordings again
  model=waveglow         prepare what WaveGlow needs; Tacotron 2 is the default
  tokenizer=..., audio.* how texts are read, and what a mel is

The exit status is 1 if something was left out (data.on_error=skip), and 2 on bad input.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tts.commands.cli import with_training_options
from tts.config import build_object
from tts.training.preflight import check_before_torch

if TYPE_CHECKING:
    from tts.data.features.preparation_report import PreparationReport


def main() -> None:
    """Run ``python -m tts.data.prepare``."""
    with_training_options(prepare_corpus, help_text=__doc__)


def prepare_corpus(config: dict[str, Any]) -> int:
    """Prepare the corpus of a configuration and print a report.

    Args:
        config: resolved, plain containers.

    Returns:
        0, or 1 if something was left out.

    Raises:
        InputError: the message names the file, the row or the setting at fault.
    """
    check_before_torch(config)
    from tts.data.features.preparation_report import print_report_of

    return print_report_of(lambda: _prepare(config))


def _prepare(config: dict[str, Any]) -> PreparationReport:
    from tts.data.features.prepared_corpus import PreparedCorpus

    datamodule = build_object(config["model"]["datamodule"])
    report: PreparationReport = datamodule.prepare()
    # a prepared folder keeps the report of the preparation that made it
    if not isinstance(datamodule.corpus, PreparedCorpus):
        report.save(Path(report.folder))
    return report
