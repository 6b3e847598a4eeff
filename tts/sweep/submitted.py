"""Keeps what submitit writes for its jobs out of the reach of other users."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tts.core.errors import InputError

#: The folder of submitit in that of a sweep; see ``conf/launcher/slurm.yaml``.
FOLDER = ".submitit"


def make_private(sweep_folder: Path) -> None:
    """Make the folder of submitit, which only this user can read and change.

    Jobs and results are pickles there. Whoever replaces one of them runs code of his own in a job,
    or in the process of the sweep.

    Raises:
        InputError: the folder is a link, or another user has made it.
    """
    folder = sweep_folder / FOLDER
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise InputError(f"{folder}: is no folder; remove it") from None
    info = folder.lstat()
    is_ours = stat.S_ISDIR(info.st_mode) and (
        not hasattr(os, "getuid") or info.st_uid == os.getuid()
    )
    if not is_ours:
        raise InputError(
            f"{folder}: is a link, or another user's; jobs would run what that user has put there: "
            "remove it, or name another folder"
        )
    folder.chmod(0o700)
