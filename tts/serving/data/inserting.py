"""Adds rows that another process may be adding at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import inspect
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tts.serving.data.columns import Row

RowType = TypeVar("RowType", bound=Row)

_TRIES = 5


def find_or_add(
    session: Session, find: Callable[[], RowType | None], make: Callable[[], RowType]
) -> tuple[RowType, bool]:
    """Return a row that exists or a new one, and whether it is new.

    Where two processes add the same row, the database refuses the later one by a unique index, and
    the row of the first is found then. A row that is found may be gone again, so it tries anew.

    Args:
        session: in a transaction that may write.
        find: looks for the row.
        make: makes it.

    Raises:
        IntegrityError: the row breaks another rule of the database.
    """
    for tries in range(_TRIES):
        if (row := find()) is not None:
            return row, False
        row = make()
        try:
            with session.begin_nested():
                session.add(row)
        except IntegrityError:
            if tries == _TRIES - 1:
                raise
        else:
            return row, True
    raise AssertionError("unreachable")


def put_row(session: Session, row: RowType) -> RowType:
    """Add a row, or give its values to the row with its key; return the row of the session.

    ``Session.merge`` would fail where another process adds the row at the same moment.

    Args:
        session: in a transaction that may write.
        row: with values for all columns; it belongs to no session.
    """
    mapper = inspect(type(row))
    key = tuple(mapper.primary_key_from_instance(row))
    values = {column.key: getattr(row, column.key) for column in mapper.column_attrs}
    kept, is_new = find_or_add(
        session, lambda: session.get(type(row), key), lambda: type(row)(**values)
    )
    if not is_new:
        for name, value in values.items():
            setattr(kept, name, value)
    return kept
