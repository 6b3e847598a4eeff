"""Finds quotation marks that are not in pairs, which merge rows of a table.

From a mark at the beginning of a field on, everything up to the next mark is one field, also line
ends and delimiters. If the mark belongs to the text, and another text ends with a mark some lines
below, then the rows between the two become one row, with several texts and the first recording.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from typing import Any

_REMEDY = "close it, double it or remove it; data.quoted=false takes all quotation marks for text"


def merged_rows_fault(
    begin: int,
    lines: Sequence[str],
    delimiter: str,
    width: int,
    place: int,
    is_recording: Callable[[str], bool],
) -> str | None:
    """Return what is wrong with a row of several lines if they look like rows of their own.

    Args:
        begin: number of its first line.
        lines: the lines of the row.
        delimiter: the delimiter of the table.
        width: number of fields of a row.
        place: place of the recording among them.
        is_recording: tells whether a field names a recording.
    """
    for number, line in enumerate(lines[1:], begin + 1):
        fields = [field.strip(" \t\r\n\"'") for field in line.split(delimiter)]
        # delimiters in a quoted text move the fields behind it, so they are counted from both ends
        cells = (fields[place], fields[place - width]) if len(fields) >= width else ()
        if any(map(is_recording, cells)):
            return (
                f"a quotation mark opens here and is closed in line {begin + len(lines) - 1}, but "
                f"line {number} begins another row, {line.strip()[:40]!r}; {_REMEDY}"
            )
    return None


def open_quote_fault(lines: Sequence[str], dialect: dict[str, Any]) -> str | None:
    """Return what is wrong with the last row of a table if a quotation mark in it stays open."""
    if "quotechar" in dialect or '"' not in "".join(lines):
        return None
    behind = ["".join(lines).rstrip("\r\n") + "\n", "another row\n"]
    if len(list(csv.reader(behind, **dialect))) > 1:
        return None
    return f"a quotation mark opens here and is never closed; {_REMEDY}"
