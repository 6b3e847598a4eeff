"""Lists what became of each weight in a warm start, as a table for the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

#: Reason of a row for a weight of the file that the network does not have.
NO_PLACE = "no place here"


class WarmStartRow(NamedTuple):
    """Says what became of one weight.

    Attributes:
        name: name of the weight.
        status: "loaded", "carried" (row by row for each symbol, or resized), "skipped", or
            "initial" (not in the file).
        reason: a remark for the table.
        part: name in the table; weights of one part with the same status and reason share a line.
    """

    name: str
    status: str
    reason: str = ""
    part: str = ""


@dataclass
class WarmStartReport:
    """Collects the rows of a warm start.

    Attributes:
        source: the file, and which program wrote it.
        description: what the file says about itself, see :func:`tts.pretrained.describe`.
        ignored: parts that the user wants to begin untrained.
        rows: one for each weight of the network or of the file.
        new_symbols: symbols that have no row in the file's embedding; their rows are initialised.
    """

    source: str
    description: Mapping[str, Any] = field(default_factory=dict)
    ignored: Sequence[str] = ()
    rows: list[WarmStartRow] = field(default_factory=list)
    new_symbols: tuple[str, ...] = ()

    @property
    def n_loaded(self) -> int:
        """Return the number of weights that came from the file, whole or in part."""
        return sum(row.status in ("loaded", "carried") for row in self.rows)

    def parts(self, *statuses: str, of_file: bool) -> list[str]:
        """Return the parts that have weights with one of some statuses, as ``"decoder.gate"``.

        Args:
            statuses: "initial" or "skipped".
            of_file: whether to return parts of the file that have no place in the network, instead
                of parts of the network. Those that the user wants to begin untrained are left out.
        """
        names = [
            ".".join(row.name.split(".")[:2])
            for row in self.rows
            if row.status in statuses
            and (row.reason == NO_PLACE) == of_file
            and row.part not in self.ignored
        ]
        return list(dict.fromkeys(names))

    def lines(self) -> list[str]:
        """Return the table as lines of text."""
        groups: dict[tuple[str, str, str], int] = {}
        for row in self.rows:
            key = (row.status, row.part or ".".join(row.name.split(".")[:2]), row.reason)
            groups[key] = groups.get(key, 0) + 1
        width = max((len(part) for _, part, _ in groups), default=0)
        return [f"warm start from {self.source}"] + [
            f"  {status:<8}{part:<{width}}  {reason or _weights(count)}".rstrip()
            for (status, part, reason), count in groups.items()
        ]


def _weights(count: int) -> str:
    return f"{count} weights" if count > 1 else "1 weight"
