"""Defines the one error of the speech service; the HTTP part turns it into an answer.

Nothing here knows HTTP beyond the number of a status, so that the engine, the store and the queue
can raise it as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FieldFault:
    """Says what is wrong with one value of a request.

    Attributes:
        pointer: where it is: a JSON pointer into the body ("/input"), or the name of a parameter.
        detail: what is wrong with it.
        offset: for a character of a text: its place, counted from 0.
    """

    pointer: str
    detail: str
    offset: int | None = None


class ServiceError(Exception):
    """Reports a request that cannot be answered as it was asked for.

    Args:
        code: a stable name for programs, such as ``"text_too_long"``.
        status: the HTTP status.
        message: one sentence for people that says what is wrong and what to do.
        param: the name of the parameter that is at fault, if it is one.
        faults: the faults one by one, if there are several or they have places.
        headers: HTTP headers of the answer, such as ``Retry-After``.
    """

    def __init__(
        self,
        code: str,
        status: int,
        message: str,
        param: str | None = None,
        faults: Sequence[FieldFault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.message = message
        self.param = param
        self.faults = tuple(faults)
        self.headers = dict(headers or {})


def busy(message: str, seconds: float, status: int = 503) -> ServiceError:
    """Return the error of a service that has too much to do, with the time to wait.

    Args:
        message: what is full.
        seconds: when to try again.
        status: 503 if the whole service is busy, 429 if it is this client alone.
    """
    code = "rate_limited" if status == 429 else "busy"
    return ServiceError(code, status, message, headers={"Retry-After": str(max(1, round(seconds)))})
