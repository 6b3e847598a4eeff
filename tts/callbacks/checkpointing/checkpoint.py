"""Checkpoints of a run: the best after validations, and the last, as often as one likes.

``last.ckpt`` is where a run goes on from. It is saved after each validation, every so many steps or
minutes, when the run is asked to stop, and at its end; what it was before is ``previous.ckpt``, for
the day on which a disk damages the last. Everything is saved between two batches, when the step is
logged and the validation after it, if there is one, is done: see
``tts.callbacks.checkpointing.resume_point``.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any
from weakref import proxy

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import Tensor

from tts.callbacks.step_boundary import StepBoundaryCallback
from tts.core.files import replacing
from tts.core.ranges import OptionalCount, OptionalPositive

PREVIOUS = "previous.ckpt"


class Checkpoint(StepBoundaryCallback, ModelCheckpoint):
    """Lightning's ``ModelCheckpoint`` for the best; the last is ours.

    With accumulated gradients checkpoints are saved where an optimiser's step ends.

    Args:
        every_n_train_steps: save ``last.ckpt`` every so many steps of the optimiser.
        every_n_minutes: save ``last.ckpt`` when it is older than that.
        **options: of ``ModelCheckpoint``: what is kept as the best.
    """

    def __init__(
        self,
        *,
        every_n_train_steps: OptionalCount = None,
        every_n_minutes: OptionalPositive = None,
        **options: Any,
    ) -> None:
        # names that a resumed run writes again are written over
        super().__init__(**{"enable_version_counter": False, **options})
        self.every_n_steps = every_n_train_steps or 0
        self.every_n_minutes = every_n_minutes
        self._saved_at = time.monotonic()

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Know from the beginning what the last is called: every checkpoint says it."""
        super().setup(trainer, pl_module, stage)
        if self.save_last and self.dirpath is not None:
            self.last_model_path = str(Path(self.dirpath) / "last.ckpt")

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start counting."""
        super().on_train_start(trainer, pl_module)
        self._saved_at = time.monotonic()

    def is_time(self, trainer: pl.Trainer) -> bool:
        """Every so many steps or minutes."""
        if self.every_n_steps and trainer.global_step % self.every_n_steps == 0:
            return True
        if self.every_n_minutes is None:
            return False
        # clocks differ: what one rank decides is done by all
        due = time.monotonic() - self._saved_at >= 60 * self.every_n_minutes
        return bool(trainer.strategy.reduce_boolean_decision(due, all=False))

    def act(self, trainer: pl.Trainer) -> None:
        """Save the last."""
        self.save_last_now(trainer)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save the best, if this is one of them, and the last."""
        if self._should_skip_saving_checkpoint(trainer):
            return
        self._save_topk_checkpoint(trainer, self._monitor_candidates(trainer))
        if trainer.fit_loop._should_accumulate():
            self._due = True
        else:
            self.save_last_now(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Nothing: the best are those that were validated."""

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save the last unless the last step is in it already."""
        if self._last_global_step_saved != trainer.global_step:
            self.save_last_now(trainer)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the best, unless they are of another folder: here they are counted afresh."""
        if state_dict.get("dirpath") == self.dirpath:
            super().load_state_dict(state_dict)

    def save_last_now(self, trainer: pl.Trainer) -> str | None:
        """Save ``last.ckpt``, on all ranks; returns its path, if this callback keeps one."""
        self._due = False
        self._saved_at = time.monotonic()
        if not self.save_last or trainer.fast_dev_run:  # type: ignore[attr-defined]
            return None
        self._save_last_checkpoint(trainer, self._monitor_candidates(trainer))
        return self.last_model_path

    def _save_last_checkpoint(
        self, trainer: pl.Trainer, monitor_candidates: dict[str, Tensor]
    ) -> None:
        """Write the file or, if one of the best was saved at this very step, give it a name."""
        assert self.dirpath is not None
        last, coming = Path(self.dirpath) / "last.ckpt", Path(self.dirpath) / "next.ckpt"
        best = self._last_checkpoint_saved
        same = self._last_global_step_saved == trainer.global_step and best in self.best_k_models
        if not same:
            trainer.save_checkpoint(coming, self.save_weights_only)
        if trainer.is_global_zero:
            if same:
                _same_file(Path(best), coming)
            if last.exists():
                _become(last, last.with_name(PREVIOUS))
            os.replace(coming, last)
            # where both were one file already, a rename does nothing
            coming.unlink(missing_ok=True)
            for logger in trainer.loggers:
                logger.after_save_checkpoint(proxy(self))
        self._last_global_step_saved = trainer.global_step
        self._last_checkpoint_saved = best if same else str(last)
        trainer.strategy.barrier("last.ckpt")


def _become(path: Path, name: Path) -> None:
    """Let ``name`` be the file at ``path`` from one moment to the next; ``path`` stays."""
    with replacing(name) as temporary:
        _same_file(path, temporary)


def _same_file(path: Path, name: Path) -> None:
    """Let ``name`` be the file at ``path``, at the price of a name where the disk can do that."""
    name.unlink(missing_ok=True)
    try:
        os.link(path, name)
    except OSError:
        shutil.copyfile(path, name)
