"""Answers whether the service lives, whether it can speak, and what it has done so far."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from tts.serving.http.schemas import problem_answers

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """Says that the process lives."""

    status: str


class Readiness(BaseModel):
    """Says what is ready, part by part."""

    status: str
    checks: dict[str, str]


@router.get("/healthz")
async def get_health() -> Health:
    """Answer as long as the process lives."""
    return Health(status="ok")


@router.get("/readyz", responses=problem_answers(503))
def get_readiness(request: Request) -> Readiness:
    """Tell whether requests can be answered: voices, database, store and room in the queue."""
    return Readiness(status="ok", checks=request.app.state.service.check_ready())


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def get_metrics(request: Request) -> Response:
    """Return the metrics in Prometheus' text format."""
    text = request.app.state.service.metrics.text()
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")
