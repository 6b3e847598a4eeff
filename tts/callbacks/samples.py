"""Shows pictures and sound of a few fixed utterances after validations and at the end of the run.

The task returns tensors (``pl_module.samples(batch, generator)``); this callback turns them into
pictures and sound and gives them to every sink. The utterances are the first of the validation set
and the seed is fixed, so two pictures differ only by what the network learned in between.

A missing picture must not end a night's training: a failure here is logged as a warning, the first
one with its traceback, and training continues. The samples do not influence the training either:
random states and the modes of all modules are restored.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.trainer.states import TrainerFn
from torch import Tensor, nn

from tts.callbacks.media import media_items, sample_vocoder
from tts.callbacks.run_progress import RunProgress
from tts.callbacks.stop_on_signal import is_monitored, leave_validation, until_stopped
from tts.callbacks.validation_counter import ValidationCounter
from tts.core.random_state import isolated_rng
from tts.core.ranges import Count
from tts.inference.synthesizer import GRIFFIN_LIM
from tts.loggers.sinks import sinks_for
from tts.metrics import AlignmentHealth, gate_delay, mean_health

if TYPE_CHECKING:
    from tts.inference.vocoders.griffin_lim import Vocoder
    from tts.training.task_samples import TaskSamples

log = logging.getLogger(__name__)

Health = dict[str, float]

#: Beginnings of the names of the scalars.
_SCALARS = ("val/alignment_", "val/gate_", "val/samples_")
#: Seconds; shares of a shorter run mean little.
_LONG_RUN = 300.0
#: Share of a run that its samples may take without a warning.
_MOST_OF_RUN = 0.1


class LogSamples(ValidationCounter):
    """Renders the samples of a task, on the first process only.

    The loggers get scalars such as ``val/alignment_free_running_coverage``: means of the figures of
    ``tts.metrics.AlignmentHealth`` over the samples, figures of the gate, and the time that the
    samples took. The recordings do not change, so a process writes them once. If the samples take
    more than a tenth of the run, a warning says so, once.

    Args:
        every_n_validations: how often samples are made; they are also made at the end of the run.
        n_samples: number of utterances, from the first validation batch of the first process.
        seed: seed of everything random in the samples.
        folder: folder of the files; ``samples`` under the trainer's root by default.
        vocoder: turns mels into sound: ``"griffin_lim"``, or the path of a WaveGlow.

    Attributes:
        health: the scalars of the last samples.
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

    def metric_names(self, trainer: pl.Trainer, task: pl.LightningModule) -> set[str]:
        """Return the names of all figures."""
        kinds: tuple[str, ...] = getattr(task, "sample_kinds", ())
        figures = [f"alignment_{{}}_{field.name}" for field in fields(AlignmentHealth)]
        figures += ["gate_{}_delay", "gate_{}_fires"]
        named = {f"val/{figure.format(kind)}" for figure in figures for kind in kinds}
        return named | {"val/samples_seconds"}

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Load the vocoder, so that a wrong path shows before the first validation."""
        datamodule: Any = trainer.datamodule  # type: ignore[attr-defined]
        if self._loaded is None and stage == "fit" and trainer.is_global_zero:
            device = trainer.strategy.root_device
            self._loaded = sample_vocoder(self.vocoder, datamodule.mel, device)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock of the run."""
        self._start = time.monotonic()

    def on_validation_batch_start(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep the first utterances of the first validation."""
        if self._batch is None and trainer.is_global_zero and trainer.state.fn == TrainerFn.FITTING:
            self._batch = _head(batch, self.n_samples)

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the samples in every n-th validation."""
        if (count := self.count_validation(trainer)) and count % self.every_n_validations == 0:
            is_needed = is_monitored(trainer, _SCALARS)
            health = self._show(trainer, pl_module, is_needed) if trainer.is_global_zero else {}
            # every process needs the scalars, because the monitored metric may be one of them
            pl_module.log_dict(trainer.strategy.broadcast(health), sync_dist=True)
            leave_validation(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the result, unless a validation has just shown it."""
        if trainer.is_global_zero and self._last_step != trainer.global_step:
            health = self._show(trainer, pl_module)
            for logger in trainer.loggers if health else ():
                # Lightning gives the scalars of the last step the same number
                logger.log_metrics(health, step=trainer.global_step - 1)

    def _show(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, is_needed: bool = False
    ) -> Health:
        """Draw samples, measure and render them until a signal comes; log what failed.

        Args:
            trainer: the trainer of the run.
            pl_module: the task.
            is_needed: whether the run cannot end without the scalars.
        """
        if self._batch is None:
            log.warning("no samples: this run has no validation batch to take them from")
            return {}
        step = self._last_step = trainer.global_step
        began = time.monotonic()
        self.health = {}
        errors: list[Exception] = []

        def draw() -> TaskSamples:
            samples = draw_samples(trainer, pl_module, self._batch, self.seed)
            self.health = sample_health(samples)
            return samples

        with isolated_rng(self.seed), _in_eval_mode(pl_module), _named_on_progress_bar(trainer):
            try:
                if samples := until_stopped(trainer, draw, is_needed):
                    errors += self._render(trainer, samples)
            except Exception as error:
                errors.append(error)
        if errors:
            log.warning(
                "samples of step %d: %d failed, training continues; the first:",
                step,
                len(errors),
                exc_info=errors[0],
            )
        self._report_time(trainer, time.monotonic() - began)
        return self.health

    def _report_time(self, trainer: pl.Trainer, seconds: float) -> None:
        """Log where the first samples are, and warn once if samples take long."""
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
        """Give every item to every sink, and yield the errors."""
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
                yield from item.send(
                    *(sinks, datamodule.mel.sample_rate, trainer.global_step),
                    # making takes long; what is made is written completely
                    call=partial(until_stopped, trainer),
                )
        self._shown = True


@torch.no_grad()
def draw_samples(
    trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, seed: int
) -> TaskSamples:
    """Return the samples that a task makes of a batch with the noise of ``seed``.

    Call it inside ``isolated_rng``: the pre-net's dropout is always on, and in a teacher-forced
    pass it draws from the global generator.
    """
    generator = torch.Generator().manual_seed(seed)
    with trainer.precision_plugin.forward_context():
        samples: TaskSamples = pl_module.samples(batch, generator)  # type: ignore[operator]
    return samples


def _head(batch: Any, n: int) -> Any:
    """Copy the first ``n`` utterances of a batch, a named tuple of tensors and strings."""
    parts = (part[:n].clone() if isinstance(part, Tensor) else part[:n] for part in batch)
    return type(batch)(*parts)


def _symbols(datamodule: Any, batch: Any, index: int) -> list[str] | None:
    """Return the symbols of an utterance; None if the batch has no text."""
    if not hasattr(batch, "text"):
        return None
    table = datamodule.tokenizer.symbols
    return [table[i] for i in batch.text[index, : int(batch.text_lengths[index])].tolist()]


def sample_health(samples: TaskSamples) -> Health:
    """Return the mean figures of each kind of alignment and gate, by their names in the logs."""
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
def _named_on_progress_bar(trainer: pl.Trainer) -> Iterator[None]:
    """Let the progress bar say that samples are made."""
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
    """Switch to evaluation mode, then give every module its former mode back."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training
