"""Saves the checkpoints of a run: the best after validations, and the last at more moments.

A run resumes from ``last.ckpt``. It is saved after each validation, every so many steps or minutes,
when a signal stops the run, and at its end. The former ``last.ckpt`` becomes ``previous.ckpt``,
in case a disk damages the last. All files are saved between two batches, when the step is logged
and the validation after it, if there is one, is done: see
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

from tts.callbacks.checkpointing.names import LAST, PREVIOUS, UPCOMING
from tts.callbacks.step_boundary import StepBoundaryCallback
from tts.core.files import replacing
from tts.core.ranges import OptionalCount, OptionalTimeout
from tts.runtime.run_folder import mark_saved


class Checkpoint(StepBoundaryCallback, ModelCheckpoint):
    """Saves the best checkpoints as Lightning's ``ModelCheckpoint`` does, and the last by itself.

    Where gradients are accumulated, it saves only when an optimiser step has ended.

    Args:
        every_n_train_steps: save ``last.ckpt`` every so many optimiser steps.
        every_n_minutes: save ``last.ckpt`` when it is older than that.
        **options: options of ``ModelCheckpoint``, which say what the best are.
    """

    def __init__(
        self,
        *,
        every_n_train_steps: OptionalCount = None,
        every_n_minutes: OptionalTimeout = None,
        **options: Any,
    ) -> None:
        # a resumed run overwrites files of the same name, as it writes the same content
        super().__init__(**{"enable_version_counter": False, **options})
        self.every_n_steps = every_n_train_steps or 0
        self.every_n_minutes = every_n_minutes
        self._saved_at = time.monotonic()

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Set the path of the last checkpoint, because every checkpoint contains it."""
        super().setup(trainer, pl_module, stage)
        if self.save_last and self.dirpath is not None:
            self.last_model_path = str(Path(self.dirpath) / LAST)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start to count steps and minutes."""
        super().on_train_start(trainer, pl_module)
        self._saved_at = time.monotonic()

    def is_due(self, trainer: pl.Trainer) -> bool:
        """Return whether so many minutes have passed by this rank's clock."""
        if self.every_n_minutes is None:
            return False
        return time.monotonic() - self._saved_at >= 60 * self.every_n_minutes

    def should_act(self, trainer: pl.Trainer) -> bool:
        """Return whether so many steps have passed."""
        return bool(self.every_n_steps) and trainer.global_step % self.every_n_steps == 0

    def act(self, trainer: pl.Trainer) -> None:
        """Save ``last.ckpt``."""
        self.save_last_now(trainer)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save this state if it is one of the best, and save the last."""
        if self._should_skip_saving_checkpoint(trainer):
            return
        self._save_topk_checkpoint(trainer, self._monitor_candidates(trainer))
        if trainer.fit_loop._should_accumulate():
            self._pending = True
        else:
            self.save_last_now(trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Do nothing: only a validation tells which states are the best."""

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save the last, unless it already contains the last step."""
        if self._last_global_step_saved != trainer.global_step:
            self.save_last_now(trainer)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue the list of the best, unless the checkpoint comes from another folder."""
        if state_dict.get("dirpath") == self.dirpath:
            super().load_state_dict(state_dict)

    def save_last_now(self, trainer: pl.Trainer) -> str | None:
        """Save ``last.ckpt``; all ranks have to call this.

        Returns:
            Its path, or None if this callback saves no last checkpoint.
        """
        self._pending = False
        self._saved_at = time.monotonic()
        if not self.save_last or trainer.fast_dev_run:  # type: ignore[attr-defined]
            return None
        self._save_last_checkpoint(trainer, self._monitor_candidates(trainer))
        return self.last_model_path

    def _save_last_checkpoint(
        self, trainer: pl.Trainer, monitor_candidates: dict[str, Tensor]
    ) -> None:
        """Write ``last.ckpt``, or link it to the best checkpoint that was saved at this step."""
        assert self.dirpath is not None
        last, upcoming = Path(self.dirpath) / LAST, Path(self.dirpath) / UPCOMING
        best = self._last_checkpoint_saved
        is_best = self._last_global_step_saved == trainer.global_step and best in self.best_k_models
        if not is_best:
            trainer.save_checkpoint(upcoming, self.save_weights_only)
        if trainer.is_global_zero:
            if is_best:
                _replace_by(Path(best), upcoming)
            if last.exists():
                _replace_by(last, last.with_name(PREVIOUS))
            os.replace(upcoming, last)
            # a rename does nothing where both names are already one file
            upcoming.unlink(missing_ok=True)
            mark_saved(last.parent)
            for logger in trainer.loggers:
                logger.after_save_checkpoint(proxy(self))
        self._last_global_step_saved = trainer.global_step
        self._last_checkpoint_saved = best if is_best else str(last)
        trainer.strategy.barrier(LAST)


def _replace_by(path: Path, name: Path) -> None:
    """Let ``name`` be the file at ``path`` in one atomic operation; ``path`` stays."""
    with replacing(name) as temporary:
        _link_or_copy(path, temporary)


def _link_or_copy(path: Path, name: Path) -> None:
    """Let ``name`` be the file at ``path``: a hard link where the disk can, otherwise a copy."""
    name.unlink(missing_ok=True)
    try:
        os.link(path, name)
    except OSError:
        shutil.copyfile(path, name)
