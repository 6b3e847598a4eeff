"""Writes the configuration and the facts of a run to every logger and into the run's folder."""

from __future__ import annotations

import json
import logging
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import TensorBoardLogger

import tts
from tts.data.features.corpus_table import PARTS
from tts.loggers.builders import describe_in_tensorboard, rewind_tensorboard
from tts.loggers.csv_logger import CSVLogger

log = logging.getLogger(__name__)


class LogConfig(Callback):
    """Gives the loggers the configuration when the corpus is ready, and writes ``facts.json``.

    Loggers get the configuration as hyper-parameters, with the facts under ``facts``: name and
    fingerprint of the corpus, number of parameters, revision of git, devices and versions.

    Args:
        config: the resolved configuration, in plain containers.
        folder: the folder of ``facts.json``.
    """

    def __init__(self, config: Mapping[str, Any], folder: str | Path) -> None:
        self.config = config
        self.folder = Path(folder)

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write configuration and facts."""
        if not trainer.is_global_zero:
            return
        facts = run_facts(trainer, pl_module)
        described = {**self.config, "facts": facts}
        for logger in trainer.loggers:
            logger.log_hyperparams(described)
            if isinstance(logger, TensorBoardLogger):
                describe_in_tensorboard(logger, described, str(self.config["monitor"]))
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "facts.json").write_text(json.dumps(facts, indent=1) + "\n")
        log.info("%s: %s parameters", facts["network"], f"{facts['parameters']:,}")

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Remove the logged values of later steps: they are from a run that was killed."""
        for logger in trainer.loggers:
            if isinstance(logger, CSVLogger):
                logger.rewind(trainer.global_step)
            elif isinstance(logger, TensorBoardLogger) and trainer.is_global_zero:
                rewind_tensorboard(logger, trainer.global_step)


def run_facts(trainer: pl.Trainer, pl_module: Any) -> dict[str, Any]:
    """Return the facts of a run that its configuration does not hold."""
    datamodule: Any = trainer.datamodule  # type: ignore[attr-defined]
    return {
        "corpus": datamodule.corpus.name,
        "corpus_fingerprint": datamodule.corpus.fingerprint(),
        **corpus_sizes(datamodule.opened),
        "network": type(pl_module.network).__name__,
        "parameters": sum(p.numel() for p in pl_module.network.parameters()),
        "git": git_revision(),
        "processes": trainer.world_size,
        "device": pl_module.device.type,
        "python": platform.python_version(),
        "tacoglow": tts.__version__,
        **{name: version(name) for name in ("torch", "pytorch-lightning", "numpy")},
    }


def corpus_sizes(prepared: Any) -> dict[str, Any]:
    """Return the number of utterances of each part of a prepared corpus, and the hours of all."""
    parts = {part: prepared.part(part) for part in PARTS}
    seconds = sum(float(prepared.seconds(rows).sum()) for rows in parts.values())
    counts = {part: len(rows) for part, rows in parts.items()}
    return {"utterances": counts, "hours": round(seconds / 3600, 4)}


def git_revision() -> str | None:
    """Return the git revision of the code that runs; None if it is no checkout."""
    here = Path(__file__).parent
    command = ["git", "-C", str(here), "describe", "--always", "--dirty"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return run.stdout.strip() or None
