"""Checks the values of a configuration before anything is built.

Hydra knows which keys there are, but not which values are legal: ``trainer.max_epochs=abc`` would
fail minutes later, in the middle of a library. Our own classes state the ranges of their arguments
themselves (:mod:`tts.core.ranges`), and :func:`check_training` reads them there. The tables below
hold what no class of ours owns: Lightning's Trainer, torch's optimisers, and the options of
commands. Keys that a configuration lacks, because another corpus or model was chosen, are skipped.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tts.audio.formats import FORMATS
from tts.config.command_ranges import DOCTOR, EVALUATION, EXPORT, PUBLISH, STATS
from tts.config.kinds import Batches, DeviceList, Duration, Name, Numbers, Prose, Section
from tts.config.overrides import FORMER_KEYS, refuse_former_keys
from tts.core.errors import InputError, one_line
from tts.core.ranges import SWITCH, Choice, Names, Number, Range, Text, check_arguments, shown
from tts.core.source_ranges import ranges_in_source

_MISSING = object()
#: Classes whose arguments are checked together, by the constructor of a dataclass.
_CHECKED_BY = {
    "tts.models.Tacotron2": "tts.models.tacotron2.config.Tacotron2Config",
    "tts.models.WaveGlow": "tts.models.waveglow.config.WaveGlowConfig",
    "tts.audio.MelConfig": "tts.audio.MelConfig",
}


@dataclass(frozen=True)
class Precision(Choice):
    """Accepts a precision of Lightning's Trainer."""

    def __str__(self) -> str:
        return (
            f"{super().__str__()}; bf16-mixed is half precision on CPUs and recent GPUs, with "
            "weights in float32: in 16-true and bf16-true they would be too coarse to learn"
        )


COUNT = Number(int, least=1)
#: Far above any useful rate; a step with a much larger one leaves the range of float32.
RATE = Number(float, least=0, most=1000)
#: Lightning's precisions that need no other library and keep the weights in float32 at least, and
#: our "auto".
PRECISIONS = ("auto", "32-true", "16-mixed", "bf16-mixed", "64-true")

SECTIONS = (
    *("audio", "data", "data.corpus", "loss", "model", "model.network", "model.task", "trainer"),
    *("model.datamodule", "model.datamodule.corpus", "model.datamodule.mel", "model.optimizer"),
    *("model.datamodule.processing", "model.datamodule.tokenizer", "model.task.loss"),
    *("model.task.optimizer", "paths", "tokenizer", "sweep", "sweep.search"),
)

#: Sections without which a training cannot be built.
_NEEDED = ("data.corpus", "model.datamodule", "model.network", "model.task", "model.optimizer")

TRAINING: dict[str, Range] = {
    **{key: Section() for key in SECTIONS},
    **{key: Section(null=True) for key in ("callbacks", "logger")},
    **{key: Text() for key in ("ckpt_path", "init_from", "name", "monitor")},
    **{key: Names(single=True) for key in ("freeze", "ignore_layers")},
    "requeue_on": Names(),
    "init_symbols": Names(single=True, null=True),
    "init_speaker": Name(),
    "epilogue": Text(empty=True),
    **{f"paths.{name}_dir": Text(null=False) for name in ("data", "cache", "log", "output")},
    **{key: Name(null=False) for key in ("data.name", "model.name")},
    "tokenizer.symbols": Names(single=True),
    "tokenizer.lexicon": Text(),
    **{f"{name}.corpus.columns": Section(null=True) for name in ("data", "model.datamodule")},
    **{f"data.columns.{name}": Name() for name in ("wav", "audio", "text", "speaker")},
    **{f"model.{name}": RATE for name in ("lr", "weight_decay")},
    "model.batch_size": Number(int, least=1, null=True),
    **{key: Section(null=True) for key in ("model.scheduler", "model.task.scheduler")},
    "trainer.gpus": DeviceList(null=True),
    "trainer.devices": DeviceList(),
    "trainer.accelerator": Choice(("auto", "cpu", "gpu", "cuda", "mps")),
    "trainer.strategy": Text(null=False),
    "logger.csv.name": Name(empty=True),
    "logger.csv.version": Name(empty=True),
    "logger.csv.save_dir": Text(null=False),
    **{f"logger.tensorboard.{name}": Name(empty=True) for name in ("name", "version")},
    "logger.tensorboard.default_hp_metric": SWITCH,
    **{f"logger.wandb.{key}": Name() for key in ("name", "project", "group", "job_type")},
    "logger.wandb.tags": Names(single=True, null=True),
    "logger.wandb.notes": Prose(),
    "logger.wandb.log_model": Choice((True, False, "all")),
    "sweep.trial": Number(int, least=0, null=True),
    "task": Choice(("train", "dump_mels", "align")),
    "test": SWITCH,
    "durations": Text(null=False),
    "acoustic": Text(),
    "seed": Number(int, least=0, most=2**32 - 1),
    "matmul_precision": Choice(("highest", "high", "medium")),
    "monitor_mode": Choice(("min", "max")),
    "data.mels": Choice(("recordings", "gta")),
    "data.n_speakers": COUNT,
    "data.prepared": Text(),
    "data.held_out": Text(),
    **{f"model.optimizer.{name}": RATE for name in ("lr", "eps", "weight_decay")},
    "model.optimizer.fused": Choice((None, True, False)),
    "model.scale_lr": Choice(("none", "linear", "sqrt")),
    "model.reference_batch_size": COUNT,
    "model.compile": SWITCH,
    "model.scheduler_interval": Choice(("step", "epoch")),
    "trainer.num_nodes": COUNT,
    "trainer.precision": Precision((*PRECISIONS, 16, 32, 64, "16", "32", "64")),
    "trainer.max_time": Duration(),
    "trainer.max_epochs": Number(int, least=-1, null=True),
    "trainer.max_steps": Number(int, least=-1),
    "trainer.gradient_clip_val": Number(float, least=0, null=True),
    "trainer.accumulate_grad_batches": COUNT,
    "trainer.check_val_every_n_epoch": Number(int, least=1, null=True),
    "trainer.val_check_interval": Batches(null=True),
    "trainer.limit_train_batches": Batches(),
    "trainer.limit_val_batches": Batches(zero=True),
    "trainer.overfit_batches": Batches(zero=True),
    "trainer.num_sanity_val_steps": Number(int, least=-1),
    "trainer.log_every_n_steps": COUNT,
    "trainer.enable_model_summary": SWITCH,
    "trainer.benchmark": SWITCH,
    "trainer.deterministic": Choice((True, False, "warn")),
    "trainer.detect_anomaly": SWITCH,
    "trainer.sync_batchnorm": SWITCH,
    "trainer.fast_dev_run": SWITCH,
    "trainer.profiler": Choice((None, "simple", "advanced", "pytorch")),
    "callbacks.checkpoint.save_top_k": Number(int, least=-1),
    "callbacks.checkpoint.save_last": Choice((True, False, "link")),
    "callbacks.early_stopping.patience": COUNT,
    "callbacks.early_stopping.monitor": Text(null=False),
    "callbacks.early_stopping.mode": Choice(("min", "max")),
    "callbacks.speech.recogniser": Section(null=True),
}

#: Options of torch's optimisers and schedulers, which other classes may use in another way.
OPTIMIZATION: dict[str, Range] = {
    "optimizer.betas": Numbers(Number(float, least=0, below=1), count=2),
    "scheduler.milestones": Numbers(COUNT),
    "scheduler.gamma": Number(float, above=0, most=10),
}

SWEEP: dict[str, Range] = {
    "monitor_mode": Choice(("min", "max")),
    "sweep.space": Section(),
    "sweep.resume": Text(),
    "sweep.parallel": COUNT,
    "sweep.on_failure": Choice(("continue", "stop", "ignore")),
    "sweep.n_trials": COUNT,
    "sweep.sampler.seed": Number(int, least=0, null=True),
    **{f"sweep.{name}.n_startup_trials": Number(int, least=0) for name in ("sampler", "pruner")},
    "sweep.pruner.n_warmup_steps": Number(int, least=0),
    "sweep.sampler": Section(),
    "sweep.pruner": Section(null=True),
    "sweep.storage": Text(),
    "sweep.study": Text(),
}

SYNTHESIS: dict[str, Range] = {
    "text": Prose(),
    **dict.fromkeys(("text_file", "book", "lexicon"), Text()),
    **dict.fromkeys(("acoustic", "vocoder", "output", "device"), Text(null=False)),
    **dict.fromkeys(("strict", "json", "plots", "show", "bridge"), SWITCH),
    "format": Choice((None, *FORMATS)),
    "on_error": Choice(("raise", "skip")),
    "timings": Choice((None, "json", "srt", "vtt", "textgrid")),
    "precision": Choice(("float32", "int8")),
    "pauses": Section(),
    "tags": Section(),
    **{f"tags.{key}": Prose() for key in ("title", "artist", "album", "comment")},
    "tags.language": Text(),
    "speaker": Name(),
}

#: The ranges of these keys are in ``tts.serving.settings``; here are those that hold names or text.
SERVING: dict[str, Range] = {
    **dict.fromkeys(("host", "worker.host", "device", "store"), Text(null=False)),
    "database.url": Text(null=False),
    **dict.fromkeys(("hosts", "new_key_scopes"), Names(null=True)),
    **dict.fromkeys(("database", "limits", "worker"), Section()),
    "voices": Text(),
    "new_key": Name(),
}

#: The table of each command, by its file in ``conf/``.
TABLES: dict[str, dict[str, Range]] = {
    "train": TRAINING | SWEEP,
    "doctor": TRAINING | SWEEP | DOCTOR,
    "stats": TRAINING | SWEEP | STATS,
    "synthesize": SYNTHESIS,
    "evaluate": EVALUATION,
    "export": EXPORT,
    "publish": PUBLISH,
    "serve": SERVING,
}


def check_values(config: Mapping[str, Any], table: Mapping[str, Range]) -> None:
    """Check the values of a configuration against a table.

    Args:
        config: resolved, plain containers.
        table: the range of each key; dots separate the parts of a key.

    Raises:
        InputError: a value is not legal; the message names key, value and the legal values.
    """
    for key, legal in table.items():
        value = _select(config, key)
        if value is not _MISSING and not legal.allows(value):
            raise InputError(f"{key}={shown(value)}: it must be {legal}")


def check_training(
    config: Mapping[str, Any], more: Mapping[str, Range] = MappingProxyType({}), task: str = "train"
) -> None:
    """Check the options of ``conf/train.yaml``; it imports no torch.

    All commands with these options call it: an option that would stop the training is refused by
    the command that prepares it, too.

    Args:
        config: resolved, plain containers.
        more: the ranges of further options, which the command adds.
        task: the task of the command.

    Raises:
        InputError: a value is not legal; the message names the key that the user types, the
            value and the legal values.
    """
    # cli.py refuses former keys on the command line; here are those of the user's own files
    former = {key: _select(config, key) for key in FORMER_KEYS}
    refuse_former_keys(f"{k}={shown(v)}" for k, v in former.items() if v is not _MISSING)
    for key in _NEEDED:
        if _select(config, key) is _MISSING:
            raise InputError(f"{key}: this section is missing; choose a file that has it")
    check_values(config, {**TRAINING, **SWEEP, **more})
    for key, legal in OPTIMIZATION.items():
        target = _select(config, f"model.{key.split('.')[0]}._target_")
        if str(target).startswith("torch.optim."):
            check_values(config, {f"model.{key}": legal})
    for group in ("callbacks", "logger"):
        _check_entries(config.get(group) or {}, group)
    if config.get("task", task) != task:
        raise InputError(f"task={config['task']}: name the task in the command, not in a file")
    if task == "train":
        _check_mels(config)
    # the sections that users change come first, as ``model`` repeats much of them
    for section in ("audio", "tokenizer", "data", "loss", "callbacks", "logger", "model", "sweep"):
        _check_section(config.get(section), section, config["data"])
    _check_segments(config)
    _check_length(config)


def _check_length(config: Mapping[str, Any]) -> None:
    """Refuse a training of no steps; a run that resumes may have reached its limit before."""
    for key in ("max_steps", "max_epochs"):
        if config["trainer"].get(key) == 0 and config.get("ckpt_path") is None:
            raise InputError(
                f"trainer.{key}=0: it must be 1 or more, or -1 for no limit; 0 trains nothing"
            )


def _check_segments(config: Mapping[str, Any]) -> None:
    """Refuse segments that WaveGlow cannot cut into groups, which its first step would find."""
    key = "model.datamodule.segment_length"
    length, group = _select(config, key), _select(config, "model.network.n_group")
    if type(length) is int and type(group) is int and length % group:
        below, above = length // group * group, -(-length // group) * group
        raise InputError(
            f"{key}={length}: it must be a multiple of model.network.n_group={group}, such as "
            f"{f'{below} or ' if below else ''}{above}"
        )


def _check_entries(section: Mapping[str, Any], group: str) -> None:
    """Refuse callbacks and loggers that do not say what is built."""
    for name, node in section.items():
        if node is not None and not (isinstance(node, Mapping) and node.get("_target_")):
            raise InputError(f"{group}.{name}={shown(node)}: it must be null or have a _target_")


def _select(config: Mapping[str, Any], key: str) -> Any:
    value: Any = config
    for part in key.split("."):
        value = value.get(part, _MISSING) if isinstance(value, Mapping) else _MISSING
    return value


def _check_section(node: Any, key: str, data: Mapping[str, Any]) -> None:
    if not isinstance(node, Mapping):
        return
    arguments = {name: value for name, value in node.items() if name != "_target_"}
    target = str(node.get("_target_", ""))
    if target in _CHECKED_BY:
        _check_dataclass(pkgutil.resolve_name(_CHECKED_BY[target]), arguments, key)
    elif target.startswith("tts."):
        for name, legal in _ranges_of(target, key).items():
            # what a corpus or a data module is given stands in ``data``, where users change it
            is_shared = key.startswith(("data.corpus", "model.datamodule")) and name in data
            prefix = "data." if is_shared else f"{key.replace('model.task.', 'model.')}."
            check_arguments(arguments, {name: legal}, prefix)
    for name, value in node.items():
        _check_section(value, f"{key}.{name}", data)


def _ranges_of(target: str, key: str) -> Mapping[str, Range]:
    try:
        return ranges_in_source(target)
    except LookupError as error:
        raise InputError(f"{key}._target_={target}: cannot be imported ({error})") from None


def _check_dataclass(owner: Callable[..., Any], values: Mapping[str, Any], key: str) -> None:
    """Build a dataclass whose checks are in its constructor; add the key to its message."""
    try:
        owner(**values)
    except ValueError as error:
        raise InputError(f"{key}.{one_line(error)}") from None


def _check_mels(config: Mapping[str, Any]) -> None:
    """Refuse mels of an acoustic model where the data of this model do not use them."""
    if "mels" in config["model"]["datamodule"]:
        if config.get("acoustic") is not None and config["data"]["mels"] == "recordings":
            raise InputError(f"acoustic={config['acoustic']}: has no effect unless data.mels=gta")
        return
    for key, value in (("acoustic", config.get("acoustic")), ("data.mels", config["data"]["mels"])):
        if value not in (None, "recordings"):
            raise InputError(f"{key}={value}: is for a vocoder; add model=waveglow")
