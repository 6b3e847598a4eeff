"""Loggers with the behaviour that a command-line tool should have."""

from __future__ import annotations

import netrc
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytorch_lightning.loggers import WandbLogger


def wandb_logger(save_dir: str, offline: bool | None = None, **kwargs: Any) -> WandbLogger:
    """A W&B logger that never asks: online where an account is configured, offline elsewhere.

    Args:
        save_dir: folder of the run; W&B writes into ``save_dir/wandb``.
        offline: decides by itself when None.
        **kwargs: as :class:`pytorch_lightning.loggers.WandbLogger` takes them.
    """
    from pytorch_lightning.loggers import WandbLogger

    Path(save_dir).mkdir(parents=True, exist_ok=True)
    if offline is None:
        offline = not has_wandb_account()
    return WandbLogger(save_dir=save_dir, offline=offline, **kwargs)


def has_wandb_account() -> bool:
    """Whether W&B would find a key, in the environment or in the netrc file."""
    if os.environ.get("WANDB_MODE") in ("offline", "disabled", "dryrun"):
        return False
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai").split("://")[-1].split("/")[0]
    path = Path(os.environ.get("NETRC", "~/.netrc")).expanduser()
    try:
        return netrc.netrc(str(path)).authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False


def finish_wandb() -> None:
    """Close W&B's run, so that the next job of a sweep starts its own."""
    import sys

    if "wandb" in sys.modules:
        sys.modules["wandb"].finish()
