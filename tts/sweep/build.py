"""Builds a :class:`Sweep` from the configuration that Hydra has composed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from tts.config import build_object
from tts.config.schema import SWEEP, check_values
from tts.core.errors import InputError
from tts.runtime.launch import externally_launched
from tts.sweep.run import Launch, Sweep
from tts.sweep.space import split_overrides
from tts.sweep.table import SweepTable


def build_sweep(
    config: DictConfig, arguments: Sequence[str], loader: ConfigLoader, launch: Launch
) -> Sweep:
    """Build a sweep.

    Args:
        config: the configuration of the command, without the overrides that are swept.
        arguments: arguments of the command line.
        loader: Hydra's loader of configurations.
        launch: a function that runs trials.

    Raises:
        InputError: an option of the sweep is illegal.
    """
    if externally_launched():
        raise InputError(
            "a sweep starts the processes of its trials itself: run it once, without torchrun or "
            "srun, with trainer.devices=N, or with launcher=slurm"
        )
    options = OmegaConf.to_container(config.sweep, resolve=True)
    assert isinstance(options, dict)
    check_values({"sweep": options, "monitor_mode": config.monitor_mode}, SWEEP)
    folder = Path(config.hydra.sweep.dir)
    if options["resume"] is not None and not folder.is_dir():
        raise InputError(f"sweep.resume={options['resume']}: no such folder; name one of a sweep")
    parser = OverridesParser.create(config_loader=loader)
    space, fixed = split_overrides(options["space"], arguments, parser)
    return Sweep(
        folder=folder,
        search=build_object(options["search"]),
        space=space,
        fixed=fixed,
        launch=launch,
        results=SweepTable(folder, str(config.monitor), str(config.monitor_mode)),
        parallel=options["parallel"],
        on_failure=options["on_failure"],
    )
