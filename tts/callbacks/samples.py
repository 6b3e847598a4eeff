"""Pictures and sound of a few fixed utterances, at the end of validations and of the run.

The task gives tensors (``pl_module.samples(batch, generator)``), this callback makes pictures and
sound of them and hands them to every sink. The utterances are the first of the validation set and
the seed is fixed, so that two pictures differ only by what was learned in between.

A night's training must not end for want of a picture: what fails here is logged as a warning, the
first failure with its traceback, and training goes on. Nor does training notice: random states and
the modes of all modules are put back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.trainer.states import TrainerFn
from torch import Tensor, nn

from tts.callbacks.media import GRIFFIN_LIM, media_items, sample_vocoder
from tts.callbacks.progress import RunProgress
from tts.callbacks.validation_counter import ValidationCounter
from tts.core.random_state import isolated_rng
from tts.core.ranges import Count
from tts.loggers.sinks import sinks_for
from tts.metrics import gate_delay, mean_health

if TYPE_CHECKING:
    from tts.inference.vocoders.griffin_lim import Vocoder
    from tts.training.task_samples import TaskSamples

log = logging.getLogger(__name__)

Health = dict[str, float]

_LONG_RUN = 300.0  # seconds; before that, shares mean little
_MOST_OF_RUN = 0.1


class LogSamples(ValidationCounter):
    """Renders what a task has to show, on the first process only.

    Scalars go to the loggers as ``val/alignment_free_running_coverage`` and so on, means over the
    samples of the figures of ``tts.evaluation.AlignmentHealth``, with those of the gate and with
    the time that all this took. The recordings themselves, which do not change, are written once
    in a process. A run whose samples take more than a tenth of its time is told so, once.

    Args:
        every_n_validations: how often, besides the end of the run.
        n_samples: utterances, from the first validation batch of the first process.
        seed: of everything random in the samples.
        folder: where the files go; ``samples`` under the trainer's root by default.
        vocoder: what makes sound of mels: ``"griffin_lim"``, or the path of a WaveGlow.

    Attributes:
        health: the scalars of the last time, for whoever wants to know.
    """

    def __init__(
        self,
        every_n_validations: Count = 1,
        n_samples: Count = 2,
        seed: int = 0,
        folder: str | Path | None = None,
        vocoder: str | Path = GRIFFIN_LIM,
    ) -> None:
        self.every_n_validations = every_n_validations
        self.n_samples = n_samples
        self.seed = seed
        self.folder = folder
        self.vocoder = vocoder
        self.health: Health = {}
        self._batch: Any = None
        self._last_step = -1
        self._loaded: Vocoder | None = None
        self._shown = False
        self._seconds = 0.0
        self._start: float | None = None

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Load the vocoder: a wrong path should not wait for the first validation."""
        datamodule: Any = trainer.datamodule  # type: ignore[attr-defined]
        if self._loaded is None and stage == "fit" and trainer.is_global_zero:
            device = trainer.strategy.root_device
            self._loaded = sample_vocoder(self.vocoder, datamodule.mel, device)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        self._start = time.monotonic()

    def on_validation_batch_start(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep the first utterances that are ever validated."""
        if self._batch is None and trainer.is_global_zero and trainer.state.fn == TrainerFn.FITTING:
            self._batch = _head(batch, self.n_samples)

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show, every n validations."""
        if (count := self.counted(trainer)) and count % self.every_n_validations == 0:
            health = self._show(trainer, pl_module) if trainer.is_global_zero else {}
            # every process knows the scalars, so that they can be monitored
            pl_module.log_dict(trainer.strategy.broadcast(health), sync_dist=True)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the result, unless a validation has just done so."""
        if trainer.is_global_zero and self._last_step != trainer.global_step:
            health = self._show(trainer, pl_module)
            for logger in trainer.loggers if health else ():
                # numbered as Lightning numbers what the last step logs
                logger.log_metrics(health, step=trainer.global_step - 1)

    def _show(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> Health:
        """Sample, measure and render; says what failed, and never raises."""
        if self._batch is None:
            log.warning("no samples: this run has no validation batch to take them from")
            return {}
        step = self._last_step = trainer.global_step
        began = time.monotonic()
        self.health = {}
        errors: list[Exception] = []
        with isolated_rng(self.seed), _in_eval_mode(pl_module), _told(trainer):
            try:
                samples = draw_samples(trainer, pl_module, self._batch, self.seed)
                self.health = sample_health(samples)
                errors += self._render(trainer, samples)
            except Exception as error:
                errors.append(error)
        if errors:
            log.warning(
                "samples of step %d: %d failed, training goes on; the first:",
                step,
                len(errors),
                exc_info=errors[0],
            )
        self._account(trainer, time.monotonic() - began)
        return self.health

    def _account(self, trainer: pl.Trainer, seconds: float) -> None:
        """Say where the first samples are, and once if samples take long."""
        self.health["val/samples_seconds"] = seconds
        if self._seconds == 0.0:
            log.info("pictures and sound of samples: %s", self._folder(trainer))
        before, self._seconds = self._seconds, self._seconds + seconds
        run = time.monotonic() - (self._start or time.monotonic())
        if run > _LONG_RUN and self._seconds > _MOST_OF_RUN * run and before <= _MOST_OF_RUN * run:
            log.warning(
                "samples have taken %.0f%% of the run so far: raise "
                "callbacks.samples.every_n_validations, or fewer n_samples",
                100 * self._seconds / run,
            )

    def _folder(self, trainer: pl.Trainer) -> Path:
        return Path(self.folder or Path(trainer.default_root_dir) / "samples")

    def _render(self, trainer: pl.Trainer, samples: TaskSamples) -> Iterator[Exception]:
        """Hand every item to every sink; yields what went wrong."""
        datamodule: Any = trainer.datamodule  # type: ignore[attr-defined]
        sinks = sinks_for(trainer.loggers, self._folder(trainer))
        assert self._loaded is not None
        for index in range(len(samples.names)):
            symbols = _symbols(datamodule, self._batch, index)
            for item in media_items(
                samples, index, datamodule.mel, symbols, self.seed, self._loaded
            ):
                if self._shown and item.constant:
                    continue
                yield from item.send(sinks, datamodule.mel.sample_rate, trainer.global_step)
        self._shown = True


@torch.no_grad()
def draw_samples(
    trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, seed: int
) -> TaskSamples:
    """What a task has to show of a batch, drawn from ``seed``; call it inside ``isolated_rng``.

    The pre-net's dropout is always on; in a teacher-forced pass it draws from the global generator.
    """
    generator = torch.Generator().manual_seed(seed)
    with trainer.precision_plugin.forward_context():
        samples: TaskSamples = pl_module.samples(batch, generator)  # type: ignore[operator]
    return samples


def _head(batch: Any, n: int) -> Any:
    """The first utterances of a named tuple of tensors and strings, in memory of their own."""
    parts = (part[:n].clone() if isinstance(part, Tensor) else part[:n] for part in batch)
    return type(batch)(*parts)


def _symbols(datamodule: Any, batch: Any, index: int) -> list[str] | None:
    """What was read, symbol by symbol, if there is text."""
    if not hasattr(batch, "text"):
        return None
    table = datamodule.tokenizer.symbols
    return [table[i] for i in batch.text[index, : int(batch.text_lengths[index])].tolist()]


def sample_health(samples: TaskSamples) -> Health:
    """Mean figures of each kind of alignment and gate, under the names that loggers get."""
    scalars: Health = {}
    for kind, alignments in samples.alignments.items():
        figures = mean_health(alignments)
        scalars |= {f"val/alignment_{kind}_{name}": value for name, value in figures.items()}
    targets = [mel.shape[-1] for mel in samples.mels.get("target", ())]
    for kind, gates in samples.gates.items():
        if not targets:
            continue
        results = [gate_delay(gate, n) for gate, n in zip(gates, targets, strict=True)]
        scalars[f"val/gate_{kind}_delay"] = sum(delay for delay, _ in results) / len(results)
        scalars[f"val/gate_{kind}_fires"] = sum(fires for _, fires in results) / len(results)
    return scalars


@contextmanager
def _told(trainer: pl.Trainer) -> Iterator[None]:
    """Let the progress bar say what the run is doing."""
    bar = trainer.progress_bar_callback
    if isinstance(bar, RunProgress):
        bar.begin("samples")
    try:
        yield
    finally:
        if isinstance(bar, RunProgress):
            bar.end()


@contextmanager
def _in_eval_mode(module: nn.Module) -> Iterator[None]:
    """Evaluate, then give every module the mode that it had."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training
