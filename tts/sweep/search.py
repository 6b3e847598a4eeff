"""What a sweep asks of a search: the next trials, and to learn from what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hydra.core.override_parser.types import Override

from tts.sweep.trial_record import TrialRecord


@dataclass(frozen=True)
class Trial:
    """What to try.

    Attributes:
        number: from 0.
        parameters: key to value, as in overrides.
    """

    number: int
    parameters: dict[str, str]


class Search(Protocol):
    """Decides what is tried."""

    @property
    def total(self) -> int:
        """Trials in all."""

    def begin(
        self, space: Mapping[str, Override], folder: Path, records: Mapping[int, TrialRecord]
    ) -> None:
        """Get ready.

        Args:
            space: what is searched, by key.
            folder: of the sweep.
            records: what is there already, of a sweep that is resumed.

        Raises:
            InputError: the space cannot be searched so, or is not the one that was begun with.
        """

    def ask(self, n: int) -> list[Trial]:
        """Up to ``n`` trials to run next, begun ones that were interrupted first; none: done."""

    def tell(self, record: TrialRecord) -> TrialRecord:
        """Learn how a trial ended; gives its record back, as PRUNED if that is what it was."""
