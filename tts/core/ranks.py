"""Says which of the processes of a distributed run this is, and which of them speaks for all."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def is_first_rank() -> bool:
    """Return whether this process is alone, or is the one of several that speaks for all."""
    # torchrun and our own launcher set RANK; Lightning takes SLURM's number where there is none
    return os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0")) == "0"


def is_first_to_say(text: str) -> bool:
    """Return whether no other rank that torchrun has started on this machine has said a text.

    Most mistakes are found by every rank, but a file may be missing on one machine only. So it is
    not always the first rank that speaks, but the first to come. Without torchrun, that is always
    this process.
    """
    own = os.environ.get("TORCHELASTIC_ERROR_FILE", "")
    if "LOCAL_RANK" not in os.environ or not own:
        return True
    # torchrun makes a new folder attempt_0 with a file RANK/error.json for each rank
    attempt = Path(own).absolute().parent.parent
    if not attempt.name.startswith("attempt_"):
        return True
    said = hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:16]
    try:
        (attempt / f"said-{said}").open("x").close()
    except FileExistsError:
        return False
    except OSError:
        return True
    return True
