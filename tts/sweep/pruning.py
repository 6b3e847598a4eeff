"""Reports the validations of a trial to its Optuna study, and ends a hopeless trial.

The callback uses the study's database. So the trial may run anywhere: in the process of the sweep,
in another process, as one of several ranks, or on another machine.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
from hydra.utils import instantiate
from pytorch_lightning.callbacks import Callback

from tts.callbacks.validation_counter import ValidationCounter
from tts.core.errors import one_line
from tts.sweep.optuna_search import PRUNED
from tts.sweep.storage import import_optuna, open_storage, study_name

if TYPE_CHECKING:
    from optuna.trial import Trial

log = logging.getLogger(__name__)


class PruneTrial(ValidationCounter):
    """Reports the monitored metric after each validation, and stops a hopeless trial.

    If the database cannot be reached, the callback warns and skips the report; training continues.

    Args:
        number: number of the trial.
        monitor: name of the metric.
        folder: folder of the sweep.
        pruner: configuration of the pruner for ``hydra.utils.instantiate``.
        storage: see :func:`tts.sweep.storage.open_storage`.
        study: name of the study in a storage of several.
    """

    def __init__(
        self,
        number: int,
        monitor: str,
        folder: str | Path,
        pruner: Mapping[str, Any],
        storage: str | None = None,
        study: str | None = None,
    ) -> None:
        self.number, self.monitor, self.folder = number, monitor, Path(folder)
        self.pruner, self.storage, self.study = pruner, storage, study
        self._trial: Trial | None = None

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Report from the first process, and stop all processes of a hopeless trial."""
        counted = self.count_validation(trainer)
        super().on_validation_end(trainer, pl_module)
        if not counted:
            return
        is_hopeless = trainer.is_global_zero and self._report(trainer)
        if trainer.strategy.broadcast(is_hopeless):
            log.info("trial %d is hopeless at step %d: pruned", self.number, trainer.global_step)
            trainer.should_stop = True

    def _report(self, trainer: pl.Trainer) -> bool:
        value = trainer.callback_metrics.get(self.monitor)
        if value is None or not math.isfinite(value):
            return False
        try:
            trial = self._trial = self._trial or self._open()
            reported = trial.study.get_trials(deepcopy=False)[self.number].intermediate_values
            if self._validations not in reported:
                trial.report(float(value), step=self._validations)
            if not trial.should_prune():
                return False
            trial.set_user_attr(PRUNED, True)
        except Exception as error:
            log.warning("trial %d could not report: %s", self.number, one_line(error))
            return False
        return True

    def _open(self) -> Trial:
        """Open this trial in the present state of its study."""
        optuna = import_optuna()
        study = optuna.load_study(
            study_name=study_name(self.storage, self.study),
            storage=open_storage(self.storage, self.folder),
            pruner=instantiate(dict(self.pruner), _convert_="all"),
        )
        frozen = study.get_trials(deepcopy=False)[self.number]
        trial: Trial = optuna.trial.Trial(study, frozen._trial_id)
        return trial


def trial_callbacks(config: Mapping[str, Any], output_dir: Path) -> list[Callback]:
    """Return the callbacks of a trial: one if the search of its sweep can prune, none otherwise."""
    sweep = config.get("sweep") or {}
    if sweep.get("trial") is None or not sweep.get("pruner"):
        return []
    return [
        PruneTrial(
            number=sweep["trial"],
            monitor=config["monitor"],
            folder=output_dir.parent,
            pruner=sweep["pruner"],
            storage=sweep["storage"],
            study=sweep["study"],
        )
    ]
