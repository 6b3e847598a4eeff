"""Names who asks (``Caller``), and limits what each caller asks for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy.orm import Session

from tts.serving.data.allowances import Tally, allowance_row, tally_of
from tts.serving.data.database import Database, database_time
from tts.serving.errors import ServiceError
from tts.serving.settings import SCOPES

_MINUTE, _DAY = 60, 86_400
_NAMES = {_MINUTE: "minute", _DAY: "day"}


@dataclass(frozen=True)
class Caller:
    """Names who asks.

    Attributes:
        key_id: id of the key, which rows of the database have; never the key itself.
        account: what limits are counted for: the key, or without keys the address.
        scopes: what the caller may do.
        chars_per_minute: the key's own limit, or None for that of the settings.
        requests_per_minute: the key's limit of requests for speech or readings, or None.
    """

    key_id: str
    account: str
    scopes: frozenset[str] = frozenset(SCOPES)
    chars_per_minute: int | None = None
    requests_per_minute: int | None = None

    @property
    def sees_all(self) -> bool:
        """Return whether the caller sees also what others have asked for."""
        return "admin" in self.scopes


@dataclass(frozen=True)
class _Limit:
    """Names a limit: so many units in so many seconds."""

    unit: str
    amount: int
    seconds: int


class Allowance:
    """Limits the characters and the requests of each caller, in a minute and in a day.

    The counts are in the database, so that they are the same for all processes that share it.

    Args:
        database: has the counts.
        per_minute: characters.
        per_day: characters.
    """

    def __init__(self, database: Database, per_minute: int, per_day: int) -> None:
        self._database = database
        self._per_minute, self._per_day = per_minute, per_day

    def take(self, caller: Caller, n_chars: int) -> dict[str, str]:
        """Take one request with its characters from a caller's allowance.

        Args:
            caller: who asks.
            n_chars: length of the text.

        Returns:
            The headers that tell how much is left (IETF draft "RateLimit header fields").

        Raises:
            ServiceError: too much was asked for; ``Retry-After`` says when to ask again.
        """
        limits = list(self._limits(caller))
        for limit in limits:
            if _cost(limit, n_chars) > limit.amount:
                name = _NAMES[limit.seconds]
                message = f"{n_chars} characters are more than a {name} allows: {limit.amount}"
                raise ServiceError("rate_limited", 429, message, headers={"Retry-After": "86400"})
        with self._database.write() as session:
            tallies = _take(session, caller.account, n_chars, limits)
        shown = [limit for limit in limits if limit.seconds == _MINUTE]
        return {
            "RateLimit-Policy": ", ".join(f'"{each.unit}";q={each.amount};w=60' for each in shown),
            "RateLimit": ", ".join(_left(each, tallies[each]) for each in shown),
        }

    def _limits(self, caller: Caller) -> Iterator[_Limit]:
        yield _Limit("characters", caller.chars_per_minute or self._per_minute, _MINUTE)
        if caller.requests_per_minute is not None:
            yield _Limit("requests", caller.requests_per_minute, _MINUTE)
        yield _Limit("characters", self._per_day, _DAY)


def _take(
    session: Session, account: str, n_chars: int, limits: list[_Limit]
) -> dict[_Limit, Tally]:
    """Add a request to the counts if all limits allow it; return the counts after it."""
    now = database_time(session)
    rows = {seconds: allowance_row(session, account, seconds, now) for seconds in (_MINUTE, _DAY)}
    for limit in limits:
        tally = tally_of(rows[limit.seconds], limit.unit, now)
        if wait := tally.wait_for(_cost(limit, n_chars), limit.amount):
            raise _refused(limit, n_chars, tally, wait)
    for row in rows.values():
        row.requests += 1
        row.characters += n_chars
    return {limit: tally_of(rows[limit.seconds], limit.unit, now) for limit in limits}


def _cost(limit: _Limit, n_chars: int) -> int:
    return n_chars if limit.unit == "characters" else 1


def _refused(limit: _Limit, n_chars: int, tally: Tally, wait: float) -> ServiceError:
    left = max(0, math.floor(limit.amount - tally.used))
    asked = f"{n_chars} characters" if limit.unit == "characters" else "a request"
    message = (
        f"{asked} would be more than the {left} that are left of {limit.amount} {limit.unit} in a "
        f"{_NAMES[limit.seconds]}"
    )
    headers = {"Retry-After": str(max(1, math.ceil(wait)))}
    return ServiceError("rate_limited", 429, message, headers=headers)


def _left(limit: _Limit, tally: Tally) -> str:
    left = max(0, math.floor(limit.amount - tally.used))
    return f'"{limit.unit}";r={left};t={max(1, math.ceil(tally.seconds_left))}'
