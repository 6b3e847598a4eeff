"""Watch the invertible 1x1 convolutions of WaveGlow lose their inverse.

They begin as rotations, of determinant 1. One whose determinant changes its sign has jumped over
the matrices that have no inverse, which a smooth descent cannot do: the loss is infinite there. The
network goes on (its loss takes the magnitude), but the step was far too large, and NVIDIA's
implementation, whose loss takes the determinant itself, ends in NaN at that point.
"""

from __future__ import annotations

import logging
import math
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback

from tts.core.errors import TrainingError
from tts.core.ranges import check_arguments, legal_arguments
from tts.models.waveglow.flow import InvertibleConv
from tts.training.task import is_logging_step

log = logging.getLogger(__name__)

_ADVICE = ": lower model.optimizer.lr, or clip with trainer.gradient_clip_val"


class DeterminantGuard(Callback):
    """Logs ``train/log_det_min`` and says which flow changed its sign, or comes near zero.

    Looks every ``trainer.log_every_n_steps`` steps: a sign that has changed stays so. Networks
    without invertible convolutions are left alone.

    Args:
        on_sign_change: ``"warn"`` or ``"stop"``.
        near_zero: magnitude below which a determinant is near zero: a warning, once for each flow.

    Raises:
        TrainingError: a sign has changed, and that is to stop the run.
    """

    def __init__(
        self, on_sign_change: Literal["warn", "stop"] = "warn", near_zero: float = 1e-6
    ) -> None:
        check_arguments(locals(), legal_arguments(type(self)), "callbacks.determinant.")
        self.on_sign_change = on_sign_change
        self.near_zero = near_zero
        self._signs: list[float] | None = None
        self._warned: set[int] = set()

    def state_dict(self) -> dict[str, Any]:
        """The signs, so that a change across a resumption is seen."""
        return {"signs": self._signs}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take them up."""
        self._signs = state_dict.get("signs")

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note the signs to begin with."""
        if self._signs is None and (found := _determinants(pl_module)):
            self._signs = found[0]

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Look, when what is logged is written."""
        if not is_logging_step(trainer, trainer.global_step) or not (
            found := _determinants(pl_module)
        ):
            return
        signs, logs = found
        pl_module.log("train/log_det_min", min(logs), rank_zero_only=True)
        before, self._signs = self._signs or signs, signs
        step = trainer.global_step
        for flow, (sign, log_det) in enumerate(zip(signs, logs, strict=True)):
            what = f"flow {flow}, step {step}: the determinant of its 1x1 convolution"
            if sign != before[flow]:
                self._sign_changed(trainer, f"{what} has changed its sign")
            elif log_det < math.log(self.near_zero) and flow not in self._warned:
                self._warned.add(flow)
                _say(trainer, f"{what} is near zero (log|det| {log_det:.1f}){_ADVICE}")

    def _sign_changed(self, trainer: pl.Trainer, what: str) -> None:
        if self.on_sign_change == "stop":
            raise TrainingError(f"{what}; resume from an earlier checkpoint{_ADVICE}")
        _say(trainer, f"{what}{_ADVICE}")


def _determinants(module: pl.LightningModule) -> tuple[list[float], list[float]] | None:
    """Signs and logarithms of the magnitudes, flow by flow, in one copy from the device."""
    mixes = [part.weight.detach() for part in module.modules() if isinstance(part, InvertibleConv)]
    if not mixes:
        return None
    pairs = [torch.stack(torch.linalg.slogdet(weight.float().squeeze(-1))) for weight in mixes]
    signs, logs = torch.stack(pairs, dim=1).tolist()
    return signs, logs


def _say(trainer: pl.Trainer, message: str) -> None:
    if trainer.is_global_zero:
        log.warning(message)
