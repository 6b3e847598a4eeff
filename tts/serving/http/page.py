"""Serves the page at ``/`` and its files; none of them comes from another host."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

router = APIRouter(include_in_schema=False)

_FOLDER = Path(__file__).resolve().parents[1] / "page"
_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}


@router.get("/")
def get_page() -> Response:
    """Return the page."""
    return _answer("index.html")


@router.get("/page/{name}")
def get_page_file(name: str) -> Response:
    """Return a file of the page."""
    return _answer(name)


def _answer(name: str) -> Response:
    # a name is looked up among those that there are, and is never a path
    path = _files().get(name)
    if path is None:
        raise HTTPException(404)
    headers = {"Cache-Control": "no-cache"}
    return Response(path.read_bytes(), 200, headers, _MEDIA_TYPES[path.suffix])


@cache
def _files() -> Mapping[str, Path]:
    return {path.name: path for path in _FOLDER.iterdir() if path.suffix in _MEDIA_TYPES}
