"""Defines what a sweep needs from a search: to suggest trials, and to learn from their results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hydra.core.override_parser.types import Override

from tts.sweep.trial_record import TrialRecord


@dataclass(frozen=True)
class Trial:
    """Describes one trial that a search suggests.

    Attributes:
        number: number of the trial, from 0.
        parameters: key to value, as in overrides.
    """

    number: int
    parameters: dict[str, str]


class Search(Protocol):
    """Decides which trials a sweep runs."""

    @property
    def total(self) -> int:
        """Return the number of all trials."""

    def begin(
        self, space: Mapping[str, Override], folder: Path, records: Mapping[int, TrialRecord]
    ) -> None:
        """Prepare the search.

        Args:
            space: overrides to search, by key.
            folder: folder of the sweep.
            records: records of the trials of a sweep that is resumed, by number.

        Raises:
            InputError: this search cannot search the space, or the space is not that of the sweep
                that is resumed.
        """

    def ask(self, n: int) -> list[Trial]:
        """Return up to ``n`` trials to run next, interrupted ones first; none means the end."""

    def tell(self, record: TrialRecord) -> TrialRecord:
        """Learn from the record of a trial; return it, as PRUNED if the trial was pruned."""
