"""Draws the tables and their references for docs/service.md, as Mermaid's entity diagram.

``python -m tts.serving.data.diagram docs/service.md`` puts the drawing into the page again after
the tables have changed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Column, Date, DateTime, Table
from sqlalchemy.sql.sqltypes import TypeEngine

import tts.serving.data.accounts
from tts.core.errors import EXIT_REFUSED
from tts.core.files import replacing
from tts.core.output import print_error
from tts.serving.data.columns import UtcTime

#: Between these lines of a page the diagram stands.
BEGIN, END = "<!-- the tables, drawn from their models -->", "<!-- end of the tables -->"
_PLACE = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
_WORDS: Sequence[tuple[type[TypeEngine[Any]], str]] = (
    (JSON, "json"),
    (DateTime, "time"),
    (Date, "day"),
)


def entity_diagram() -> str:
    """Return the diagram of all tables in the language of Mermaid."""
    tables = tts.serving.data.accounts.JobRow.metadata.sorted_tables
    lines = ["erDiagram"]
    lines += [line for table in tables for line in _references(table)]
    lines += [line for table in tables for line in _entity(table)]
    return "\n".join(lines)


def with_diagram(page: str) -> str:
    """Return a page with the diagram of today between its marks.

    Raises:
        ValueError: the page has no place for it.
    """
    drawing = f"{BEGIN}\n\n```mermaid\n{entity_diagram()}\n```\n\n{END}"
    drawn, places = _PLACE.subn(lambda _: drawing, page)
    if places != 1:
        raise ValueError(f"the page must have the lines {BEGIN} and {END} once")
    return drawn


def update_page(path: Path) -> None:
    """Put the diagram of today into a page."""
    page = with_diagram(path.read_text(encoding="utf-8"))
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _references(table: Table) -> list[str]:
    """Return a line for each reference of a table to another one: none or one, to any number."""
    lines = []
    for column in table.columns:
        for key in column.foreign_keys:
            one = "|o" if column.nullable else "||"
            lines.append(f"    {key.column.table.name} {one}--o{{ {table.name} : {column.name}")
    return lines


def _entity(table: Table) -> list[str]:
    columns = [f"        {_kind(column)} {column.name}{_keys(column)}" for column in table.columns]
    return [f"    {table.name} {{", *columns, "    }"]


def _kind(column: Column[Any]) -> str:
    kind = column.type.impl_instance if isinstance(column.type, UtcTime) else column.type
    for known, word in _WORDS:
        if isinstance(kind, known):
            return word
    return kind.python_type.__name__


def _keys(column: Column[Any]) -> str:
    keys = ["PK"] * column.primary_key + ["FK"] * bool(column.foreign_keys)
    optional = ' "may be null"' if column.nullable else ""
    return (f" {', '.join(keys)}" if keys else "") + optional


def main(arguments: Sequence[str]) -> int:
    """Put the diagram into the page that is named; return the exit status."""
    if len(arguments) != 1 or not Path(arguments[0]).is_file():
        print_error("usage: python -m tts.serving.data.diagram docs/service.md")
        return EXIT_REFUSED
    update_page(Path(arguments[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
