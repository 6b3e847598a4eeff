"""Counts what each account asks for, in the database, so that all processes know one number.

Time is divided into periods of equal length. What was asked for in the last period's time is taken
to be what this period has, and of the period before the share that is not over yet, as if that had
come evenly. A count needs one row then, however much is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from tts.serving.data.accounts import AllowanceRow
from tts.serving.data.database import database_time
from tts.serving.data.inserting import find_or_add


@dataclass(frozen=True)
class Tally:
    """Holds what one account has asked for, in the present period and in the one before.

    Attributes:
        seconds: length of a period.
        elapsed: seconds since the present one has begun.
        now: amount of the present period.
        before: amount of the period before.
    """

    seconds: int
    elapsed: float
    now: int
    before: int

    @property
    def used(self) -> float:
        """Return the amount in the last ``seconds``."""
        return self.now + self.before * (1 - self.elapsed / self.seconds)

    @property
    def seconds_left(self) -> float:
        """Return when the present period ends, seconds."""
        return self.seconds - self.elapsed

    def wait_for(self, n: int, limit: int) -> float:
        """Return after how many seconds ``n`` more are within a limit of at least ``n``."""
        if self.used + n <= limit:
            return 0.0
        if self.now + n <= limit:  # as soon as enough of the period before is over
            share = 1 - (limit - self.now - n) / self.before
            return share * self.seconds - self.elapsed
        # what this period has is the past of the next one
        return self.seconds_left + (1 - (limit - n) / self.now) * self.seconds


def allowance_row(session: Session, account: str, seconds: int, now: datetime) -> AllowanceRow:
    """Return the counts of an account, brought to the present period and locked.

    Args:
        session: in a transaction that may write. Who needs several periods takes the shorter one
            first, so that nobody waits for somebody who waits for him.
        account: the key, or where no key is needed the address.
        seconds: length of the periods.
        now: the time of the database.
    """
    period = _period(now, seconds)
    row, _ = find_or_add(
        session,
        lambda: session.get(AllowanceRow, (account, seconds), with_for_update=True),
        lambda: AllowanceRow(
            account=account,
            seconds=seconds,
            period=period,
            requests=0,
            characters=0,
            requests_before=0,
            characters_before=0,
        ),
    )
    if row.period < period:
        is_next = row.period == period - 1
        row.requests_before = row.requests if is_next else 0
        row.characters_before = row.characters if is_next else 0
        row.period, row.requests, row.characters = period, 0, 0
    return row


def tally_of(row: AllowanceRow, unit: str, now: datetime) -> Tally:
    """Return one of the counts of a row; ``unit`` is ``"requests"`` or ``"characters"``."""
    elapsed = min(max(now.timestamp() - row.period * row.seconds, 0.0), float(row.seconds))
    return Tally(row.seconds, elapsed, getattr(row, unit), getattr(row, f"{unit}_before"))


def forget_allowances(session: Session) -> None:
    """Remove counts that matter no more, because both of their periods are over."""
    now = database_time(session)
    for seconds in (60, 86_400):
        session.execute(
            delete(AllowanceRow).where(
                AllowanceRow.seconds == seconds, AllowanceRow.period < _period(now, seconds) - 1
            )
        )


def _period(moment: datetime, seconds: int) -> int:
    """Return the number of a period since the begin of 1970."""
    return int(moment.timestamp() // seconds)
