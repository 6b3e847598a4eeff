"""Checks before torch is imported what is cheap to check: values, files, folders and names.

The import takes seconds, and so does everything after it. A mistake of the command is found here,
once for all commands with the options of training, and once for all trials of a sweep.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tts.config import build_object
from tts.config.schema import check_training
from tts.core.errors import InputError
from tts.core.files import require_writable
from tts.core.ranges import Range
from tts.data.corpora.generated import GeneratedCorpus
from tts.data.corpora.splits import held_out_ids
from tts.pretrained.sources import require_source
from tts.text.languages import check_language
from tts.text.lexicon import lexicon_lines

#: The tasks in which an acoustic model follows recordings.
ACOUSTIC_TASKS = ("dump_mels", "align")
# options of a training, without a meaning in these tasks
_OF_TRAINING = ("ckpt_path", "init_from")


def check_before_torch(
    config: Mapping[str, Any], more: Mapping[str, Range] = MappingProxyType({}), task: str = "train"
) -> None:
    """Check the options of ``conf/train.yaml``, and the files and folders that they name.

    Args:
        config: resolved, plain containers.
        more: the ranges of further options, which the command adds.
        task: the task of the command.

    Raises:
        InputError: a value is not legal, a file or a folder is missing, or a folder cannot be
            written; the message says which.
    """
    if task in ACOUSTIC_TASKS:
        _check_acoustic_given(config, task)
    check_training(config, more, task)
    if task == "align":
        require_writable(Path(config["durations"]), f"durations={config['durations']}")
    for key, value in _checkpoints(config):
        if value is not None:
            require_source(str(value), key)
    if config["ckpt_path"] not in (None, "last") and not Path(config["ckpt_path"]).is_file():
        raise InputError(f"ckpt_path={config['ckpt_path']}: no such file")
    # a run that resumes, and a voice that is trained further, keep their language
    if config["ckpt_path"] is None and config["init_from"] is None:
        check_language(config["tokenizer"])
    if (lexicon := config["tokenizer"].get("lexicon")) is not None:
        lexicon_lines(Path(lexicon))
    if config["data"].get("prepared") is None and "Prepared" not in _target(config):
        cache = Path(config["paths"]["cache_dir"])
        require_writable(cache, f"paths.cache_dir={cache}")
    _check_corpus(config["data"]["corpus"])


def _check_acoustic_given(config: Mapping[str, Any], task: str) -> None:
    if config["acoustic"] is None:
        raise InputError("acoustic is required: add acoustic=CKPT to the command")
    for key in _OF_TRAINING:
        if config[key] is not None:
            raise InputError(f"{key} has no meaning for task={task}, which reads acoustic=CKPT")


def _checkpoints(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    # a run that resumes has its weights in its own checkpoint
    used = ("acoustic",) if config["ckpt_path"] is not None else ("init_from", "acoustic")
    yield from ((key, config[key]) for key in used)
    samples = (config["callbacks"] or {}).get("samples") or {}
    if samples.get("vocoder") != "griffin_lim":
        yield "callbacks.samples.vocoder", samples.get("vocoder")


def _target(config: Mapping[str, Any]) -> str:
    return str(config["data"]["corpus"].get("_target_"))


def _check_corpus(node: Mapping[str, Any]) -> None:
    """Let a corpus of recordings whose folder is missing say so, in its own words."""
    for part in (node.get("parts") or {}).values() if _has_parts(node) else ():
        _check_corpus(part)
    if node.get("held_out") is not None:
        held_out_ids(node["held_out"])
    if _has_parts(node) or node.get("download") or not str(node["_target_"]).startswith("tts."):
        return
    corpus = build_object(node)
    if isinstance(corpus, GeneratedCorpus):
        return  # it makes its folder
    table = getattr(corpus, "file", None)
    if not corpus.root.is_dir() or (isinstance(table, Path) and not table.is_file()):
        corpus.utterances()


def _has_parts(node: Mapping[str, Any]) -> bool:
    return isinstance(node.get("parts"), Mapping)
