"""Watches whether the invertible 1x1 convolutions of WaveGlow lose their inverse.

They begin as rotations, with determinant 1. If a determinant changes its sign, a step has jumped
over the matrices without an inverse. A smooth descent cannot do that, because the loss is infinite
there. Training can continue, as our loss takes the magnitude of the determinant, but the step was
far too large. In NVIDIA's implementation, whose loss takes the determinant itself, the loss becomes
NaN at that point.
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
    """Logs ``train/log_det_min``, and reports flows whose determinant changes sign or nears zero.

    It looks every ``trainer.log_every_n_steps`` steps, because a changed sign does not change back
    by itself. It does nothing for networks without invertible convolutions.

    Args:
        on_sign_change: ``"warn"`` or ``"stop"``.
        near_zero: magnitude of a determinant below which there is a warning, once for each flow.

    Raises:
        InputError: `on_sign_change` is something else.
        TrainingError: a sign has changed, and `on_sign_change` is ``"stop"``.
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
        """Return the signs, so that a resumed run sees a change too."""
        return {"signs": self._signs}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue with the signs of a checkpoint."""
        self._signs = state_dict.get("signs")

    def metric_names(self, trainer: pl.Trainer, task: pl.LightningModule) -> set[str]:
        """Return the name of the figure, for a network with invertible convolutions."""
        has_flows = any(isinstance(part, InvertibleConv) for part in task.modules())
        return {"train/log_det_min"} if has_flows else set()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note the first signs."""
        if self._signs is None and (determinants := _determinants(pl_module)):
            self._signs = determinants[0]

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Compare signs and magnitudes in a logging step."""
        if not is_logging_step(trainer, trainer.global_step):
            return
        if (determinants := _determinants(pl_module)) is None:
            return
        signs, logs = determinants
        pl_module.log("train/log_det_min", min(logs), rank_zero_only=True)
        before, self._signs = self._signs or signs, signs
        step = trainer.global_step
        for flow, (sign, log_det) in enumerate(zip(signs, logs, strict=True)):
            subject = f"flow {flow}, step {step}: the determinant of its 1x1 convolution"
            if sign != before[flow]:
                self._report_sign(trainer, f"{subject} has changed its sign")
            elif log_det < math.log(self.near_zero) and flow not in self._warned:
                self._warned.add(flow)
                _warn(trainer, f"{subject} is near zero (log|det| {log_det:.1f}){_ADVICE}")

    def _report_sign(self, trainer: pl.Trainer, message: str) -> None:
        if self.on_sign_change == "stop":
            raise TrainingError(f"{message}; resume from an earlier checkpoint{_ADVICE}")
        _warn(trainer, f"{message}{_ADVICE}")


def _determinants(module: pl.LightningModule) -> tuple[list[float], list[float]] | None:
    """Return signs and log magnitudes of all flows, with one copy from the device."""
    mixes = [part.weight.detach() for part in module.modules() if isinstance(part, InvertibleConv)]
    if not mixes:
        return None
    pairs = [torch.stack(torch.linalg.slogdet(weight.float().squeeze(-1))) for weight in mixes]
    signs, logs = torch.stack(pairs, dim=1).tolist()
    return signs, logs


def _warn(trainer: pl.Trainer, message: str) -> None:
    if trainer.is_global_zero:
        log.warning(message)
