"""Runs one trial for a launcher, in this process or in another one.

A :class:`TrialJob` always returns: a trial that fails is a result, and must not end the others.
"""

from __future__ import annotations

import contextlib
import gc
import math
import os
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from tts.config import register_resolvers
from tts.core.errors import EXIT_INTERRUPTED, InputError, RunStopped, TrainingError, one_line
from tts.core.output import print_error
from tts.core.signals import StopSignals
from tts.runtime.worker import end_with
from tts.sweep.gpus import take_gpus
from tts.sweep.trial_record import TrialRecord, TrialState, load_record

TRACEBACK = "traceback.txt"


@dataclass(frozen=True)
class TrialJob:
    """Wraps a task function for Hydra so that it returns a :class:`TrialRecord`.

    Args:
        task: a function that trains and returns the objective.
    """

    task: Callable[[DictConfig], Any]

    def __call__(self, cfg: DictConfig) -> TrialRecord:
        """Run a trial, write its record into its folder, and return the record."""
        # a new process of a launcher has no resolvers but Hydra's
        register_resolvers()
        folder = Path(HydraConfig.get().runtime.output_dir)
        signals: AbstractContextManager[None] = contextlib.nullcontext()
        if "joblib" in str(HydraConfig.get().launcher.get("_target_")):
            # a process of joblib has no handlers before the training
            signals = StopSignals().installed()
            _follow_sweep()
            take_gpus(folder.parent, int(cfg.sweep.parallel))
        record = load_record(folder) or TrialRecord(int(cfg.sweep.trial), {}, str(folder))
        record = record.with_state(TrialState.RUNNING)
        is_first = int(os.environ.get("SLURM_PROCID", "0")) == 0
        if is_first:
            record.save()
        start = time.monotonic()
        try:
            with signals:
                record = self._run(cfg, record)
        except KeyboardInterrupt:
            record = record.with_state(TrialState.INTERRUPTED, status=EXIT_INTERRUPTED)
            raise
        finally:
            record = replace(record, seconds=round(time.monotonic() - start, 2))
            if is_first:
                record.save()
            _clear_memory()
        return record

    def _run(self, cfg: DictConfig, record: TrialRecord) -> TrialRecord:
        try:
            value = self.task(cfg)
        except RunStopped as stop:
            return record.with_state(
                TrialState.INTERRUPTED, reason=one_line(stop), status=stop.status
            )
        except InputError as error:
            return _failed(record, one_line(error))
        except TrainingError as error:
            return _failed(record, one_line(error), broke_down=True)
        except Exception as error:
            file = Path(record.folder) / TRACEBACK
            with contextlib.suppress(OSError):
                file.write_text(traceback.format_exc())
            reason = f"{type(error).__name__}: {one_line(error)}"
            return _failed(record, reason, f"; see {file}", broke_down=True)
        if value is None:
            return _failed(record, f"{cfg.monitor} was never logged; check the option monitor")
        if not math.isfinite(value):
            return _failed(record, f"{cfg.monitor} is {value} at the end", broke_down=True)
        return record.with_state(TrialState.COMPLETE, objective=float(value))


def _failed(
    record: TrialRecord, reason: str, more: str = "", broke_down: bool = False
) -> TrialRecord:
    """Report a failure on standard error, and return its record."""
    print_error(f"trial {record.number} failed: {reason}{more}")
    return record.with_state(TrialState.FAILED, reason=reason, broke_down=broke_down)


@cache
def _follow_sweep() -> None:
    """Let the process of the sweep alone decide when this process of joblib ends.

    When it is killed, nobody else would stop the trials. Ctrl-C in a terminal goes to the whole
    process group and would come here twice, because the sweep passes it on.
    """
    end_with(os.getppid())
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)


def _clear_memory() -> None:
    """Free the memory of the device: the next trial may run in this process and need all of it."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
