"""Defines the base of callbacks that act in every n-th validation of a training.

The count is in the checkpoints, so a resumed run keeps the rhythm.
"""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.trainer.states import TrainerFn


class ValidationCounter(Callback):
    """Counts the validations of a training, also across resumed runs.

    A validation that a signal interrupts is not counted: the resumed run repeats it.
    """

    _validations = 0
    _unfinished = 0

    def state_dict(self) -> dict[str, Any]:
        """Return the count for the checkpoint."""
        return {"validations": self._validations - self._unfinished}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from the count of a checkpoint."""
        self._validations = state_dict["validations"]

    def count_validation(self, trainer: pl.Trainer) -> int:
        """Count the validation that is ending, and return its number.

        Returns:
            The number, from 1; 0 for the sanity check and for validations outside a training, which
            do not count.
        """
        if trainer.sanity_checking or trainer.state.fn != TrainerFn.FITTING:
            return 0
        self._validations += 1
        self._unfinished = 1
        return self._validations

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note that the validation is finished; checkpoints are saved after this."""
        self._unfinished = 0
