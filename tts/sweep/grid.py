"""Searches a grid: every combination of the given values, the last key changing fastest."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path

from hydra.core.override_parser.types import Override

from tts.core.errors import InputError
from tts.sweep.search import Trial
from tts.sweep.trial_record import TrialRecord


class GridSearch:
    """Suggests all combinations, in order."""

    def __init__(self) -> None:
        self._waiting: list[Trial] = []
        self.total = 0

    def begin(
        self, space: Mapping[str, Override], folder: Path, records: Mapping[int, TrialRecord]
    ) -> None:
        """Make the list of trials, without those that have a final record.

        Raises:
            InputError: a key has an interval, which is no list of values, or the grid is not that
                of the sweep that is resumed.
        """
        for key, override in space.items():
            if not override.is_discrete_sweep():
                raise InputError(f"{key}={override.get_value_string()}: a grid needs single values")
        values = [list(override.sweep_string_iterator()) for override in space.values()]
        grid = [
            Trial(number, dict(zip(space, combination, strict=True)))
            for number, combination in enumerate(itertools.product(*values))
        ]
        for number, record in records.items():
            if number >= len(grid) or grid[number].parameters != record.parameters:
                raise InputError(f"{folder}: trial {number} was of another grid; repeat its values")
        self.total = len(grid)
        final = {number for number, record in records.items() if record.state.is_final}
        self._waiting = [trial for trial in grid if trial.number not in final]

    def ask(self, n: int) -> list[Trial]:
        """Return the next ``n`` trials."""
        trials, self._waiting = self._waiting[:n], self._waiting[n:]
        return trials

    def tell(self, record: TrialRecord) -> TrialRecord:
        """Return the record unchanged: a grid learns nothing from its trials."""
        return record
