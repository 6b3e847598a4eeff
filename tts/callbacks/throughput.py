"""Logs figures of a run's health: speed, waiting, padding, memory, gradients, learning rate.

They are written every ``trainer.log_every_n_steps`` steps, as means over the steps since the last
time and over all processes; ``docs/dashboards.md`` explains each of them. In the steps between,
nothing is copied from the GPU and no process waits for another, so the measurement does not slow
down the training.
"""

from __future__ import annotations

import time
from typing import Any, cast

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor
from torch.optim import Optimizer

from tts.callbacks.memory import peak_memory_gb
from tts.training.task import is_logging_step


class Throughput(Callback):
    """Logs the ``train/...`` scalars that are not losses.

    The times leave out validation and the saving of checkpoints. With several processes, work is
    the sum over all, and waiting and memory are those of the worst process.
    """

    def __init__(self) -> None:
        self._reset(0)
        self._counts: dict[str, float] = {}
        self._world_size = 1
        self._gap_start: float | None = None
        self._batch_start = 0.0

    def _reset(self, step: int) -> None:
        self._first_step = step
        self._busy = 0.0
        self._waited = 0.0
        self._work: dict[str, float | Tensor] = {}
        self._gradient_norms: dict[str, Tensor] = {}

    def state_dict(self) -> dict[str, Any]:
        """Return the counts so far, which a resumed run continues.

        For the steps that are not written yet, the other processes are assumed to have counted as
        much as this one.
        """
        unwritten = {name: float(n) * self._world_size for name, n in self._work.items()}
        names = {*self._counts, *unwritten}
        return {"seen": {n: self._counts.get(n, 0.0) + unwritten.get(n, 0.0) for n in names}}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from the counts of a checkpoint."""
        self._counts = dict(state_dict.get("seen", {}))

    def metric_names(self, trainer: pl.Trainer, task: pl.LightningModule) -> set[str]:
        """Return the names of all figures."""
        names = {"data_wait", "steps_per_second", "learning_rate", "gradient_norm"}
        names |= peak_memory_gb(trainer.strategy.root_device).keys()
        parts = getattr(task, "network", task).named_children()
        names |= {
            f"gradient_norm_{name}"
            for name, part in parts
            if any(parameter.requires_grad for parameter in part.parameters())
        }
        if getattr(trainer.precision_plugin, "scaler", None) is not None:
            names.add("loss_scale")
        reads_text = bool(getattr(task, "sample_kinds", ()))
        work = "frames" if reads_text else "samples"
        names |= {f"{work}_per_second", f"{work}_seen", *(["padding"] if reads_text else [])}
        return {f"train/{name}" for name in names}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin to measure; the run may be a resumed one, or not the first of this process."""
        self._reset(trainer.global_step)
        self._world_size = trainer.world_size
        self._gap_start = None

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """End the time of waiting for a batch."""
        now = time.perf_counter()
        if self._gap_start is not None:
            self._waited += now - self._gap_start
            self._busy += now - self._gap_start
        self._batch_start = now

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Optimizer
    ) -> None:
        """Measure the gradient here, where it is complete, unscaled and not yet clipped."""
        if is_logging_step(trainer, trainer.global_step + 1):
            self._gradient_norms = gradient_norms(pl_module)

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Count the batch, and write the figures in a logging step."""
        for name, amount in _work(batch).items():
            self._work[name] = self._work.get(name, 0) + amount
        self._busy += time.perf_counter() - self._batch_start
        # there are norms exactly if this batch ended a logging step
        if self._gradient_norms:
            pl_module.log_dict(self._figures(trainer, pl_module), on_epoch=False)
            self._reset(trainer.global_step)
        self._gap_start = time.perf_counter()

    def _figures(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> dict[str, float]:
        busy, steps = max(self._busy, 1e-9), trainer.global_step - self._first_step
        work = _combine_ranks(self._work, pl_module, sum)
        figures = _combine_ranks(
            {"data_wait": self._waited / busy, **peak_memory_gb(pl_module.device)}, pl_module, max
        )
        figures["steps_per_second"] = steps / busy
        for name, amount in work.items():
            self._counts[name] = self._counts.get(name, 0.0) + amount
        for name in (name for name in ("frames", "samples") if name in work):
            figures[f"{name}_per_second"] = work[name] / busy
            figures[f"{name}_seen"] = self._counts[name]
        if padded := work.get("padded_frames"):
            figures["padding"] = 1.0 - work["frames"] / padded
        figures["learning_rate"] = float(trainer.optimizers[0].param_groups[0]["lr"])
        figures |= {name: float(norm) for name, norm in self._gradient_norms.items()}
        if (scaler := getattr(trainer.precision_plugin, "scaler", None)) is not None:
            figures["loss_scale"] = float(scaler.get_scale())
        return {f"train/{name}": value for name, value in figures.items()}

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Leave validation out of the waiting time."""
        self._gap_start = None

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Leave the saving of a checkpoint out of the waiting time."""
        self._gap_start = None


def gradient_norms(module: pl.LightningModule) -> dict[str, Tensor]:
    """Return L2 norms of the gradient: of the whole network and of each of its parts.

    The parts are the children of ``module.network``: encoder, decoder, post-net and so on.

    Returns:
        Scalar tensors by name: ``gradient_norm``, and ``gradient_norm_<part>``.
    """
    network = getattr(module, "network", module)
    norms = {}
    for name, part in network.named_children():
        gradients = [p.grad for p in part.parameters() if p.grad is not None]
        if gradients:
            norms[f"gradient_norm_{name}"] = torch.nn.utils.get_total_norm(gradients)
    return {"gradient_norm": total_norm(module), **norms}


def total_norm(module: pl.LightningModule) -> Tensor:
    """Return the L2 norm of the whole gradient, a scalar on the device."""
    gradients = [p.grad for p in module.parameters() if p.grad is not None]
    return torch.nn.utils.get_total_norm(gradients)


def _combine_ranks(
    figures: dict[str, Any], module: pl.LightningModule, combine: Any
) -> dict[str, float]:
    """Combine the figures of all processes by ``sum`` or ``max``."""
    if module.trainer.world_size == 1:
        return {name: float(value) for name, value in figures.items()}
    # float32 is exact up to 2^24, and the sums of a few steps are far smaller
    values = torch.stack(
        [torch.as_tensor(v, dtype=torch.float32, device=module.device) for v in figures.values()]
    )
    gathered = cast(Tensor, module.all_gather(values)).tolist()  # (world_size, n)
    return {
        n: combine(column) for n, column in zip(figures, zip(*gathered, strict=True), strict=True)
    }


def _work(batch: Any) -> dict[str, float | Tensor]:
    """Return the amount of work in a batch, without a copy from the GPU."""
    if hasattr(batch, "mel_lengths"):
        padded = batch.mel.shape[0] * batch.mel.shape[2]
        return {"frames": batch.mel_lengths.sum(), "padded_frames": padded}
    if hasattr(batch, "wave"):
        return {"samples": batch.wave.numel()}
    return {}
