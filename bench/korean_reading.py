"""Measures how Korean numbers, dates, units and signs are read.

    python -m bench.korean_reading [TABLE ...] [--show]

A table has the columns rule, written and spoken; a ``|`` separates readings that are equally right.
Spaces and punctuation do not count, because a reader may write 삼 층 and 삼층. The tables of the
tests are measured if none is named. ``korean_numbers.tsv`` was written before the reader.
``korean_sentences.tsv`` was written after it, and the reader was then corrected by it.
``korean_unseen.tsv`` was written last, and nothing was corrected by it.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.lines import read_lines
from tts.core.errors import InputError
from tts.text.cleaners import CLEANERS

_FOLDER = Path(__file__).parent.parent / "tests" / "text"
_NAMES = ("numbers", "sentences", "unseen")
TABLES = tuple(_FOLDER / f"korean_{name}.tsv" for name in _NAMES)
_SILENT = re.compile(r"[\W_]+")


class WrittenRow(NamedTuple):
    """Holds one row of a table."""

    rule: str
    written: str
    spoken: tuple[str, ...]


def read_table(path: Path) -> list[WrittenRow]:
    """Read a table of written and spoken Korean.

    Raises:
        InputError: the file cannot be read, or a line does not have three columns.
    """
    rows = []
    for number, line in enumerate(read_lines(path), start=1):
        cells = line.split("\t")
        if len(cells) != 3 or not all(cells):
            raise InputError(f"{path}:{number}: write rule, written and spoken, with tabs between")
        rows.append(WrittenRow(cells[0], cells[1], tuple(cells[2].split("|"))))
    return rows


def is_right(read: str, row: WrittenRow) -> bool:
    """Return whether a reading is one of those of a row, but for spaces and punctuation."""
    return _SILENT.sub("", read) in {_SILENT.sub("", spoken) for spoken in row.spoken}


def wrong_rows(
    reader: Callable[[str], str], rows: Iterable[WrittenRow]
) -> list[tuple[WrittenRow, str]]:
    """Return the rows that are read in another way, and how."""
    readings = ((row, reader(row.written)) for row in rows)
    return [(row, read) for row, read in readings if not is_right(read, row)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the share of rows that are read right, and with --show the others."""
    parser = argparse.ArgumentParser(prog="python -m bench.korean_reading", description=__doc__)
    parser.add_argument("tables", nargs="*", type=Path, default=TABLES, metavar="TABLE")
    parser.add_argument("--show", action="store_true", help="list the rows that are read wrong")
    options = parser.parse_args(arguments)
    for path in options.tables:
        try:
            rows = read_table(path)
        except InputError as error:
            sys.stderr.write(f"error: {error}\n")
            return 2
        wrong = wrong_rows(CLEANERS["korean"], rows)
        right = len(rows) - len(wrong)
        print(f"{path.name}: {right} of {len(rows)} rows are read right: {right / len(rows):.1%}")
        missed = Counter(row.rule for row, _ in wrong)
        for rule, total in Counter(row.rule for row in rows).items():
            print(f"  {rule:20} {total - missed[rule]:3} of {total}")
        if options.show:
            for row, read in wrong:
                print(f"  {row.rule}: {row.written!r} is read {read!r}, not {row.spoken[0]!r}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
