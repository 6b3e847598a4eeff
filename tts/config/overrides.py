"""Refuses former names of options, and keeps the options of a run in its folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml
from omegaconf import OmegaConf

from tts.core.errors import InputError, one_line, shortened
from tts.runtime.run_folder import override_key

#: Former keys and the present ones. Runs that were started with them can still be resumed.
FORMER_KEYS = {
    "pretrained": "init_from",
    "model.max_epochs": "trainer.max_epochs",
    "model.gradient_clip_val": "trainer.gradient_clip_val",
}

#: A file in a run's folder: the options it was started with, for ``ckpt_path=last``.
_FILE = "overrides.yaml"
#: Options that belong to a single start of a run.
_OF_ONE_START = ("ckpt_path", "paths.output_dir", "hydra.", "sweep.trial")


def refuse_former_keys(overrides: Iterable[str]) -> None:
    """Refuse options under a former name.

    Raises:
        InputError: there is one; the message names it and its present spelling.
    """
    for override in overrides:
        if "=" in override and override_key(override) in FORMER_KEYS:
            raise InputError(
                f"{override}: this option has another name now; write {_renamed(override)}"
            )


def save_overrides(folder: Path, overrides: Iterable[str]) -> None:
    """Write the options of a run into its folder, without those of this start alone."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = [
        override for override in overrides if not override_key(override).startswith(_OF_ONE_START)
    ]
    OmegaConf.save(OmegaConf.create(kept), folder / _FILE)


def load_overrides(folder: Path, now: Sequence[str]) -> list[str]:
    """Return the options that a run was started with, followed by those that are given ``now``.

    An option that is given now, or another choice for its group, replaces the former one. Options
    under a former name are renamed.
    """
    given = {override_key(override) for override in now}
    saved = saved_overrides(folder)
    return [override for override in saved if override_key(override) not in given] + list(now)


def saved_overrides(folder: Path) -> list[str]:
    """Return the options that a run was started with, under their present names.

    Raises:
        InputError: the file is damaged.
    """
    file = folder / _FILE
    if not file.is_file():
        return []
    try:
        saved = yaml.safe_load(file.read_text())
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise _damaged(file, shortened(one_line(error), 80)) from None
    if not isinstance(saved, list) or not all(isinstance(option, str) for option in saved):
        raise _damaged(file, "no list of options")
    kept = [option for option in saved if not override_key(option).startswith(_OF_ONE_START)]
    return [_renamed(option) for option in kept]


def _damaged(file: Path, reason: str) -> InputError:
    return InputError(
        f"{file}: {reason}; remove the file, and give the options of the run in the command"
    )


def _renamed(override: str) -> str:
    key = override_key(override)
    return override.replace(key, FORMER_KEYS[key], 1) if key in FORMER_KEYS else override
