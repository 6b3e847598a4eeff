"""Names who asks (``Caller``), and counts the characters that each caller asks for."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from limits import RateLimitItemPerDay, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from tts.serving.errors import ServiceError
from tts.serving.settings import SCOPES


@dataclass(frozen=True)
class Caller:
    """Names who asks.

    Attributes:
        key_id: id of the key, which rows of the database have; never the key itself.
        account: what limits are counted for: the key, or without keys the address.
        scopes: what the caller may do.
        chars_per_minute: the key's own limit, or None for that of the settings.
    """

    key_id: str
    account: str
    scopes: frozenset[str] = frozenset(SCOPES)
    chars_per_minute: int | None = None


class Allowance:
    """Counts the characters that each caller asks for, in a minute and in a day.

    It lives in the memory of one process: behind several, a caller has as many allowances.

    Args:
        per_minute: characters.
        per_day: characters.
    """

    def __init__(self, per_minute: int, per_day: int) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._per_minute, self._per_day = per_minute, per_day

    def take(self, caller: Caller, n_chars: int) -> dict[str, str]:
        """Take characters from a caller's allowance.

        Args:
            caller: who asks.
            n_chars: length of the text.

        Returns:
            The headers that tell how much is left (IETF draft "RateLimit header fields").

        Raises:
            ServiceError: too much was asked for; ``Retry-After`` says when to ask again.
        """
        per_minute = caller.chars_per_minute or self._per_minute
        minute, day = RateLimitItemPerMinute(per_minute), RateLimitItemPerDay(self._per_day)
        for item, name in ((minute, "minute"), (day, "day")):
            if n_chars > item.amount:
                message = f"{n_chars} characters are more than a {name} allows: {item.amount}"
                raise ServiceError("rate_limited", 429, message, headers={"Retry-After": "86400"})
            if not self._limiter.test(item, caller.account, cost=n_chars):
                raise self._refused(item, caller.account, n_chars, name)
        for item in (minute, day):
            self._limiter.hit(item, caller.account, cost=n_chars)
        stats = self._limiter.get_window_stats(minute, caller.account)
        return {
            "RateLimit-Policy": f'"characters";q={per_minute};w=60',
            "RateLimit": f'"characters";r={stats.remaining};t={_seconds_until(stats.reset_time)}',
        }

    def _refused(
        self, item: RateLimitItemPerMinute | RateLimitItemPerDay, account: str, n: int, name: str
    ) -> ServiceError:
        stats = self._limiter.get_window_stats(item, account)
        message = (
            f"{n} characters are more than the {stats.remaining} that are left of {item.amount} "
            f"characters in a {name}"
        )
        seconds = _seconds_until(stats.reset_time)
        return ServiceError("rate_limited", 429, message, headers={"Retry-After": str(seconds)})


def _seconds_until(moment: float) -> int:
    return max(1, math.ceil(moment - time.time()))
