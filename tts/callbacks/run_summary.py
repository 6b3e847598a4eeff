"""Prints the last lines of a run: where its files are, and whether attention follows the texts."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ModelCheckpoint

from tts.callbacks.samples import LogSamples
from tts.core.output import print_line

_log = logging.getLogger(__name__)


def print_summary(
    trainer: pl.Trainer,
    output_dir: Path,
    epilogue: str | None,
    tested: Mapping[str, float] = MappingProxyType({}),
) -> None:
    """Print where the files of a finished run are, on the first process.

    Args:
        trainer: the trainer after ``fit``.
        output_dir: the folder of the run.
        epilogue: text that the configuration adds at the end.
        tested: metrics of the test, if there was one.
    """
    if not trainer.is_global_zero:
        return
    lines = [f"finished after {trainer.global_step} steps; in {output_dir}:"]
    checkpoint = trainer.checkpoint_callback
    if isinstance(checkpoint, ModelCheckpoint):
        lines += [f"  best checkpoint  {checkpoint.best_model_path or 'none yet'}"]
        last = checkpoint.last_model_path
        lines += [f"  last checkpoint  {last if last and Path(last).is_file() else 'none yet'}"]
    else:
        lines += ["  checkpoints      none: nothing was saved (callbacks=default saves)"]
    lines += [f"  {line}" for line in _alignment_lines(trainer)]
    if "test/loss" in tested:  # its parts are in the logs
        lines.append(f"  {'test/loss':<15}  {tested['test/loss']:.4f}")
    for name, content in (("samples", "pictures, sound"), ("metrics.csv", "curves")):
        if (output_dir / name).exists():
            lines.append(f"  {content:<15}  {output_dir / name}")
    if epilogue:
        lines += ["", *epilogue.strip().splitlines()]
    print_line(*lines)


def warn_of_unsaved(trainer: pl.Trainer) -> None:
    """Log a warning before a run without a callback that saves checkpoints."""
    saving: list[Any] = trainer.checkpoint_callbacks
    if trainer.is_global_zero and not any(c.save_last or c.save_top_k != 0 for c in saving):
        _log.warning(
            "this run saves no checkpoint, so what it learns is lost at its end; callbacks=default "
            "saves"
        )


def _alignment_lines(trainer: pl.Trainer) -> list[str]:
    """Return which share of the last samples has attention that follows the text."""
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, LogSamples) and callback.health:
            shares = {
                kind: callback.health.get(f"val/alignment_{kind}_follows_text")
                for kind in ("teacher_forced", "free_running")
            }
            return [
                f"alignments that follow the text, {kind.replace('_', ' ')}: {share:.0%}"
                for kind, share in shares.items()
                if share is not None
            ]
    return []
