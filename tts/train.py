"""The training recipe: every object of a run, in the order in which it is built."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from hydra.utils import instantiate
from lightning_fabric.utilities.exceptions import MisconfigurationException
from omegaconf import OmegaConf
from pytorch_lightning.callbacks import Callback, ModelCheckpoint, ProgressBar
from pytorch_lightning.loggers import Logger

from tts.callbacks import (
    CurrentBatch,
    DescribeCheckpoint,
    KeepResumePoint,
    LogConfig,
    LogSamples,
    RandomState,
    ReportSkipped,
    StopOnSignal,
)
from tts.callbacks.checkpointing.checkpoint_io import AtomicCheckpointIO
from tts.callbacks.checkpointing.resume import check_resumable, find_resume_source
from tts.config.overrides import save_overrides
from tts.config.schema import check_targets, check_training
from tts.core.errors import InputError, one_line
from tts.core.signals import StopSignals
from tts.loggers.builders import finish_wandb
from tts.runtime.devices import resolve_devices, world_size
from tts.runtime.launch import launch
from tts.runtime.run_folder import mark_job, only_process
from tts.sweep.pruning import trial_callbacks
from tts.training.failures import explain_failures
from tts.training.freezing import KeepFrozen
from tts.training.lr_scaling import scaled_optimizer
from tts.training.warm_start import warm_start_run

log = logging.getLogger(__name__)


def run_training(
    config: dict[str, Any], output_dir: Path, overrides: Sequence[str] | None = None
) -> dict[str, float]:
    """Check a configuration, find its checkpoint, and train on the devices that it asks for.

    Args:
        config: the resolved configuration as plain containers, see ``conf/train.yaml``.
        output_dir: the folder of this run.
        overrides: options that ``config`` came from, see `train`.

    Returns:
        The last value of every metric.

    Raises:
        InputError: a value is not legal, or the data or the devices are not as they must be.
        TrainingError: the run cannot go on.
        RunStopped: a signal asked for it; the last step is saved.
    """
    check_training(config)
    check_targets(config)
    if config["ckpt_path"] is not None:
        resume = find_resume_source(config, output_dir)
        if resume.finished is not None:
            sys.stdout.write(f"nothing to do: {resume.path} has reached {resume.finished}\n")
            return resume.metrics
        config = {**config, "ckpt_path": str(resume.path)}
    return launch(train, config, output_dir, overrides)


def train(
    config: dict[str, Any], output_dir: Path, overrides: Sequence[str] | None = None
) -> dict[str, float]:
    """Run one training.

    Args:
        config: the resolved configuration as plain containers, see ``conf/train.yaml``; its
            ``ckpt_path`` is a file, or None.
        output_dir: where everything goes that the run writes.
        overrides: options that ``config`` came from; kept for ``ckpt_path=last`` once the run is
            accepted, so that refused ones do not become those of the run.

    Returns:
        The last value of every metric.

    Raises:
        InputError: something in the configuration or in the data has to be mended.
        TrainingError: the run cannot go on.
        RunStopped: a signal asked for it; the last step is saved.
    """
    quieten_lightning()
    ckpt_path = None if config["ckpt_path"] is None else Path(config["ckpt_path"])
    pl.seed_everything(config["seed"], workers=True, verbose=False)
    torch.set_float32_matmul_precision(config["matmul_precision"])

    datamodule = instantiate(config["model"]["datamodule"], _convert_="all")
    network = instantiate(config["model"]["network"], _convert_="all")
    if ckpt_path is None:
        warm_start_run(config, network, datamodule)
    frozen = KeepFrozen(network, config["freeze"])
    optimizer, rate = scaled_optimizer(config, world_size(config["trainer"]))
    task_options = {**config["model"]["task"], "optimizer": optimizer}
    task = instantiate(task_options, network=network, _convert_="all")
    check_optimizer(task)
    if ckpt_path is not None:
        tokenizer = getattr(datamodule, "tokenizer", None)
        check_resumable(ckpt_path, network, datamodule.mel, tokenizer)

    signals, batch, resume_point = StopSignals(), CurrentBatch(), KeepResumePoint()
    callbacks: list[Callback] = [
        DescribeCheckpoint(
            describe_run(config, datamodule, network),
            lambda: {"speakers": speaker_names(datamodule, network)},
        ),
        LogConfig(config, output_dir),
        resume_point,
        RandomState(),
        frozen,
        StopOnSignal(signals, config["requeue_on"]),
        ReportSkipped(),
        batch,
        *trial_callbacks(config, output_dir),
        *instantiate_all(config["callbacks"]),
    ]
    loggers: list[Logger] = instantiate_all(config["logger"])
    trainer = build_trainer(config["trainer"], callbacks, loggers, output_dir)
    alone = only_process(output_dir) if trainer.is_global_zero else nullcontext()
    try:
        with alone, signals.installed(), explain_failures(batch, config, output_dir):
            if trainer.is_global_zero:
                mark_job(output_dir)
                OmegaConf.save(OmegaConf.create(config), output_dir / "config.yaml")
                if overrides is not None:
                    save_overrides(output_dir, overrides)
                if rate is not None:
                    log.info(rate)
            open_loggers(trainer)
            trainer.fit(task, datamodule, ckpt_path=ckpt_path, weights_only=True)
    finally:
        finish_wandb()
    print_summary(config, trainer, output_dir)
    return resume_point.metrics(trainer)


def quieten_lightning() -> None:
    """Leave out what Lightning says to everybody: advertisements, and advice that is not ours."""
    for name in ("pytorch_lightning", "lightning.pytorch", "lightning_fabric", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in (
        # said at every fit with torch 2.13, of Lightning's own code
        r".*isinstance\(treespec, LeafSpec\)` is deprecated",
        # workers are chosen in conf/data; cached mels need few
        r".*does not have many workers",
        # the folder holds our config.yaml already
        r".*Experiment logs directory .* exists and is not empty",
        # small corpora have few batches in an epoch
        r".*The number of training batches \(\d+\) is smaller than the logging interval",
        # it is, by the DataModule
        r".*your dataloader is not resumable",
        # a run that ends before its first validation has no best checkpoint, but a last one
        r".*could not find the monitored key",
        # resuming in place
        r".*Checkpoint directory .* exists and is not empty",
    ):
        warnings.filterwarnings("ignore", message)


def check_optimizer(task: pl.LightningModule) -> None:
    """Build the optimiser once for nothing: a wrong option shows before the data is prepared."""
    try:
        task.configure_optimizers()
    except (TypeError, ValueError, IndexError) as error:
        raise InputError(f"model.optimizer or model.scheduler: {error}") from None


def build_trainer(
    options: dict[str, Any], callbacks: list[Callback], loggers: list[Logger], output_dir: Path
) -> pl.Trainer:
    """Lightning's Trainer; ``gpus`` is our spelling of ``accelerator=gpu devices=N``."""
    options = dict(options)
    gpus = options.pop("gpus")
    accelerator, devices = options.pop("accelerator"), options.pop("devices")
    resolved = resolve_devices(gpus, accelerator, devices)
    if resolved.accelerator == "cpu" and options["precision"] in (16, "16", "16-mixed"):
        # what Lightning would do, and say in a warning
        log.warning("trainer.precision=16-mixed: computed in bf16-mixed, as this is no GPU")
        options["precision"] = "bf16-mixed"
    try:
        return pl.Trainer(
            accelerator=resolved.accelerator,
            devices=resolved.devices,
            callbacks=callbacks,
            logger=loggers or False,
            enable_checkpointing=any(isinstance(c, ModelCheckpoint) for c in callbacks),
            enable_progress_bar=any(isinstance(c, ProgressBar) for c in callbacks),
            default_root_dir=output_dir,
            # our batch sampler knows the ranks; Lightning could not inject one into it
            use_distributed_sampler=False,
            plugins=[AtomicCheckpointIO()],
            **options,
        )
    except (TypeError, ValueError, MisconfigurationException) as error:
        raise InputError(f"trainer: {one_line(error)}") from None


def instantiate_all(nodes: dict[str, Any] | None) -> list[Any]:
    """Every entry of a group of callbacks or loggers; entries set to null are left out."""
    return [instantiate(node, _convert_="all") for node in (nodes or {}).values() if node]


def describe_run(
    config: dict[str, Any], datamodule: Any, network: torch.nn.Module
) -> dict[str, Any]:
    """What a checkpoint says of itself: enough to rebuild the network and to feed it."""
    from dataclasses import asdict

    tokenizer = getattr(datamodule, "tokenizer", None)
    return {
        "format": 1,
        "network": type(network).__name__,
        "network_config": asdict(network.config),  # type: ignore[call-overload]
        "mel": datamodule.mel.to_dict(),
        "tokenizer": tokenizer.to_dict() if tokenizer is not None else None,
        "corpus": datamodule.corpus.name,
        "config": config,
    }


def speaker_names(datamodule: Any, network: torch.nn.Module) -> list[str] | None:
    """Names of the voices of a network, by their numbers; None if it has one."""
    if getattr(network.config, "n_speakers", 1) == 1:
        return None
    return list(datamodule.corpus.speakers)


def open_loggers(trainer: pl.Trainer) -> None:
    """Let every logger begin, before hours are spent on data: W&B may have no account."""
    for logger in trainer.loggers:
        try:
            _ = getattr(logger, "experiment", None)
        except Exception as error:
            if not type(error).__module__.startswith("wandb"):
                raise
            hint = "mend the account, or set logger.wandb.offline=true"
            raise InputError(f"wandb: {one_line(error)}; {hint}") from None


def print_summary(config: dict[str, Any], trainer: pl.Trainer, output_dir: Path) -> None:
    """Say where everything is."""
    if not trainer.is_global_zero:
        return
    lines = [f"finished after {trainer.global_step} steps; in {output_dir}:"]
    checkpoint = trainer.checkpoint_callback
    if isinstance(checkpoint, ModelCheckpoint):
        lines += [f"  best checkpoint  {checkpoint.best_model_path or 'none yet'}"]
        last = checkpoint.last_model_path
        lines += [f"  last checkpoint  {last if last and Path(last).is_file() else 'none yet'}"]
    lines += [f"  {line}" for line in health_lines(trainer)]
    for folder, what in (("samples", "pictures, sound"), ("metrics.csv", "curves")):
        if (output_dir / folder).exists():
            lines.append(f"  {what:<15}  {output_dir / folder}")
    if config["epilogue"]:
        lines += ["", config["epilogue"].strip()]
    sys.stdout.write("\n".join(lines) + "\n")


def health_lines(trainer: pl.Trainer) -> list[str]:
    """Whether the attention of the last samples read their texts from beginning to end."""
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
