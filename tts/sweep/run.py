"""Runs a sweep: asks a search for trials, launches them, reports their results, prints a table."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from hydra.errors import HydraException

from tts.config.quoting import quoted
from tts.core.errors import EXIT_INTERRUPTED, InputError, RunStopped, TrainingError, one_line
from tts.core.locks import try_lock
from tts.core.output import print_line
from tts.core.signals import BEFORE_TRAINING
from tts.runtime.run_folder import has_checkpoint
from tts.sweep.search import Search, Trial
from tts.sweep.table import SweepTable
from tts.sweep.trial_record import TrialRecord, TrialState, load_record, load_records

_log = logging.getLogger(__name__)

#: Runs jobs with lists of overrides, numbered from the second argument on, and waits for them.
Launch = Callable[[Sequence[Sequence[str]], int], Sequence[JobReturn]]


@dataclass
class Sweep:
    """Runs one sweep, from the first trial to the table.

    Args:
        folder: folder of the sweep; each trial has a folder in it, named by its number.
        search: the search that suggests the trials.
        space: overrides to search, by key.
        fixed: overrides that all trials share.
        launch: a function that runs trials.
        results: the table of the trials.
        parallel: number of trials at a time.
        on_failure: what a failed trial does. ``"continue"``: the other trials run, and the sweep
            ends with an error; ``"stop"``: the first failure ends the sweep; ``"ignore"``: the
            sweep ends with an error only if all trials failed.
    """

    folder: Path
    search: Search
    space: Mapping[str, Any]
    fixed: Sequence[str]
    launch: Launch
    results: SweepTable
    parallel: int = 1
    on_failure: str = "continue"

    def run(self) -> list[TrialRecord]:
        """Run the trials that are not finished, and return all records, best first.

        Raises:
            InputError: an option is illegal, or another sweep is running in the folder.
            TrainingError: trials failed, see ``on_failure``.
            RunStopped: a signal ended a trial, and thereby the sweep.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = try_lock(self.folder / ".lock")
        if lock is None:
            raise InputError(
                f"{self.folder}: another sweep is running there; wait for it, or name another "
                "folder"
            )
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
            raise RunStopped(f"interrupted; {self._resume_hint()}", EXIT_INTERRUPTED) from None
        except RunStopped as stop:
            if (hint := self._resume_hint()) in str(stop):
                raise
            message = one_line(stop).removesuffix(f" {BEFORE_TRAINING}")
            raise RunStopped(f"{message}; {hint}", stop.status) from None
        finally:
            self.results.save()
            self.results.show()
        self._raise_for_failures()

    def _all_trials(self) -> None:
        while trials := self.search.ask(self.parallel):
            records = self._launch_batch(trials)
            for record in records:
                self._finish(record)
            for record in records:
                if record.state is TrialState.INTERRUPTED:
                    message = f"stopped in trial {record.number}; {self._resume_hint()}"
                    raise RunStopped(message, record.status)
            failed = [r for r in self.results.records if r.state is TrialState.FAILED]
            if failed and self.on_failure == "stop":
                raise TrainingError(f"trial {failed[0].number} failed: {failed[0].reason}")

    def _finish(self, record: TrialRecord) -> None:
        """Report a trial that ended or was interrupted to the search, and update the table."""
        final = self.search.tell(record)
        if final is not record:
            final.save()
        self.results.add(final)
        self.results.save()

    def _launch_batch(self, trials: list[Trial]) -> list[TrialRecord]:
        """Run some trials, and return their records."""
        for trial in trials:
            parameters = " ".join(f"{key}={value}" for key, value in trial.parameters.items())
            print_line(
                f"trial {trial.number} ({trial.number + 1}/{self.search.total}): {parameters}"
            )
        overrides = [self._overrides(trial) for trial in trials]
        try:
            returns = self.launch(overrides, trials[0].number)
        except RunStopped:
            raise  # the run was asked to stop, and its trials can be resumed
        except Exception as error:
            records = load_records(self.folder)
            if all(records[trial.number].state is TrialState.WAITING for trial in trials):
                if isinstance(error, (InputError, HydraException)):
                    raise
                raise InputError(f"hydra.launcher: {one_line(error)}") from error
            return [self._record_of_lost(trial, error) for trial in trials]
        return [
            job.return_value
            if job.status is JobStatus.COMPLETED
            else self._record_of_lost(trial, job)
            for trial, job in zip(trials, returns, strict=True)
        ]

    def _overrides(self, trial: Trial) -> list[str]:
        """Return the overrides of one trial, which resumes from its checkpoint if it has one."""
        folder = self.folder / str(trial.number)
        overrides = [*self.fixed, *(f"{key}={value}" for key, value in trial.parameters.items())]
        overrides += [f"sweep.trial={trial.number}", f"hydra.sweep.subdir='{trial.number}'"]
        overrides += [f"hydra.sweep.dir={quoted(str(self.folder))}"]
        if has_checkpoint(folder):
            overrides.append("ckpt_path=last")
        elif load_record(folder) is not None:
            shutil.rmtree(folder)  # it stopped before its first checkpoint
        TrialRecord(trial.number, trial.parameters, str(folder)).save()
        return overrides

    def _record_of_lost(self, trial: Trial, cause: BaseException | JobReturn) -> TrialRecord:
        """Return the record of a trial whose process was lost; the trial may have ended before."""
        folder = self.folder / str(trial.number)
        record = load_record(folder) or TrialRecord(trial.number, trial.parameters, str(folder))
        if record.state.is_final:
            return record
        error = cause._return_value if isinstance(cause, JobReturn) else cause
        reason = f"its process was lost: {type(error).__name__}: {one_line(error)}"
        record = record.with_state(TrialState.FAILED, reason=reason)
        record.save()
        return record

    def _raise_for_failures(self) -> None:
        failed = [r for r in self.results.records if r.state is TrialState.FAILED]
        n_all = len(self.results.records)
        if failed and (self.on_failure != "ignore" or len(failed) == n_all):
            raise TrainingError(f"{len(failed)} of {n_all} trials failed; see {self.results.file}")

    def _resume_hint(self) -> str:
        return f"to resume, repeat the command with sweep.resume={self.folder}"
