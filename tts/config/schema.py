"""What the values of a configuration must be, in one table for each command.

Hydra knows which keys there are, and not what may be said there: ``trainer.max_epochs=abc`` would
fail minutes later, in the middle of a library. Objects that check their own arguments (the mel
contract, the sizes of the networks) are not repeated here; keys that a configuration lacks, since
another corpus or model was chosen, are passed over.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tts.core.errors import InputError

_MISSING = object()
_DURATION = re.compile(r"\d+:\d\d:\d\d:\d\d")


@dataclass(frozen=True)
class Number:
    """A number.

    Attributes:
        kind: ``int`` or ``float``; a whole number is a float as well.
        least: the smallest that is legal.
        most: the largest that is legal.
        above: what it must be above.
        null: whether null is legal.
    """

    kind: type
    least: float | None = None
    most: float | None = None
    above: float | None = None
    null: bool = False

    def allows(self, value: Any) -> bool:
        """Whether a value is legal."""
        if value is None:
            return self.null
        if type(value) is not int and not (type(value) is float and self.kind is float):
            return False
        return (
            not math.isnan(value)
            and (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
            and (self.above is None or value > self.above)
        )

    def __str__(self) -> str:
        what = "a whole number" if self.kind is int else "a number"
        if self.least is not None and self.most is not None:
            what += f" from {self.least} to {self.most}"
        elif self.least is not None:
            what += f", {self.least} or more"
        elif self.above is not None:
            what += f" above {self.above}"
        separator = ", or" if "," in what else " or"
        return f"{what}{separator} null" if self.null else what


@dataclass(frozen=True)
class Choice:
    """One of a few values.

    Attributes:
        values: the legal ones.
    """

    values: tuple[Any, ...]

    def allows(self, value: Any) -> bool:
        """Whether a value is legal; 1 is not true."""
        return any(value == legal and type(value) is type(legal) for legal in self.values)

    def __str__(self) -> str:
        return f"one of {', '.join(dict.fromkeys(map(_shown, self.values)))}"


@dataclass(frozen=True)
class Duration:
    """A time that a run may take."""

    def allows(self, value: Any) -> bool:
        """Whether a value is legal."""
        return value is None or (isinstance(value, str) and _DURATION.fullmatch(value) is not None)

    def __str__(self) -> str:
        return "days:hours:minutes:seconds, two digits each, or null"


@dataclass(frozen=True)
class Text:
    """A name or a path, where there is one."""

    def allows(self, value: Any) -> bool:
        """Whether a value is legal."""
        return value is None or (isinstance(value, str) and value != "")

    def __str__(self) -> str:
        return "a name or a path, or null"


@dataclass(frozen=True)
class Name(Text):
    """A name, where there is one; it may be a number."""

    def allows(self, value: Any) -> bool:
        """Whether a value is legal."""
        return type(value) is int or super().allows(value)

    def __str__(self) -> str:
        return "a name, or null"


@dataclass(frozen=True)
class Section:
    """Keys of its own, chosen as a whole by the name of an option.

    Attributes:
        null: whether null is legal.
    """

    null: bool = False

    def allows(self, value: Any) -> bool:
        """Whether a value is legal."""
        return isinstance(value, Mapping) or (value is None and self.null)

    def __str__(self) -> str:
        return f"a section with keys of its own{', or null' if self.null else ''}"


Legal = Number | Choice | Duration | Text | Section

COUNT = Number(int, least=1)
SHARE = Number(float, least=0, most=1)
AMOUNT = Number(float, least=0)
SWITCH = Choice((True, False))
#: Lightning's precisions that are not another library's.
PRECISIONS = ("32-true", "16-mixed", "bf16-mixed", "64-true", "bf16-true", "16-true")

TACOTRON2_SIZES = (
    *("symbols_embedding_dim", "encoder_kernel_size", "encoder_n_convolutions"),
    *("encoder_embedding_dim", "attention_rnn_dim", "attention_dim", "decoder_rnn_dim"),
    *("attention_location_n_filters", "attention_location_kernel_size", "prenet_dim"),
    *("postnet_embedding_dim", "postnet_kernel_size", "postnet_n_convolutions"),
    *("n_speakers", "speaker_embedding_dim", "pitch_dim"),
)
TACOTRON2_DROPOUTS = (
    *("encoder_dropout", "prenet_dropout", "postnet_dropout"),
    *("p_attention_dropout", "p_decoder_dropout", "pitch_dropout"),
)

SECTIONS = (
    *("audio", "data", "data.corpus", "loss", "model", "model.network", "model.task", "trainer"),
    *("model.datamodule", "model.datamodule.corpus", "model.datamodule.mel", "model.optimizer"),
    "model.datamodule.processing",
)

TRAINING: dict[str, Legal] = {
    **{key: Section() for key in SECTIONS},
    **{key: Text() for key in ("ckpt_path", "init_from", "pretrained", "name", "monitor")},
    "task": Choice(("train", "dump_mels")),
    "acoustic": Text(),
    "seed": Number(int, least=0, most=2**32 - 1),
    "matmul_precision": Choice(("highest", "high", "medium")),
    "monitor_mode": Choice(("min", "max")),
    "data.batch_size": Number(int, least=1, null=True),
    "data.val_batch_size": Number(int, least=1, null=True),
    "data.frames_per_batch": Number(int, least=1, null=True),
    "data.bucket_batches": COUNT,
    "data.num_workers": Number(int, least=0),
    "data.mels": Choice(("recordings", "gta")),
    "data.resample": SWITCH,
    "data.n_speakers": COUNT,
    "data.min_seconds": AMOUNT,
    "data.max_seconds": Number(float, above=0, null=True),
    "data.on_error": Choice(("raise", "skip")),
    "data.trim_db": Number(float, above=0, most=120, null=True),
    "data.lead_seconds": Number(float, least=0, most=60),
    "data.tail_seconds": Number(float, least=0, most=60),
    "data.loudness": Number(float, least=-70, most=0, null=True),
    "data.prepared": Text(),
    "data.held_out": Text(),
    "data.verify": SWITCH,
    "data.val_fraction": SHARE,
    "data.test_fraction": SHARE,
    "data.minutes": Number(float, above=0),
    "data.seed": Number(int, least=0),
    "model.datamodule.segment_length": COUNT,
    **{f"model.network.{name}": COUNT for name in TACOTRON2_SIZES},
    **{f"model.network.{name}": SHARE for name in TACOTRON2_DROPOUTS},
    "model.network.mask_convolutions": SWITCH,
    "model.network.mel_mean": Number(float),
    "model.network.mel_std": Number(float, above=0),
    "model.network.pitch_bins": Number(int, least=0),
    "model.network.pitch_low": Number(float, above=0),
    "model.network.pitch_high": Number(float, above=0),
    "model.optimizer.lr": AMOUNT,
    "model.optimizer.eps": AMOUNT,
    "model.optimizer.weight_decay": AMOUNT,
    "model.scale_lr": Choice(("none", "linear", "sqrt")),
    "model.reference_batch_size": COUNT,
    "model.scheduler_interval": Choice(("step", "epoch")),
    "loss.gate_pos_weight": Number(float, above=0),
    "loss.guided_weight": AMOUNT,
    "loss.guided_sigma": Number(float, above=0),
    "loss.guided_until": SHARE,
    "loss.pitch_weight": AMOUNT,
    "loss.texture_weight": AMOUNT,
    "loss.critic_weight": AMOUNT,
    "loss.sigma": Number(float, above=0),
    "loss.sample_sigma": AMOUNT,
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
    "callbacks.checkpoint.every_n_minutes": Number(float, above=0, null=True),
    "callbacks.checkpoint.every_n_train_steps": Number(int, least=1, null=True),
    "callbacks.speech.n_utterances": COUNT,
    "callbacks.speech.every_n_validations": COUNT,
    "callbacks.samples.every_n_validations": COUNT,
    "callbacks.samples.n_samples": COUNT,
    "callbacks.guard.explosion": Number(float, above=0, null=True),
    "callbacks.guard.patience": COUNT,
    "callbacks.guard.copy_every": COUNT,
    "callbacks.guard.lr_factor": SHARE,
    "callbacks.guard.max_rollbacks": Number(int, least=0),
    "callbacks.diagonal.after_steps": COUNT,
    "callbacks.ema.decay": SHARE,
    "callbacks.early_stopping.patience": COUNT,
}

DOCTOR: dict[str, Legal] = {
    "doctor": Section(),
    "doctor.output": Text(),
    "doctor.strict": SWITCH,
    "doctor.n_shown": Number(int, least=0),
    "doctor.n_clips": Number(int, least=0),
    "doctor.clip_seconds": Number(float, above=0),
    "doctor.silence_db": Number(float, above=0, most=120),
    "doctor.longest_lead": AMOUNT,
    "doctor.longest_tail": AMOUNT,
    "doctor.clipped": COUNT,
    "doctor.offset": SHARE,
    "doctor.faintest": Number(float, most=0),
    "doctor.band": SHARE,
    "doctor.outlier": Number(float, above=0),
    "doctor.least": COUNT,
    "doctor.accented": SHARE,
    "doctor.speaker_clips": Number(int, least=0),
    "doctor.memory_gb": Number(float, above=0, null=True),
}

#: Settings of vocoders, in speaking as in judging what is spoken.
VOCODER_OPTIONS: dict[str, Legal] = {
    "sigma": Number(float, null=True),
    "denoiser": Number(float, null=True),
    "denoiser_mode": Choice((None, "zeros", "silence")),
    "polish": Number(int, least=0, null=True),
    "sharpness": Number(float, least=0, null=True),
}

EVALUATION: dict[str, Legal] = {
    **{key: Text() for key in ("acoustic", "vocoder", "sentences", "recordings", "output")},
    "n_sentences": Number(int, least=1, null=True),
    "seed": Number(int, least=0, most=2**63 - 1),
    "threads": Number(int, least=1, null=True),
    **VOCODER_OPTIONS,
}

EXPORT: dict[str, Legal] = {
    **{key: Text() for key in ("acoustic", "vocoder", "output")},
    "format": Choice(("onnx", "torch")),
    "precision": Choice(("float32", "int8")),
    "opset": Number(int, least=18, most=23),
}

SWEEP: dict[str, Legal] = {
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

SYNTHESIS: dict[str, Legal] = {
    **dict.fromkeys(("text_file", "book", "lexicon"), Text()),
    **dict.fromkeys(("guard", "strict", "json", "plots", "show"), SWITCH),
    "format": Choice((None, "wav", "flac", "ogg", "mp3")),
    "bits": Choice((None, 16, 24, 32)),
    "sample_rate": Number(int, least=1000, most=192_000, null=True),
    "peak": Number(float, least=-60, most=0, null=True),
    "loudness": Number(float, least=-70, most=0, null=True),
    "margin": Number(float, least=0, most=60),
    "on_error": Choice(("raise", "skip")),
    "precision": Choice(("float32", "int8")),
    "attempts": COUNT,
    "attention_window": Number(int, least=1, null=True),
    "end_steps": Number(int, least=1, null=True),
    "max_chars": COUNT,
    "pauses": Section(),
    **{
        f"pauses.{name}": Number(float, least=0, most=60)
        for name in ("paragraph", "sentence", "clause", "word", "cut")
    },
    "speaker": Name(),
    "seed": Number(int, least=0, most=2**63 - 1),
    "batch_size": Number(int),
    "max_steps": Number(int),
    "gate_threshold": Number(float),
    **VOCODER_OPTIONS,
}


def check_values(config: Mapping[str, Any], table: Mapping[str, Legal]) -> None:
    """Find a value that is not legal before it fails somewhere deep.

    Args:
        config: resolved, plain containers.
        table: what each key must be; parts of a key are separated by dots.

    Raises:
        InputError: naming the key, its value and what is legal.
    """
    for key, legal in table.items():
        value: Any = config
        for part in key.split("."):
            value = value.get(part, _MISSING) if isinstance(value, Mapping) else _MISSING
        if value is not _MISSING and not legal.allows(value):
            raise InputError(f"{key}={_shown(value)}: it must be {legal}")


def check_training(config: Mapping[str, Any]) -> None:
    """Check the values of a training, and those that only make sense together.

    Args:
        config: resolved, plain containers.

    Raises:
        InputError: naming the key, its value and what is legal.
    """
    check_values(config, TRAINING)
    _check_mels(config)


def _check_mels(config: Mapping[str, Any]) -> None:
    """Refuse to pass over mels of an acoustic model that the data of this model do not use."""
    if config.get("task", "train") != "train":
        raise InputError(f"task={config['task']}: say it in the command, not in a file")
    if "mels" in config["model"]["datamodule"]:
        return
    for key, value in (("acoustic", config.get("acoustic")), ("data.mels", config["data"]["mels"])):
        if value not in (None, "recordings"):
            raise InputError(f"{key}={value}: is for a vocoder; add model=waveglow")


def _shown(value: Any) -> str:
    """A value as it is typed on the command line."""
    if value is None:
        return "null"
    return str(value).lower() if type(value) is bool else str(value)
