"""Checks the values of a configuration before anything is built.

Hydra knows which keys there are, but not which values are legal: ``trainer.max_epochs=abc`` would
fail minutes later, in the middle of a library. Our own classes state the ranges of their arguments
themselves (:mod:`tts.core.ranges`), and :func:`check_targets` reads them there. The tables below
hold what no class of ours owns: Lightning's Trainer, torch's optimisers, and the options of
commands. Keys that a configuration lacks, because another corpus or model was chosen, are skipped.
"""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tts.config.overrides import FORMER_KEYS, refuse_former_keys
from tts.core.errors import InputError, one_line
from tts.core.ranges import SWITCH, Choice, Number, Range, check_arguments, legal_arguments, shown

_MISSING = object()
#: Classes whose arguments are checked together, by the constructor of a dataclass.
_CHECKED_BY = {
    "tts.models.Tacotron2": "tts.models.Tacotron2Config",
    "tts.models.WaveGlow": "tts.models.WaveGlowConfig",
    "tts.audio.MelConfig": "tts.audio.MelConfig",
}
_DURATION = re.compile(r"\d+:\d\d:\d\d:\d\d")


@dataclass(frozen=True)
class Duration:
    """Accepts a duration, such as the longest time of a run, or null."""

    def allows(self, value: Any) -> bool:
        """Return whether a value is legal."""
        return value is None or (isinstance(value, str) and _DURATION.fullmatch(value) is not None)

    def __str__(self) -> str:
        return "days:hours:minutes:seconds, two digits each, or null"


@dataclass(frozen=True)
class Text:
    """Accepts a name or a path, or null."""

    def allows(self, value: Any) -> bool:
        """Return whether a value is legal."""
        return value is None or (isinstance(value, str) and value != "")

    def __str__(self) -> str:
        return "a name or a path, or null"


@dataclass(frozen=True)
class Name(Text):
    """Accepts a name, which may be a number, or null."""

    def allows(self, value: Any) -> bool:
        """Return whether a value is legal."""
        return type(value) is int or super().allows(value)

    def __str__(self) -> str:
        return "a name, or null"


@dataclass(frozen=True)
class Section:
    """Accepts a section with keys of its own, which the name of an option selects as a whole.

    Attributes:
        null: whether null is legal.
    """

    null: bool = False

    def allows(self, value: Any) -> bool:
        """Return whether a value is legal."""
        return isinstance(value, Mapping) or (value is None and self.null)

    def __str__(self) -> str:
        return f"a section with keys of its own{', or null' if self.null else ''}"


COUNT = Number(int, least=1)
AMOUNT = Number(float, least=0)
#: Lightning's precisions that need no other library.
PRECISIONS = ("32-true", "16-mixed", "bf16-mixed", "64-true", "bf16-true", "16-true")

SECTIONS = (
    *("audio", "data", "data.corpus", "loss", "model", "model.network", "model.task", "trainer"),
    *("model.datamodule", "model.datamodule.corpus", "model.datamodule.mel", "model.optimizer"),
    "model.datamodule.processing",
)

TRAINING: dict[str, Range] = {
    **{key: Section() for key in SECTIONS},
    **{key: Text() for key in ("ckpt_path", "init_from", "name", "monitor")},
    "task": Choice(("train", "dump_mels")),
    "acoustic": Text(),
    "seed": Number(int, least=0, most=2**32 - 1),
    "matmul_precision": Choice(("highest", "high", "medium")),
    "monitor_mode": Choice(("min", "max")),
    "data.mels": Choice(("recordings", "gta")),
    "data.n_speakers": COUNT,
    "data.prepared": Text(),
    "data.held_out": Text(),
    "model.optimizer.lr": AMOUNT,
    "model.optimizer.eps": AMOUNT,
    "model.optimizer.weight_decay": AMOUNT,
    "model.scale_lr": Choice(("none", "linear", "sqrt")),
    "model.reference_batch_size": COUNT,
    "model.scheduler_interval": Choice(("step", "epoch")),
    "trainer.num_nodes": COUNT,
    "trainer.precision": Choice((*PRECISIONS, 16, 32, 64, "16", "32", "64", "bf16")),
    "trainer.max_time": Duration(),
    "trainer.max_epochs": Number(int, least=-1, null=True),
    "trainer.max_steps": Number(int, least=-1),
    "trainer.gradient_clip_val": Number(float, least=0, null=True),
    "trainer.accumulate_grad_batches": COUNT,
    "trainer.check_val_every_n_epoch": Number(int, least=1, null=True),
    "trainer.val_check_interval": Number(float, above=0, null=True),
    "trainer.limit_train_batches": AMOUNT,
    "trainer.limit_val_batches": AMOUNT,
    "trainer.num_sanity_val_steps": Number(int, least=-1),
    "trainer.log_every_n_steps": COUNT,
    "trainer.enable_model_summary": SWITCH,
    "trainer.deterministic": Choice((True, False, "warn")),
    "trainer.detect_anomaly": SWITCH,
    "callbacks.checkpoint.save_top_k": Number(int, least=-1),
    "callbacks.early_stopping.patience": COUNT,
}

DOCTOR: dict[str, Range] = {"doctor": Section(), "doctor.output": Text()}

EVALUATION: dict[str, Range] = {
    **{key: Text() for key in ("acoustic", "vocoder", "sentences", "recordings", "output")},
    "mono": Choice((None, "mix", "left", "right")),
    "n_sentences": Number(int, least=1, null=True),
    "threads": Number(int, least=1, null=True),
}

EXPORT: dict[str, Range] = {
    **{key: Text() for key in ("acoustic", "vocoder", "output")},
    "format": Choice(("onnx", "torch")),
    "precision": Choice(("float32", "int8")),
    "opset": Number(int, least=18, most=23),
}

SWEEP: dict[str, Range] = {
    "monitor_mode": Choice(("min", "max")),
    "sweep.space": Section(),
    "sweep.resume": Text(),
    "sweep.parallel": COUNT,
    "sweep.on_failure": Choice(("continue", "stop", "ignore")),
    "sweep.n_trials": COUNT,
    "sweep.sampler": Section(),
    "sweep.pruner": Section(null=True),
    "sweep.storage": Text(),
    "sweep.study": Text(),
}

SYNTHESIS: dict[str, Range] = {
    **dict.fromkeys(("text_file", "book", "lexicon"), Text()),
    **dict.fromkeys(("strict", "json", "plots", "show"), SWITCH),
    "format": Choice((None, "wav", "flac", "ogg", "mp3")),
    "on_error": Choice(("raise", "skip")),
    "precision": Choice(("float32", "int8")),
    "pauses": Section(),
    "speaker": Name(),
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


def check_training(config: Mapping[str, Any]) -> None:
    """Check the options of a training that no class of ours owns; it imports no torch.

    Args:
        config: resolved, plain containers.

    Raises:
        InputError: a value is not legal; the message names key, value and the legal values.
    """
    # cli.py refuses former keys on the command line; here are those of the user's own files
    former = {key: _select(config, key) for key in FORMER_KEYS}
    refuse_former_keys(f"{k}={shown(v)}" for k, v in former.items() if v is not _MISSING)
    check_values(config, TRAINING)
    _check_mels(config)


def check_targets(config: Mapping[str, Any]) -> None:
    """Check every argument of every class of ours that a configuration builds, without building.

    Args:
        config: resolved, plain containers, whose shape ``check_training`` has found right.

    Raises:
        InputError: a value is not legal; the message names the key that the user types, the
            value and the legal values.
    """
    # the sections that users change come first, as ``model`` repeats much of them
    for section in ("audio", "data", "loss", "callbacks", "logger", "model"):
        _check_section(config.get(section), section, config["data"])
    _check_segments(config)


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


def _select(config: Mapping[str, Any], key: str) -> Any:
    value: Any = config
    for part in key.split("."):
        value = value.get(part, _MISSING) if isinstance(value, Mapping) else _MISSING
    return value


def _check_section(node: Any, key: str, data: Mapping[str, Any]) -> None:
    if not isinstance(node, Mapping):
        return
    target = str(node.get("_target_", ""))
    arguments = {name: value for name, value in node.items() if name != "_target_"}
    if target in _CHECKED_BY:
        _check_dataclass(_find(_CHECKED_BY[target], key), arguments, key)
    elif target.startswith("tts."):
        for name, legal in legal_arguments(_find(target, key)).items():
            # what a corpus or a data module is given stands in ``data``, where users change it
            is_shared = key.startswith(("data.corpus", "model.datamodule")) and name in data
            prefix = "data." if is_shared else f"{key}."
            check_arguments(arguments, {name: legal}, prefix)
    for name, value in node.items():
        _check_section(value, f"{key}.{name}", data)


def _find(target: str, key: str) -> Callable[..., Any]:
    try:
        return pkgutil.resolve_name(target)  # type: ignore[no-any-return]
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(
            f"{key}._target_={target}: cannot be imported ({one_line(error)})"
        ) from None


def _check_dataclass(owner: Callable[..., Any], values: Mapping[str, Any], key: str) -> None:
    """Build a dataclass whose checks are in its constructor; add the key to its message."""
    try:
        owner(**values)
    except ValueError as error:
        raise InputError(f"{key}.{one_line(error)}") from None


def _check_mels(config: Mapping[str, Any]) -> None:
    """Refuse mels of an acoustic model where the data of this model do not use them."""
    if config.get("task", "train") != "train":
        raise InputError(f"task={config['task']}: name the task in the command, not in a file")
    if "mels" in config["model"]["datamodule"]:
        return
    for key, value in (("acoustic", config.get("acoustic")), ("data.mels", config["data"]["mels"])):
        if value not in (None, "recordings"):
            raise InputError(f"{key}={value}: is for a vocoder; add model=waveglow")
