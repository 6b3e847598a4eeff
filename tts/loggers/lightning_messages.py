"""Silences messages of Lightning that do not help the user."""

from __future__ import annotations

import logging
import warnings

_WARNINGS = (
    # every fit with torch 2.13 warns of Lightning's own code
    r".*isinstance\(treespec, LeafSpec\)` is deprecated",
    # conf/data sets the number of workers; cached mels need few
    r".*does not have many workers",
    # the folder already holds our config.yaml
    r".*Experiment logs directory .* exists and is not empty",
    # small corpora have few batches in an epoch
    r".*The number of training batches \(\d+\) is smaller than the logging interval",
    # our data module makes the dataloader resumable
    r".*your dataloader is not resumable",
    # a run that ends before its first validation has no best checkpoint, only a last one
    r".*could not find the monitored key",
    # a run resumes in its own folder
    r".*Checkpoint directory .* exists and is not empty",
)


def quieten_lightning() -> None:
    """Hide Lightning's advertisements, and the advice that does not apply to this project."""
    for name in ("pytorch_lightning", "lightning.pytorch", "lightning_fabric", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in _WARNINGS:
        warnings.filterwarnings("ignore", message)
