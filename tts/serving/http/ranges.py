"""Answers with a file or a part of it (RFC 9110: ranges, and requests with conditions)."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

import anyio
from starlette.requests import Request
from starlette.responses import Response

from tts.serving.errors import ServiceError
from tts.serving.http.streaming import LiveAnswer

_RANGE = re.compile(r"(\d{0,18})-(\d{0,18})")
_CHUNK = 1 << 16


def file_answer(
    request: Request, content: Path | bytes, etag: str, media_type: str, headers: Mapping[str, str]
) -> Response:
    """Return the answer to GET or HEAD of a file that never changes.

    Args:
        request: its headers ``Range``, ``If-Range`` and ``If-None-Match`` are followed. Of several
            ranges the whole file is the answer, which is always allowed.
        content: the file, or its bytes.
        etag: names its content, without quotes.
        media_type: of the file.
        headers: further headers.

    Raises:
        ServiceError: the range has no form, or begins after the end of the file.
    """
    quoted = f'"{etag}"'
    known = {**headers, "ETag": quoted, "Accept-Ranges": "bytes"}
    if _names(request.headers.get("if-none-match", ""), quoted):
        return Response(status_code=304, headers=known)
    size = len(content) if isinstance(content, bytes) else content.stat().st_size
    chosen = _chosen_range(request, quoted, size)
    first, end = chosen or (0, size)
    status = 200
    if chosen is not None:
        status = 206
        known["Content-Range"] = f"bytes {first}-{end - 1}/{size}"
    known["Content-Length"] = str(end - first)
    if request.method == "HEAD":
        return Response(None, status, {**known, "Content-Type": media_type})
    if isinstance(content, bytes):
        return Response(content[first:end], status, known, media_type)
    return LiveAnswer(_slice(content, first, end), known, media_type, status)


def _names(header: str, etag: str) -> bool:
    names = [name.strip().removeprefix("W/") for name in header.split(",")]
    return etag in names or names == ["*"]


def _chosen_range(request: Request, etag: str, size: int) -> tuple[int, int] | None:
    """Return the begin and the end of the part that is asked for, or None for the whole file."""
    header = request.headers.get("range", "")
    unit, _, text = header.partition("=")
    if unit.strip().lower() != "bytes" or request.headers.get("if-range", etag) != etag:
        return None
    ranges = [_RANGE.fullmatch(each.strip()) for each in text.split(",")]
    if any(each is None or each[0] == "-" for each in ranges):
        raise ServiceError("invalid_range", 400, "Range: write bytes=FIRST-LAST")
    if len(ranges) > 1:
        return None
    found = ranges[0]
    assert found is not None
    first, last = found[1], found[2]
    if first == "":
        begin, end = max(0, size - int(last)), size
    else:
        begin, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < begin:
            raise ServiceError("invalid_range", 400, "Range: it ends before it begins")
    if begin >= end:
        headers = {"Content-Range": f"bytes */{size}"}
        raise ServiceError("range_beyond_end", 416, f"the file has {size} bytes", headers=headers)
    return begin, end


async def _slice(path: Path, first: int, end: int) -> AsyncGenerator[bytes, None]:
    async with await anyio.open_file(path, "rb") as file:
        await file.seek(first)
        while first < end and (data := await file.read(min(_CHUNK, end - first))):
            first += len(data)
            yield data
