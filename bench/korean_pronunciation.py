"""Measures how Korean is pronounced: by ko-speech-tools alone, and with the project's own words.

    python -m bench.korean_pronunciation [TABLE ...] [--show]

A table has the columns paragraph (of the standard, 표준발음법), written and pronounced; a ``|``
separates pronunciations that are equally right. Spaces do not count. The tables of the tests are
measured if none is named. ``korean_pronunciations.tsv`` has the examples of the standard, and was
written before the project's own words. ``..._corrected.tsv`` was written after them, and its errors
were corrected. ``..._unseen.tsv`` was written after that.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.korean_reading import WrittenRow, read_table, wrong_rows
from tts.core.errors import InputError
from tts.text.korean.pronunciation import package_converter, pronounced

_FOLDER = Path(__file__).parent.parent / "tests" / "text"
TABLES = tuple(
    _FOLDER / f"korean_pronunciations{ending}.tsv" for ending in ("", "_corrected", "_unseen")
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the share of rows that are pronounced right, and with --show the others."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.korean_pronunciation", description=__doc__
    )
    parser.add_argument("tables", nargs="*", type=Path, default=TABLES, metavar="TABLE")
    parser.add_argument("--show", action="store_true", help="list the rows that are wrong")
    options = parser.parse_args(arguments)
    try:
        systems = {"ko-speech-tools alone": package_converter(), "with own words": pronounced}
        for path in options.tables:
            rows = read_table(path)
            for name, pronounce in systems.items():
                _print_result(path, name, pronounce, rows, options.show)
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


def _print_result(
    path: Path, name: str, pronounce: Callable[[str], str], rows: Sequence[WrittenRow], show: bool
) -> None:
    wrong = wrong_rows(pronounce, rows)
    right = len(rows) - len(wrong)
    print(f"{path.name}, {name}: {right} of {len(rows)} rows are right: {right / len(rows):.1%}")
    missed = Counter(row.rule for row, _ in wrong)
    totals = Counter(row.rule for row in rows)
    print(
        "  " + ", ".join(f"{rule}: {totals[rule] - missed[rule]}/{totals[rule]}" for rule in totals)
    )
    for row, said in wrong if show else ():
        print(f"  {row.rule}: {row.written!r} is said {said!r}, not {row.spoken[0]!r}")


if __name__ == "__main__":
    sys.exit(main())
