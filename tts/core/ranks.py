"""Says which of the processes of a distributed run this is, before Lightning knows."""

from __future__ import annotations

import os


def is_first_rank() -> bool:
    """Return whether this process is alone, or is the one of several that speaks for all."""
    # torchrun and our own launcher set RANK; Lightning takes SLURM's number where there is none
    return os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0")) == "0"
