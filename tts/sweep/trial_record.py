"""``TrialRecord``: what became of one trial, in ``trial.json`` of its folder.

The sweep writes it before it launches a trial, the process that trains when it begins and when it
ends, so that a sweep whose launcher or machine died knows which trials were finished, and which
have to go on.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

from tts.core.files import replacing

FILE = "trial.json"


class State(str, Enum):
    """Of a trial."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    PRUNED = "PRUNED"
    FAILED = "FAILED"
    INTERRUPTED = "INTERRUPTED"

    @property
    def is_final(self) -> bool:
        """Whether a resumed sweep leaves such a trial alone."""
        return self in (State.COMPLETE, State.PRUNED, State.FAILED)


@dataclass(frozen=True)
class TrialRecord:
    """One trial.

    Attributes:
        number: from 0; its folder has the same name.
        parameters: what was chosen, as it stands in overrides.
        folder: absolute.
        state: so far.
        objective: value of the monitored metric at the end, or where the trial was pruned.
        seconds: that the trial took, since it was last started.
        reason: why it failed, in one line.
        broke_down: it failed in training, so that its parameters are likely to blame.
        status: exit status of a run that was interrupted.
    """

    number: int
    parameters: dict[str, str]
    folder: str
    state: State = State.WAITING
    objective: float | None = None
    seconds: float = 0.0
    reason: str = ""
    broke_down: bool = False
    status: int = 0

    def ended(self, state: State, **changes: Any) -> TrialRecord:
        """The same trial, in another state."""
        return replace(self, state=state, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self) | {"state": self.state.value}

    def save(self) -> None:
        """Write ``trial.json``, whole or not at all."""
        write_text(Path(self.folder) / FILE, json.dumps(self.to_dict(), indent=1) + "\n")


def load_record(folder: Path) -> TrialRecord | None:
    """The record in a trial's folder, if there is one."""
    try:
        values = json.loads((folder / FILE).read_text())
        # a sweep's folder may have been moved
        return TrialRecord(**values | {"state": State(values["state"]), "folder": str(folder)})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def load_records(sweep_dir: Path) -> dict[int, TrialRecord]:
    """All trials of a sweep that have begun, by number."""
    records = [load_record(path.parent) for path in sweep_dir.glob(f"*/{FILE}")]
    return {record.number: record for record in records if record is not None}


def write_text(path: Path, text: str) -> None:
    """Write a file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_text(text)
