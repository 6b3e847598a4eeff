"""Refuses bodies that are no JSON, and clients that do not accept what a route answers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from fastapi import Depends, Request

from tts.serving.errors import ServiceError


async def _require_json(request: Request) -> None:
    # another type would let a page of any host send requests without asking first (CORS)
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != "application/json":
        message = "send the body as JSON, with the header Content-Type: application/json"
        headers = {"Accept": "application/json"}
        raise ServiceError("unsupported_media_type", 415, message, headers=headers)


def _require_accepted(*media_types: str) -> Callable[[Request], Coroutine[Any, Any, None]]:
    async def check(request: Request) -> None:
        accepted = ",".join(request.headers.getlist("accept"))
        if accepted and not any(_matches(each, media_types) for each in _ranges(accepted)):
            message = f"this address answers {' or '.join(media_types)}, which Accept excludes"
            raise ServiceError("not_acceptable", 406, message)

    return check


def _ranges(accept: str) -> Iterator[str]:
    """Yield the media ranges of an Accept header that a client does not exclude by ``q=0``."""
    for each in accept.lower().split(","):
        name, *parameters = (part.strip() for part in each.split(";"))
        weights = [p.partition("=")[2].strip() for p in parameters if p.startswith("q=")]
        if name and not any(weight.strip("0.") == "" for weight in weights):
            yield name


def _matches(accepted: str, media_types: tuple[str, ...]) -> bool:
    if accepted in ("*", "*/*"):
        return True
    kind, _, subtype = accepted.partition("/")
    return any(
        accepted == name or (subtype == "*" and name.startswith(f"{kind}/")) for name in media_types
    )


#: Dependencies of routes: the body is JSON; the client accepts JSON, or what else is named.
JSON_BODY = Depends(_require_json)
ACCEPTS_JSON = Depends(_require_accepted("application/json", "application/problem+json"))
ACCEPTS_EVENTS = Depends(_require_accepted("text/event-stream"))
