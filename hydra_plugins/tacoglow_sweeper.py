"""Offers our sweeper to Hydra, which looks for sweepers in this package only; see ``tts.sweep``.

Hydra imports this file whenever it starts, in other projects of the same environment as well.
Therefore the file must not import anything slow.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class TacoglowSweeper(Sweeper):
    """Runs the sweep that ``conf/sweep`` describes."""

    def __init__(self) -> None:
        self.hydra_context = self.config = self.launcher = None

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Choose the folder of the sweep, and make the launcher of its trials."""
        from hydra.core.plugins import Plugins
        from omegaconf import OmegaConf, read_write

        from tts.config.literals import literal
        from tts.sweep import TrialJob

        resume = config.sweep.resume
        folder = Path(config.hydra.sweep.dir if resume is None else resume).expanduser().resolve()
        with read_write(config):
            OmegaConf.update(config, "hydra.sweep.dir", literal(str(folder)))
        self.hydra_context, self.config = hydra_context, config
        # at the usual level, launchers print the whole command line of every job
        for name in ("hydra._internal.core_plugins.basic_launcher", "hydra_plugins"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=TrialJob(task_function), config=config
        )

    def sweep(self, arguments: list[str]) -> Any:
        """Run the sweep and return the records of its trials, best first."""
        from hydra._internal.core_plugins.basic_launcher import BasicLauncher

        from tts.sweep.build import build_sweep
        from tts.sweep.first_check import check_trials
        from tts.sweep.parallel_stop import let_trials_save
        from tts.sweep.submitted import make_private

        assert self.config is not None
        assert self.hydra_context is not None
        assert self.launcher is not None
        launcher = self.launcher

        def launch(overrides: Any, first: int) -> Any:
            # check overrides here: elsewhere a mistake costs a process or a place in a queue
            if not isinstance(launcher, BasicLauncher):
                self.validate_batch_is_legal(overrides)
            if "joblib" in kind:
                return let_trials_save(lambda: launcher.launch(overrides, first))
            if "submitit" in kind:
                make_private(sweep.folder)
            return launcher.launch(overrides, first)

        kind = type(launcher).__module__
        loader = self.hydra_context.config_loader
        sweep = build_sweep(self.config, arguments, loader, launch)
        check_trials(sweep.space, sweep.fixed)
        if isinstance(launcher, BasicLauncher):
            # it runs a batch to its end, also after a trial that was told to stop
            sweep.parallel = 1
        return sweep.run()
