"""Tests the best checkpoint of a run on the test list of its corpus, after the training."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback, ModelCheckpoint

from tts.core.errors import InputError
from tts.core.progress import announced


class FinalTest(Callback):
    """Says whether the run is tested after the training (:func:`run_final_test`).

    Args:
        is_wanted: whether it is tested.
    """

    def __init__(self, is_wanted: bool) -> None:
        self.is_wanted = is_wanted

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Look at the corpus, which is prepared now, before the first step.

        Raises:
            InputError: there is no utterance to test on.
        """
        datamodule: Any = trainer.datamodule  # type: ignore[attr-defined]
        if self.is_wanted and stage == "fit" and not len(datamodule.opened.part("test")):
            raise InputError(
                f"test=true: {datamodule.corpus.name} has no test list; set "
                "data.test_fraction=0.05 (or data.test=FILE with data=filelist), or test=false"
            )


def run_final_test(trainer: pl.Trainer) -> dict[str, float]:
    """Compute the loss on the test list, log it as ``test/loss`` and its parts, and return these.

    The weights are those of the best checkpoint; of the last one if none was the best; or those in
    memory if the run has saved nothing.

    Args:
        trainer: the trainer after ``fit``.

    Returns:
        The metrics; none where :class:`FinalTest` is not wanted.
    """
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    if not any(isinstance(c, FinalTest) and c.is_wanted for c in callbacks):
        return {}
    saved, path = trainer.checkpoint_callback, None
    if isinstance(saved, ModelCheckpoint):
        path = saved.best_model_path or saved.last_model_path or None
    task, data = trainer.lightning_module, trainer.datamodule  # type: ignore[attr-defined]
    with announced("testing"):
        results = trainer.test(
            task, datamodule=data, ckpt_path=path, verbose=False, weights_only=True
        )
    return {name: float(value) for result in results for name, value in result.items()}
