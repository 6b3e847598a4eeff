"""Prepare a corpus: what a training does before its first step, and nothing else.

    python -m tts.data.prepare data=ljspeech data.root=/path/LJSpeech-1.1
    python -m tts.data.prepare data=ljspeech data.root=... data.prepared=FOLDER data.trim_db=40
    python train.py data=prepared data.root=FOLDER

It takes the options of train.py. Without data.prepared it fills the cache that a training with the
same options reads; with it, it makes a folder that is trained on without the recordings. Started
again, it does only what has changed. These matter:

  data=..., data.*       the corpus, and what is done to its recordings: docs/data.md
  data.prepared=FOLDER   where to, if not into paths.cache_dir
  data.on_error=skip     leave out what cannot be read, and go on
  data.verify=true       read all recordings again
  model=waveglow         prepare what WaveGlow needs; Tacotron 2 is the default
  tokenizer=..., audio.* how texts are read, and what a mel is

The exit status is 1 if something was left out (data.on_error=skip), and 2 on bad input.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tts.commands.cli import with_training_options
from tts.config.schema import TRAINING, check_values
from tts.core.errors import EXIT_INTERRUPTED


def main() -> None:
    """``python -m tts.data.prepare``."""
    with_training_options(prepare_corpus, said=__doc__)


def prepare_corpus(config: dict[str, Any]) -> int:
    """Prepare the corpus of a configuration and print a report.

    Args:
        config: resolved, plain containers.

    Returns:
        0, or 1 if something was left out.

    Raises:
        InputError: naming the file, the row or the setting at fault.
    """
    check_values(config, TRAINING)
    from hydra.utils import instantiate
    from rich.console import Console

    from tts.data.features.prepared_corpus import PreparedCorpus

    datamodule = instantiate(config["model"]["datamodule"], _convert_="all")
    try:
        report = datamodule.prepare()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; the same command goes on from here\n")
        return EXIT_INTERRUPTED
    if not isinstance(datamodule.corpus, PreparedCorpus):
        report.save(Path(report.folder))
    console = Console(highlight=False)
    console.print(report.table())
    for fault in report.faults():
        console.print(fault, style="red", markup=False, soft_wrap=True)
    return 1 if report.left_out else 0
