"""Trains a network: this recipe builds every object of a run, in the order of its lines."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException
from omegaconf import OmegaConf
from pytorch_lightning.callbacks import Callback, ModelCheckpoint, ProgressBar
from pytorch_lightning.loggers import Logger
from pytorch_lightning.profilers import (
    AdvancedProfiler,
    Profiler,
    PyTorchProfiler,
    SimpleProfiler,
)
from pytorch_lightning.strategies import DDPStrategy
from torch import nn

from tts.callbacks import (
    CurrentBatch,
    DescribeCheckpoint,
    FinalValidation,
    KeepResumePoint,
    LogConfig,
    MemoryEstimate,
    RandomState,
    ReportSkipped,
    StopOnSignal,
)
from tts.callbacks.checkpointing.checkpoint_io import AtomicCheckpointIO
from tts.callbacks.checkpointing.resume_source import check_resumable, find_resume_source
from tts.callbacks.final_test import FinalTest, run_final_test
from tts.callbacks.metric_names import check_monitors
from tts.callbacks.progress import fit_announced
from tts.callbacks.run_summary import print_summary, warn_of_unsaved
from tts.config import build_object
from tts.config.literals import literal_values
from tts.config.overrides import save_overrides
from tts.core.errors import InputError, one_line
from tts.core.output import print_line
from tts.core.progress import announced
from tts.core.ranks import is_first_rank
from tts.core.signals import StopSignals
from tts.loggers.builders import finish_wandb, open_loggers
from tts.loggers.lightning_messages import quieten_lightning
from tts.runtime.devices import resolve_devices, world_size
from tts.runtime.launch import launch
from tts.runtime.run_folder import mark_job, only_process
from tts.sweep.pruning import trial_callbacks
from tts.training.compiled_couplings import CompileCouplings
from tts.training.device_options import ddp_options, settle_device_options
from tts.training.failures import explain_failures
from tts.training.freezing import KeepFrozen
from tts.training.lr_scaling import scaled_optimizer
from tts.training.norm_statistics import OwnNorms
from tts.training.preflight import check_before_torch
from tts.training.task import check_optimizer
from tts.training.warm_start import warm_start_run

log = logging.getLogger(__name__)


def run_training(
    config: dict[str, Any], output_dir: Path, overrides: Sequence[str] | None = None
) -> dict[str, float]:
    """Check a configuration, find its checkpoint, and train on the devices that it asks for.

    Args:
        config: the resolved configuration in plain containers, see ``conf/train.yaml``.
        output_dir: the folder of this run.
        overrides: the options that ``config`` was composed from, see `train`.

    Returns:
        The last value of every metric.

    Raises:
        InputError: a value is not legal, or data or devices are unsuitable.
        TrainingError: the run cannot continue.
        RunStopped: a signal stopped the run; the last step is saved.
    """
    check_before_torch(config)
    if config["ckpt_path"] is not None:
        resume = find_resume_source(config, output_dir)
        if resume.finished is not None:
            if is_first_rank():
                print_line(f"nothing to do: {resume.path} has reached {resume.finished}")
            return resume.metrics
        config = {**config, "ckpt_path": str(resume.path)}
    return launch(train, config, output_dir, overrides)


@announced("preparing the training")
def train(
    config: dict[str, Any], output_dir: Path, overrides: Sequence[str] | None = None
) -> dict[str, float]:
    """Run one training in this process.

    Args:
        config: the resolved configuration in plain containers, see ``conf/train.yaml``; its
            ``ckpt_path`` is a file or None.
        output_dir: the folder of everything that the run writes.
        overrides: the options that ``config`` was composed from. They are saved for
            ``ckpt_path=last`` only when the run is accepted, so refused options are not kept.

    Returns:
        The last value of every metric.

    Raises:
        InputError: the configuration or the data has an error that the user can correct.
        TrainingError: the run cannot continue.
        RunStopped: a signal stopped the run; the last step is saved.
    """
    quieten_lightning()
    config, settled = settle_device_options(config)
    ckpt_path = None if config["ckpt_path"] is None else Path(config["ckpt_path"])
    pl.seed_everything(config["seed"], workers=True, verbose=False)
    torch.set_float32_matmul_precision(config["matmul_precision"])

    datamodule = build_object(config["model"]["datamodule"])
    network = build_object(config["model"]["network"])
    if ckpt_path is None:
        warm_start_run(config, network, datamodule)
    frozen = KeepFrozen(network, config["freeze"])
    optimizer, rate_message = scaled_optimizer(config, world_size(config["trainer"]))
    task = build_object({**config["model"]["task"], "optimizer": optimizer}, network=network)
    check_optimizer(task)
    if ckpt_path is not None:
        check_resumable(ckpt_path, network, datamodule.mel, getattr(datamodule, "tokenizer", None))

    signals, batch, resume_point = StopSignals(), CurrentBatch(), KeepResumePoint()
    callbacks: list[Callback] = [
        *(DescribeCheckpoint.of_run(config, datamodule, network), FinalTest(config["test"])),
        *(LogConfig(config, output_dir), resume_point, RandomState(), frozen, ReportSkipped()),
        *(*device_callbacks(network, config), StopOnSignal(signals, config["requeue_on"])),
        *(batch, *trial_callbacks(config, output_dir), *instantiate_all(config["callbacks"])),
    ]
    loggers = instantiate_all(config["logger"])
    trainer = build_trainer(config["trainer"], callbacks, loggers, output_dir)
    check_monitors(config, trainer, task)
    run_lock = only_process(output_dir) if trainer.is_global_zero else nullcontext()
    try:
        with run_lock, signals.installed(), explain_failures(batch, config, output_dir):
            if trainer.is_global_zero:
                record_run(config, output_dir, overrides)
                say_settled(settled, rate_message)
            open_loggers(trainer.loggers)
            fit_announced(trainer, task, datamodule, ckpt_path=ckpt_path, weights_only=True)
            metrics, tested = resume_point.metrics(trainer), run_final_test(trainer)
    finally:
        finish_wandb()
    print_summary(trainer, output_dir, config["epilogue"], tested)
    return metrics | tested


def device_callbacks(network: nn.Module, config: dict[str, Any]) -> list[Callback]:
    """Return the callbacks that fit a training to its devices; most runs need none of them."""
    return [OwnNorms(network, config), CompileCouplings(network, config), MemoryEstimate(config)]


def say_settled(lines: Sequence[tuple[int, str]], rate_message: str | None) -> None:
    """Log what was settled about the options: lines with their levels, and the learning rate."""
    for level, line in lines:
        log.log(level, line)
    if rate_message is not None:
        log.info(rate_message)


def record_run(config: dict[str, Any], output_dir: Path, overrides: Sequence[str] | None) -> None:
    """Write the configuration of an accepted run into its folder, for ``ckpt_path=last``."""
    mark_job(output_dir)
    OmegaConf.save(OmegaConf.create(literal_values(config)), output_dir / "config.yaml")
    if overrides is not None:
        save_overrides(output_dir, overrides)


def build_trainer(
    options: dict[str, Any], callbacks: list[Callback], loggers: list[Logger], output_dir: Path
) -> pl.Trainer:
    """Build Lightning's Trainer; ``gpus=N`` stands for ``accelerator=gpu devices=N``.

    Args:
        options: ``config["trainer"]``.
        callbacks: all callbacks of the run.
        loggers: all loggers of the run; with none, Lightning's default logger is off, too.
        output_dir: the folder of the run.

    Raises:
        InputError: the devices do not exist, or the Trainer refuses an option.
    """
    options = dict(options)
    gpus = options.pop("gpus")
    options.pop("sync_batchnorm", None)  # our norms are not torch's, which Lightning would replace
    accelerator, devices = options.pop("accelerator"), options.pop("devices")
    profiler = named_profiler(options.pop("profiler"), output_dir)
    resolved = resolve_devices(gpus, accelerator, devices)
    strategy, n_processes = options.pop("strategy"), resolved.count * options["num_nodes"]
    if strategy == "ddp" or (strategy == "auto" and n_processes > 1):
        strategy = DDPStrategy(**ddp_options())
    try:
        trainer = pl.Trainer(
            accelerator=resolved.accelerator,
            devices=resolved.devices,
            strategy=strategy,
            callbacks=callbacks,
            logger=loggers or False,
            enable_checkpointing=any(isinstance(c, ModelCheckpoint) for c in callbacks),
            enable_progress_bar=any(isinstance(c, ProgressBar) for c in callbacks),
            default_root_dir=output_dir,
            # our batch sampler divides the data between the ranks; Lightning cannot change it
            use_distributed_sampler=False,
            plugins=[AtomicCheckpointIO()],
            profiler=profiler,
            **options,
        )
    except (TypeError, ValueError, MisconfigurationException) as error:
        raise InputError(f"trainer: {one_line(error)}") from None
    # after the Timer, which Lightning adds for max_time
    trainer.callbacks.append(FinalValidation())  # type: ignore[attr-defined]
    warn_of_unsaved(trainer)
    return trainer


def named_profiler(name: str | None, folder: Path) -> Profiler | None:
    """Return the profiler of Lightning with a name; it writes ``fit-profile.txt`` into a folder."""
    if name is None:
        return None
    kinds: dict[str, Callable[..., Profiler]] = {
        "simple": SimpleProfiler,
        "advanced": AdvancedProfiler,
        "pytorch": PyTorchProfiler,
    }
    return kinds[name](dirpath=folder, filename="profile")


def instantiate_all(nodes: dict[str, Any] | None) -> list[Any]:
    """Instantiate a group of callbacks or loggers; entries that are null are left out."""
    return [build_object(node) for node in (nodes or {}).values() if node]
