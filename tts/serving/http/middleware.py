"""Stands before all routes: request ids, Host header, size of bodies, headers, and the log.

It is plain ASGI, because Starlette's own base class for this reads whole bodies and hides that a
client has left.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tts.serving.errors import ServiceError
from tts.serving.http.problems import internal_error, problem_response
from tts.serving.metrics import Metrics
from tts.serving.settings import LOOPBACK_NAMES, is_loopback

#: A request id of a client is taken over if it is harmless in a log.
_HARMLESS_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
#: Headers of every answer. The page loads nothing from other hosts, and nothing frames it.
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
}

_log = logging.getLogger("tts.serving.access")


class CutSound(Exception):  # noqa: N818 - nothing is wrong with the program
    """Ends an answer whose first bytes are out, without its last chunk, so that it is not complete.

    Args:
        reason: why, for the log.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass
class _Exchange:
    """Holds what is known of one request and its answer."""

    id: str
    path: str
    method: str
    begin: float = field(default_factory=time.perf_counter)
    status: int = 0
    n_read: int = 0
    note: str | None = None


class Gate:
    """Wraps an ASGI application.

    Args:
        app: what answers.
        most_bytes: largest body of a request.
        hosts: names that the Host header may have, or None for any.
        metrics: counts answers.
    """

    def __init__(
        self, app: ASGIApp, most_bytes: int, hosts: frozenset[str] | None, metrics: Metrics
    ) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._hosts = hosts
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        exchange = _Exchange(_request_id(headers), scope["path"], scope["method"])
        scope["request_id"] = exchange.id
        answer = _answering(exchange, send)
        try:
            self._check(headers)
            await self._app(scope, self._counted(exchange, receive), answer)
        except ServiceError as error:
            if exchange.status:
                exchange.note = error.code
                return  # the server closes the connection, because the answer is not complete
            await problem_response(exchange.path, error, exchange.id)(scope, receive, answer)
        except CutSound as error:
            exchange.note = error.reason
        except ClientDisconnect:
            exchange.note = "the client has left"
        except Exception:
            _log.exception("request %s failed", exchange.id, extra={"request_id": exchange.id})
            if not exchange.status:
                response = problem_response(exchange.path, internal_error(), exchange.id)
                await response(scope, receive, answer)
        else:
            exchange.note = None if exchange.status else "the client has left"
        finally:
            self._record(exchange, scope)

    def _check(self, headers: Headers) -> None:
        """Refuse a foreign Host header, and a body whose stated length is too large.

        A page of another host whose name leads to this machine (DNS rebinding) sends its own name.
        """
        if self._hosts is not None and _host_name(headers.get("host", "")) not in self._hosts:
            raise ServiceError(
                "wrong_host", 400, "the Host header is none of the names of this service"
            )
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit():
            raise ServiceError("invalid_request", 400, "Content-Length is no number")
        if len(length) > 15 or int(length) > self._most_bytes:
            raise self._too_large()

    def _too_large(self) -> ServiceError:
        message = f"the body is too large; at most {self._most_bytes} bytes are read"
        return ServiceError("body_too_large", 413, message, headers={"Connection": "close"})

    def _counted(self, exchange: _Exchange, receive: Receive) -> Receive:
        async def counted() -> Message:
            message = await receive()
            exchange.n_read += len(message.get("body", b""))
            if exchange.n_read > self._most_bytes:
                # FastAPI hands on errors of this kind alone, while it reads a body
                error = self._too_large()
                raise HTTPException(error.status, error.message, error.headers)
            return message

        return counted

    def _record(self, exchange: _Exchange, scope: Scope) -> None:
        seconds = time.perf_counter() - exchange.begin
        route = getattr(scope.get("route"), "path", "none")
        self._metrics.answered(exchange.method, route, exchange.status, seconds)
        # healthy probes every few seconds would hide everything else
        level = logging.DEBUG if route in ("/healthz", "/readyz", "/metrics") else logging.INFO
        note = f" ({exchange.note})" if exchange.note else ""
        _log.log(
            level,
            "%s %s %d %.0f ms %s%s",
            *(exchange.method, exchange.path, exchange.status, 1000 * seconds, exchange.id, note),
            extra={
                "request_id": exchange.id,
                "method": exchange.method,
                "path": exchange.path,
                "status": exchange.status,
                "seconds": round(seconds, 4),
                "key": scope.get("key_id"),
                "note": exchange.note,
            },
        )


def _answering(exchange: _Exchange, send: Send) -> Send:
    async def answering(message: Message) -> None:
        if message["type"] == "http.response.start":
            exchange.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = exchange.id
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return answering


def _request_id(headers: Mapping[str, str]) -> str:
    given = headers.get("x-request-id", "")
    return given if _HARMLESS_ID.fullmatch(given) else secrets.token_hex(8)


def allowed_hosts(host: str, names: Collection[str] | None) -> frozenset[str] | None:
    """Return the names that the Host header may have, or None for any.

    Args:
        host: address at which the service listens.
        names: what the settings say of them, or None.
    """
    if names is not None:
        return frozenset(name.lower() for name in names)
    if is_loopback(host):
        return frozenset((*LOOPBACK_NAMES, host.lower()))
    return None


def _host_name(header: str) -> str:
    """Return the host of a Host header without its port."""
    try:
        return (urlsplit(f"//{header}").hostname or "").lower()
    except ValueError:
        return ""
