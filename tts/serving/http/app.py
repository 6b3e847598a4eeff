"""Puts the routes together (``create_app``), with their errors and their specification."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tts import __version__
from tts.serving.errors import ServiceError
from tts.serving.http import (
    health,
    jobs,
    keys,
    lexicon,
    models,
    page,
    readings,
    renditions,
    speech,
    utterances,
    voices,
)
from tts.serving.http.middleware import Gate, allowed_hosts
from tts.serving.http.problems import (
    OPENAI_PATHS,
    http_error,
    internal_error,
    problem_response,
    request_id,
    validation_error,
)
from tts.serving.http.schemas import Fault, OpenAIError, OpenAIFault, Problem
from tts.serving.service import Service

_ROUTERS = tuple(
    module.router
    for module in (
        *(speech, models, voices, utterances, renditions, jobs, readings, lexicon, keys),
        *(health, page),
    )
)
_DESCRIPTION = (
    "Speech with the voices of this service. Errors under /v1/audio and /v1/models have OpenAI's "
    "shape, all others are problem details (RFC 9457). Every answer has an X-Request-Id."
)


def create_app(service: Service) -> ASGIApp:
    """Return the application that answers for a service."""
    settings = service.settings
    hosts = allowed_hosts(settings.host, settings.hosts)
    return Gate(create_api(service), settings.limits.body_bytes, hosts, service.metrics)


def create_worker_app(service: Service) -> ASGIApp:
    """Return the application of a process that only speaks: it tells how it is, and no more."""
    app = _routes(service, (health.router,), specification_at=None)
    hosts = allowed_hosts(service.settings.worker.host, None)
    return Gate(app, 0, hosts, service.metrics)


def create_api(service: Service | None) -> FastAPI:
    """Return the routes without what stands before them; without a service, for the specification.

    FastAPI's pages of documentation load scripts from other hosts, and are left out.
    """
    app = _routes(service, _ROUTERS, specification_at="/openapi.json")
    app.openapi = lambda: specification(app)  # type: ignore[method-assign]
    return app


def _routes(
    service: Service | None, routers: Iterable[APIRouter], *, specification_at: str | None
) -> FastAPI:
    app = FastAPI(
        title="tacoglow",
        version=__version__,
        openapi_url=specification_at,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = service
    for router in routers:
        app.include_router(router)
    app.add_exception_handler(ServiceError, _service_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(ClientDisconnect, _nobody_listens)
    app.add_exception_handler(Exception, _internal_error)
    return app


async def _service_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)
    return problem_response(request.url.path, error, request_id(request))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problem_response(request.url.path, validation_error(error), request_id(request))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    fault = http_error(error)
    if fault.status == 405:
        # Starlette names the methods of the first route with this path, and there may be several
        fault.headers["Allow"] = ", ".join(sorted(_methods(request.url.path)))
    return problem_response(request.url.path, fault, request_id(request))


async def _internal_error(request: Request, error: Exception) -> Response:
    return problem_response(request.url.path, internal_error(), request_id(request))


async def _nobody_listens(request: Request, error: Exception) -> Response:
    return _NoAnswer()


class _NoAnswer(Response):
    """Sends nothing, because the client has left."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        return


def _methods(path: str) -> set[str]:
    return {
        method
        for route in _api_routes()
        if route.path_regex.match(path)
        for method in route.methods or ()
    }


def _api_routes() -> Iterator[APIRoute]:
    for router in _ROUTERS:
        yield from (route for route in router.routes if isinstance(route, APIRoute))


def specification(app: FastAPI) -> dict[str, Any]:
    """Return the specification in OpenAPI 3.1, without what FastAPI alone would answer."""
    if app.openapi_schema is not None:
        return app.openapi_schema
    content = get_openapi(
        title=app.title, version=app.version, description=_DESCRIPTION, routes=app.routes
    )
    schemas = content.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for model in (Fault, Problem, OpenAIFault, OpenAIError):
        own = model.model_json_schema(ref_template="#/components/schemas/{model}")
        own.pop("$defs", None)
        schemas[model.__name__] = own
    for path, methods in content["paths"].items():
        for operation in methods.values():
            _describe_invalid(path, operation)
    app.openapi_schema = content
    return content


def _describe_invalid(path: str, operation: dict[str, Any]) -> None:
    """Replace FastAPI's description of an invalid request by that of this service."""
    answers = operation["responses"]
    if "HTTPValidationError" not in str(answers.get("422", "")):
        return
    is_openai = path.startswith(OPENAI_PATHS)
    media = "application/json" if is_openai else "application/problem+json"
    model = "OpenAIError" if is_openai else "Problem"
    schema = {"$ref": f"#/components/schemas/{model}"}
    answers["422"] = {"description": "Unprocessable", "content": {media: {"schema": schema}}}
