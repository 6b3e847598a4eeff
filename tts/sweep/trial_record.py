"""Keeps the state and the result of one trial in ``trial.json`` of the trial's folder.

The sweep writes the file before it launches a trial; the process that trains writes it when it
begins and when it ends. After its launcher or machine died, a resumed sweep thus knows which trials
are finished and which have to be resumed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

from tts.core.files import replacing

FILE = "trial.json"


class TrialState(str, Enum):
    """Names the states of a trial."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    PRUNED = "PRUNED"
    FAILED = "FAILED"
    INTERRUPTED = "INTERRUPTED"

    @property
    def is_final(self) -> bool:
        """Tell whether the trial is finished, so that a resumed sweep does not run it again."""
        return self in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED)


@dataclass(frozen=True)
class TrialRecord:
    """Holds the state and the result of one trial.

    Attributes:
        number: number of the trial, from 0, which is also the name of its folder.
        parameters: values that the search chose, by key, as written in overrides.
        folder: absolute path of the trial's folder.
        state: current state.
        objective: value of the monitored metric at the end, or where the trial was pruned.
        seconds: duration since the trial was last started.
        reason: one line that says why the trial failed.
        broke_down: the trial failed in training, probably because of its parameters.
        status: exit status of a run that was interrupted.
    """

    number: int
    parameters: dict[str, str]
    folder: str
    state: TrialState = TrialState.WAITING
    objective: float | None = None
    seconds: float = 0.0
    reason: str = ""
    broke_down: bool = False
    status: int = 0

    def with_state(self, state: TrialState, **changes: Any) -> TrialRecord:
        """Return a copy of the record in another state."""
        return replace(self, state=state, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain values, for JSON."""
        return asdict(self) | {"state": self.state.value}

    def save(self) -> None:
        """Write ``trial.json``, completely or not at all."""
        write_text(Path(self.folder) / FILE, json.dumps(self.to_dict(), indent=1) + "\n")


def load_record(folder: Path) -> TrialRecord | None:
    """Return the record in a trial's folder, or None if there is no valid one."""
    try:
        values = json.loads((folder / FILE).read_text())
        # the sweep's folder may have been moved since the record was written
        moved = values | {"state": TrialState(values["state"]), "folder": str(folder)}
        record = TrialRecord(**moved)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return record if _has_right_types(record) else None


def _has_right_types(record: TrialRecord) -> bool:
    """Return whether the values of a record are of the types that a sweep has written."""
    parameters: Any = record.parameters
    objective: Any = record.objective
    return (
        (type(record.number) is int and record.number >= 0)
        and isinstance(parameters, dict)
        and all(isinstance(part, str) for item in parameters.items() for part in item)
        and (objective is None or type(objective) in (int, float))
        and type(record.seconds) in (int, float)
        and isinstance(record.reason, str)
        and type(record.status) is int
    )


def load_records(sweep_dir: Path) -> dict[int, TrialRecord]:
    """Return the records of all trials in a sweep's folder, by number."""
    records = [load_record(path.parent) for path in sweep_dir.glob(f"*/{FILE}")]
    return {record.number: record for record in records if record is not None}


def write_text(path: Path, text: str) -> None:
    """Write a file, completely or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_text(text)
