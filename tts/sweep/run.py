"""``Sweep``: asks a search for trials, launches them, tells it how they ended, and sums up."""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from hydra.errors import HydraException

from tts.config.overrides import quoted
from tts.core.errors import EXIT_INTERRUPTED, InputError, RunStopped, TrainingError, one_line
from tts.core.locks import try_lock
from tts.runtime.run_folder import has_checkpoint
from tts.sweep.search import Search, Trial
from tts.sweep.table import Results
from tts.sweep.trial_record import State, TrialRecord, load_record, load_records

_log = logging.getLogger(__name__)

#: Runs jobs with these overrides, numbered from the second argument on, and waits for them.
Launch = Callable[[Sequence[Sequence[str]], int], Sequence[JobReturn]]


@dataclass
class Sweep:
    """One sweep, from the first trial to the table.

    Args:
        folder: each trial has a folder of its number in it.
        search: what is tried.
        space: what is searched, by key.
        fixed: overrides that all trials share.
        launch: runs trials.
        results: where they are summed up.
        parallel: trials at a time.
        on_failure: ``"continue"``: the sweep goes on, and ends with an error; ``"stop"``: it ends
            with the first; ``"ignore"``: an error only if no trial came to its end.
    """

    folder: Path
    search: Search
    space: Mapping[str, Any]
    fixed: Sequence[str]
    launch: Launch
    results: Results
    parallel: int = 1
    on_failure: str = "continue"

    def run(self) -> list[TrialRecord]:
        """Do what is left to do.

        Raises:
            InputError: the search or the folder is not right, or another sweep works there.
            TrainingError: trials failed, see ``on_failure``.
            RunStopped: a signal ended a trial, and the sweep with it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = try_lock(self.folder / ".lock")
        if lock is None:
            raise InputError(f"{self.folder}: another sweep is at work there")
        try:
            self._run()
        finally:
            lock.release()
        return self.results.records

    def _run(self) -> None:
        self.search.begin(self.space, self.folder, load_records(self.folder))
        for record in load_records(self.folder).values():
            if record.state.is_final:
                self.results.add(record)
        try:
            self._all_trials()
        except KeyboardInterrupt:
            raise RunStopped(f"interrupted; {self._go_on()}", EXIT_INTERRUPTED) from None
        finally:
            self.results.save()
            self.results.show()
        self._judge()

    def _all_trials(self) -> None:
        while trials := self.search.ask(self.parallel):
            records = self._launch_batch(trials)
            for record in records:
                self._settle(record)
            for record in records:
                if record.state is State.INTERRUPTED:
                    stopped = f"stopped in trial {record.number}; {self._go_on()}"
                    raise RunStopped(stopped, record.status)
            failed = [r for r in self.results.records if r.state is State.FAILED]
            if failed and self.on_failure == "stop":
                raise TrainingError(f"trial {failed[0].number} failed: {failed[0].reason}")

    def _settle(self, record: TrialRecord) -> None:
        """One trial is over, or was interrupted."""
        told = self.search.tell(record)
        if told is not record:
            told.save()
        self.results.add(told)
        self.results.save()

    def _launch_batch(self, trials: list[Trial]) -> list[TrialRecord]:
        for trial in trials:
            chosen = " ".join(f"{key}={value}" for key, value in trial.parameters.items())
            sys.stdout.write(
                f"trial {trial.number} ({trial.number + 1}/{self.search.total}): {chosen}\n"
            )
        sys.stdout.flush()
        overrides = [self._overrides(trial) for trial in trials]
        try:
            returns = self.launch(overrides, trials[0].number)
        except RunStopped:
            raise  # asked to stop: the trials that were running can go on
        except Exception as error:
            records = load_records(self.folder)
            if all(records[trial.number].state is State.WAITING for trial in trials):
                if isinstance(error, (InputError, HydraException)):
                    raise
                raise InputError(f"hydra.launcher: {one_line(error)}") from error
            return [self._lost(trial, error) for trial in trials]
        return [
            job.return_value if job.status is JobStatus.COMPLETED else self._lost(trial, job)
            for trial, job in zip(trials, returns, strict=True)
        ]

    def _overrides(self, trial: Trial) -> list[str]:
        """Options of one trial; one that was interrupted goes on from its checkpoint."""
        folder = self.folder / str(trial.number)
        overrides = [*self.fixed, *(f"{key}={value}" for key, value in trial.parameters.items())]
        overrides += [f"sweep.trial={trial.number}", f"hydra.sweep.subdir='{trial.number}'"]
        overrides += [f"hydra.sweep.dir={quoted(str(self.folder))}"]
        if has_checkpoint(folder):
            overrides.append("ckpt_path=last")
        elif load_record(folder) is not None:
            shutil.rmtree(folder)  # it had not come far
        TrialRecord(trial.number, trial.parameters, str(folder)).save()
        return overrides

    def _lost(self, trial: Trial, cause: BaseException | JobReturn) -> TrialRecord:
        """A trial that did not come back: perhaps it was at its end all the same."""
        folder = self.folder / str(trial.number)
        record = load_record(folder) or TrialRecord(trial.number, trial.parameters, str(folder))
        if record.state.is_final:
            return record
        error = cause._return_value if isinstance(cause, JobReturn) else cause
        reason = f"its process was lost: {type(error).__name__}: {one_line(error)}"
        record = record.ended(State.FAILED, reason=reason)
        record.save()
        return record

    def _judge(self) -> None:
        failed = [r for r in self.results.records if r.state is State.FAILED]
        n_all = len(self.results.records)
        if failed and (self.on_failure != "ignore" or len(failed) == n_all):
            raise TrainingError(f"{len(failed)} of {n_all} trials failed; see {self.results.file}")

    def _go_on(self) -> str:
        return f"the same command and sweep.resume={self.folder} go on"
