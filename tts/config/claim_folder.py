"""Gives each run a folder of its own before Hydra writes into it, as a callback of Hydra."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from tts.runtime.launch import externally_launched
from tts.runtime.new_folders import claim_folder, note_folder
from tts.runtime.slurm import job_id

_OUR_SWEEPER = "tacoglow_sweeper"


class ClaimFolder(Callback):
    """Claims the folder of a new run or sweep, which is named after the second of its start.

    Other folders are only noted: those that the user names, those of runs that are resumed, and
    those that several processes of a cluster share.
    """

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Claim the folder of a run."""
        _claim(config, "run", config.get("ckpt_path") != "last")

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Claim the folder of a sweep."""
        ours = _OUR_SWEEPER in str(config.hydra.sweeper.get("_target_"))
        _claim(config, "sweep", ours and config.sweep.resume is None)


def _claim(config: DictConfig, kind: str, is_new: bool) -> None:
    if kind == "run":
        # Hydra sets this only later, and the name of the folder depends on it
        HydraConfig.instance().set_config(config)
    named_by_time = "${now:" in str(OmegaConf.to_container(config.hydra[kind], resolve=False))
    folder = Path(str(config.hydra[kind].dir))
    if not (is_new and named_by_time) or job_id() is not None or externally_launched():
        note_folder(folder)
        return
    try:
        claimed = str(claim_folder(folder)).replace("${", "\\${")
    except OSError:  # Hydra prints a warning for it; when it makes the folder, it raises the same
        return
    with read_write(config.hydra), open_dict(config.hydra):
        config.hydra[kind].dir = claimed
