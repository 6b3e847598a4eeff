"""Finds the mistakes of a publication before torch is imported."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tts.config.command_ranges import PUBLISH
from tts.config.schema import check_values
from tts.core.errors import InputError
from tts.core.files import check_own_folder, require_writable
from tts.evaluation.sentences import read_sentences
from tts.pretrained.hugging_face import is_hub_source, parse_hub_source
from tts.pretrained.publication import PUBLICATION, is_published
from tts.pretrained.sources import require_source
from tts.publish.evaluation_report import read_report
from tts.runtime.run_folder import CHECKPOINTS

#: What the folder of a publication is called in messages.
WHAT = "a published voice"
_LAST = "last.ckpt"
_SOURCES = ("run", "acoustic", "vocoder")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def check_publication(config: Mapping[str, Any]) -> None:
    """Check the options of ``conf/publish.yaml``, and the files and folders that they name.

    Raises:
        InputError: a value is not legal, there is nothing to publish, or the folder may not be
            written.
    """
    check_values(config, PUBLISH)
    named = [key for key in _SOURCES if config[key] is not None]
    if not named:
        raise InputError("nothing to publish: set run=logs/NAME/TIME, or acoustic=, or vocoder=")
    if len(named) == len(_SOURCES):
        raise InputError(
            "run, acoustic and vocoder: a voice has two networks; leave one of them out"
        )
    for key in named:
        if is_run_folder(config[key]):
            checkpoint_of_run(config[key], key)
        else:
            require_source(config[key], key)
    if config["language"] is not None and not _LANGUAGE.fullmatch(config["language"]):
        raise InputError(f"language={config['language']}: write a code such as en, ru or pt-BR")
    if config["sentences"] is not None:
        read_sentences(config["sentences"])
    if config["evaluation"] is not None:
        read_report(Path(config["evaluation"]))
    target = str(config["to"])
    if is_hub_source(target):
        if parse_hub_source(target, "to").revision is not None:
            raise InputError(f"to={target}: the hub makes the revision; leave @ and it out")
        return
    folder = Path(target)
    check_own_folder(folder, is_published, WHAT)
    require_writable(folder.parent, f"to={folder.parent}")


def is_run_folder(source: str) -> bool:
    """Tell whether a source is a folder, and no published voice: it must be that of a run."""
    return Path(source).is_dir() and not (Path(source) / PUBLICATION).is_file()


def checkpoint_of_run(source: str, key: str) -> Path:
    """Return the last checkpoint in the folder of a run.

    Args:
        source: the folder.
        key: the option that names it.

    Raises:
        InputError: the folder has no last checkpoint.
    """
    folder = Path(source)
    last = folder / CHECKPOINTS / _LAST
    if last.is_file():
        return last
    others = sorted(path.name for path in (folder / CHECKPOINTS).glob("*.ckpt"))
    if others:
        hint = f"name one of {', '.join(others[:4])} in {folder / CHECKPOINTS}"
    else:
        hint = f"a run has {CHECKPOINTS}/{_LAST} in its folder, logs/NAME/TIME"
    raise InputError(f"{key}={source}: has no {_LAST}; {hint}")
