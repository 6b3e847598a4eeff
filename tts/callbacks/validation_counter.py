"""``ValidationCounter``: which validation of the training this is, also in a run that goes on."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.trainer.states import TrainerFn


class ValidationCounter(Callback):
    """Keeps the count in checkpoints, so that a resumed run keeps the rhythm."""

    _validations = 0

    def state_dict(self) -> dict[str, Any]:
        """Count of validations."""
        return {"validations": self._validations}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the count."""
        self._validations = state_dict["validations"]

    def counted(self, trainer: pl.Trainer) -> int:
        """Count the validation that is ending: its number, from 1; 0 for one outside training."""
        if trainer.sanity_checking or trainer.state.fn != TrainerFn.FITTING:
            return 0
        self._validations += 1
        return self._validations
