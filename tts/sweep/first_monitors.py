"""Checks the monitored metric of a sweep before its first trial, without any data."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.callbacks import Callback, ModelCheckpoint, ProgressBar

from tts.callbacks.metric_names import check_monitors
from tts.config import build_object
from tts.core.random_state import isolated_rng
from tts.loggers.lightning_messages import quieten_lightning
from tts.training.freezing import KeepFrozen

#: Metrics that depend on the device of a trial, which may be on another machine.
_OF_DEVICES = frozenset({"train/memory_device_gb", "train/loss_scale"})
#: Metrics that depend on the file of a warm start, which gives the network its options.
_OF_SOURCES = frozenset({"train/loss_pitch", "val/loss_pitch"})


class _OfTrial(Callback):
    """States the metrics of which only a trial can tell whether they are logged."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names

    def metric_names(self, trainer: pl.Trainer, task: pl.LightningModule) -> frozenset[str]:
        """Return the names."""
        return self._names


def check_first_monitors(config: Mapping[str, Any]) -> None:
    """Build the task and the callbacks of a trial, and refuse a metric that it will not log.

    Args:
        config: the configuration of the trial, resolved, in plain containers.

    Raises:
        InputError: names the key, and metrics that there are.
    """
    quieten_lightning()
    unknown = _OF_DEVICES | (_OF_SOURCES if config["init_from"] is not None else frozenset())
    with isolated_rng(0):
        network = build_object(config["model"]["network"])
        task = build_object(config["model"]["task"], network=network)
        callbacks: list[Callback] = [
            *(KeepFrozen(network, config["freeze"]), _OfTrial(unknown)),
            *(build_object(node) for node in (config["callbacks"] or {}).values() if node),
        ]
    try:
        trainer = _trainer(callbacks)
    except (TypeError, ValueError, MisconfigurationException):
        return  # the trial reports it
    check_monitors(config, trainer, task)


def _trainer(callbacks: list[Callback]) -> pl.Trainer:
    with warnings.catch_warnings():
        # nothing is computed here, so that an idle GPU is no mistake
        warnings.simplefilter("ignore")
        return pl.Trainer(
            accelerator="cpu",
            devices=1,
            callbacks=callbacks,
            logger=False,
            enable_checkpointing=any(isinstance(c, ModelCheckpoint) for c in callbacks),
            enable_progress_bar=any(isinstance(c, ProgressBar) for c in callbacks),
            enable_model_summary=False,
        )
