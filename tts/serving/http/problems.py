"""Turns errors into answers, in one of two shapes; a client never sees a stack trace.

Routes that OpenAI has as well (``/v1/audio/...``, ``/v1/models``) answer in its shape, because its
clients read it: ``{"error": {"message", "type", "param", "code"}}``. All others answer with problem
details (RFC 9457).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tts.core.errors import shortened
from tts.serving.errors import FieldFault, ServiceError

#: Paths whose errors have OpenAI's shape.
OPENAI_PATHS = ("/v1/audio/", "/v1/models")
#: Kinds of faults that pydantic finds and that are no matter of a field's type: the body is no JSON
#: at all, or has a text that cannot be written as UTF-8.
_MALFORMED = {"json_invalid": "invalid_json", "string_unicode": "invalid_text"}
_MOST_FAULTS = 20
_LONGEST_DETAIL = 300


def problem_response(path: str, error: ServiceError, request_id: str) -> Response:
    """Return the answer to an error.

    Args:
        path: path of the request, which decides the shape.
        error: what is wrong.
        request_id: number of the request in the log.
    """
    is_openai = path.startswith(OPENAI_PATHS)
    content = _openai_shape(error) if is_openai else _problem_details(error, request_id)
    media_type = "application/json" if is_openai else "application/problem+json"
    # ASCII only: names of fields come from the client, and may hold what UTF-8 cannot
    body = json.dumps(content, ensure_ascii=True).encode("ascii")
    return Response(body, error.status, error.headers, media_type)


def _openai_shape(error: ServiceError) -> dict[str, Any]:
    kinds = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
    kind = kinds.get(error.status, "server_error" if error.status >= 500 else "")
    content: dict[str, Any] = {
        "message": error.message,
        "type": kind or "invalid_request_error",
        "param": error.param,
        "code": error.code,
    }
    if error.faults:
        content["errors"] = _listed(error.faults)
    return {"error": content}


def _problem_details(error: ServiceError, request_id: str) -> dict[str, Any]:
    return {
        "type": f"urn:tacoglow:problem:{error.code}",
        "title": error.code.replace("_", " ").capitalize(),
        "status": error.status,
        "detail": error.message,
        "code": error.code,
        "errors": _listed(error.faults),
        "request_id": request_id,
    }


def _listed(faults: Sequence[FieldFault]) -> list[dict[str, Any]]:
    return [
        {"pointer": fault.pointer, "detail": fault.detail}
        | ({} if fault.offset is None else {"offset": fault.offset})
        for fault in faults
    ]


def validation_error(error: RequestValidationError) -> ServiceError:
    """Return what FastAPI found wrong with a request as an error of this service."""
    faults = list(_faults(error.errors()))
    first = error.errors()[0] if error.errors() else {}
    code = _MALFORMED.get(str(first.get("type")), "invalid_request")
    if code == "invalid_json":
        return ServiceError(code, 400, f"the body is not JSON: {_reason(first)}")
    where = faults[0].pointer if faults else ""
    message = f"{where.lstrip('/') or 'body'}: {faults[0].detail}" if faults else "not understood"
    status = 400 if code == "invalid_text" else 422
    return ServiceError(code, status, message, where.split("/")[-1] or None, faults)


def _faults(errors: Sequence[Mapping[str, Any]]) -> Iterator[FieldFault]:
    for each in errors[:_MOST_FAULTS]:
        place, *names = each.get("loc", ("body",))
        steps = [str(name) for name in names]
        pointer = "/".join(steps) if place in ("query", "header", "path") else _pointer(steps)
        yield FieldFault(shortened(pointer, _LONGEST_DETAIL), shortened(_reason(each), 300))


def _pointer(steps: Sequence[str]) -> str:
    """Return a JSON pointer (RFC 6901)."""
    return "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in steps)


def _reason(fault: Mapping[str, Any]) -> str:
    context = fault.get("ctx") or {}
    if fault.get("type") == "json_invalid":
        return str(context.get("error", "a value is expected"))
    if fault.get("type") == "extra_forbidden":
        return "there is no such field"
    return str(fault.get("msg", "not understood")).removeprefix("Value error, ")


def http_error(error: HTTPException) -> ServiceError:
    """Return an error of Starlette's, such as an unknown path, as one of this service."""
    codes = {400: "invalid_request", 404: "not_found", 413: "body_too_large"}
    phrase = HTTPStatus(error.status_code).phrase
    code = codes.get(error.status_code, phrase.lower().replace(" ", "_"))
    message = {
        404: "there is no such address; /openapi.json lists those that there are",
        405: "this address does not know the method; the header Allow lists those that it knows",
    }.get(error.status_code, str(error.detail or phrase))
    return ServiceError(code, error.status_code, message, headers=dict(error.headers or {}))


def internal_error() -> ServiceError:
    """Return the error that stands for any fault of the service itself."""
    message = "the service failed; its log says why, under this request id"
    return ServiceError("internal_error", 500, message)


def request_id(request: Request) -> str:
    """Return the number of a request, which its answer and the log have."""
    return str(request.scope.get("request_id", ""))
