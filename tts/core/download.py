"""Published files into a folder: resumed, checked, from mirrors, and with a way out when offline.

An interrupted transfer goes on where it stopped if the server can say that the file is still the
same one (HTTP range with ``If-Range``). The SHA-256 is the catalogue's where that has one; where it
has none, the hash of the file that came first is written beside it, and the file has to keep it.

Environment: ``TACOGLOW_MIRROR`` is an address of a folder with the same file names (several: with
spaces between), asked first.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tts.core.errors import InputError
from tts.core.locks import wait_for_lock
from tts.core.progress import download_progress

_log = logging.getLogger(__name__)

TIMEOUT = 30.0
#: How often one address is asked again after a transfer that broke off but had got on.
ATTEMPTS = 5
_CHUNK = 1 << 20
Advance = Callable[[int, int | None], None]


class _InterruptedError(Exception):
    """A transfer ended before its file did."""


class _UnusableError(Exception):
    """An address does not give the file; the message says why."""


class RemoteFile(Protocol):
    """What is known of a file that somebody published."""

    @property
    def name(self) -> str:
        """What it is called in messages."""

    @property
    def file(self) -> str:
        """Its name in the folder."""

    @property
    def urls(self) -> tuple[str, ...]:
        """Where it is, the first choice first."""

    @property
    def sha256(self) -> str | None:
        """Hexadecimal; None where nobody states it."""

    @property
    def size(self) -> int | None:
        """In bytes; None where nobody states it."""


@dataclass(frozen=True)
class SimpleRemoteFile:
    """The plainest ``RemoteFile``."""

    name: str
    file: str
    urls: tuple[str, ...]
    sha256: str | None = None
    size: int | None = None


def download_file(entry: RemoteFile, folder: Path) -> Path:
    """Give a published file, from the folder or from the network.

    Processes that want the same file wait for the one that is loading it.

    Args:
        entry: the file.
        folder: where it lies or will lie.

    Raises:
        InputError: it cannot be had, or is not the file that it should be; the message says which
            file to put where.
    """
    target = folder / entry.file
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with wait_for_lock(Path(f"{target}.lock"), f"downloading {entry.name}"):
            if not target.exists():
                _download(entry, target)
            _check(entry, target)
    except OSError as error:
        raise InputError(f"{target}: cannot be written or read ({error.strerror})") from None
    return target


def remove_download(entry: RemoteFile, folder: Path) -> None:
    """Remove a file that is not needed any more, and what was noted about it."""
    target = folder / entry.file
    for name in (target.name, f"{target.name}.sha256", f"{target.name}.lock"):
        target.with_name(name).unlink(missing_ok=True)


def _download(entry: RemoteFile, target: Path) -> None:
    part, reasons = target.with_name(f"{target.name}.part"), []
    for url in [f"{mirror.rstrip('/')}/{entry.file}" for mirror in _mirrors()] + list(entry.urls):
        try:
            _log.info("downloading %s from %s", entry.name, url)
            with download_progress(entry.file) as advance:
                _transfer(url, part, advance)
            _reject_other_content(entry, part)
            os.replace(part, target)
            _state_file(part).unlink(missing_ok=True)
            return
        except _UnusableError as error:
            reasons.append(f"{url}: {error}")
    raise InputError(
        f"{entry.name}: cannot be downloaded ({'; '.join(reasons)}); put {entry.file}, wherever "
        f"you get it, at {target}"
    )


def _mirrors() -> list[str]:
    """Addresses of the environment, without those that are none."""
    addresses = os.environ.get("TACOGLOW_MIRROR", "").split()
    for address in addresses:
        if "://" not in address:
            _log.warning(
                "TACOGLOW_MIRROR=%s: no address, and not asked; write https://%s", address, address
            )
    return [address for address in addresses if "://" in address]


def _transfer(url: str, part: Path, advance: Advance) -> None:
    """Load an address into a file, going on where an earlier attempt stopped.

    Raises:
        _UnusableError: the address does not answer, or not with the whole of a file.
    """
    for attempt in range(1, ATTEMPTS + 1):
        before = _size(part)
        try:
            return _receive(url, part, advance)
        except HTTPError as error:
            if error.code == 416 and before:  # more than the file has: it is another one
                part.unlink(missing_ok=True)
                continue
            raise _UnusableError(f"HTTP {error.code} {error.reason}") from None
        # ValueError: of an address that cannot be one, such as http://[
        except (_InterruptedError, http.client.HTTPException, OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            if attempt == ATTEMPTS or _size(part) <= before:
                raise _UnusableError(
                    " ".join(str(reason).split()) or type(error).__name__
                ) from None
            _log.info("%s: broke off after %d bytes, going on", url, _size(part))
    raise _UnusableError("broke off again and again")


def _receive(url: str, part: Path, advance: Advance) -> None:
    start = _resumable(url, part)
    headers = {"User-Agent": "tacoglow"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": _state(part)["validator"]}
    with urlopen(Request(url, headers=headers), timeout=TIMEOUT) as answer:
        if answer.status != 206:  # the server knows no ranges, or its file has changed
            start = 0
        length = answer.headers.get("Content-Length")
        total = start + int(length) if length and length.isdigit() else None
        validator = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
        _state_file(part).write_text(json.dumps({"url": url, "validator": validator}))
        with part.open("ab" if start else "wb") as file:
            _copy(answer, file, start, total, advance)
    if total is not None and _size(part) < total:
        raise _InterruptedError(f"broke off after {_size(part)} of {total} bytes")


def _copy(answer: Any, file: BinaryIO, done: int, total: int | None, advance: Advance) -> None:
    advance(done, total)
    while chunk := answer.read1(_CHUNK):
        file.write(chunk)
        done += len(chunk)
        advance(done, total)


def _resumable(url: str, part: Path) -> int:
    """Bytes of this address that are there already, if the server can tell whether they fit."""
    state = _state(part)
    # a weak tag promises likeness, not equality
    strong = state.get("validator", "") and not state["validator"].startswith("W/")
    return _size(part) if strong and state.get("url") == url else 0


def _reject_other_content(entry: RemoteFile, part: Path) -> None:
    """Throw away what is not the published file.

    Raises:
        _UnusableError: with the reason.
    """
    with part.open("rb") as file:
        start = file.read(512).lstrip().lower()
    reason = None
    if start.startswith((b"<!doctype", b"<html")):
        reason = "gives a web page, not the file (it may ask for access)"
    elif entry.size is not None and _size(part) != entry.size:
        reason = f"gives {_size(part)} bytes, the published file has {entry.size}"
    elif entry.sha256 is not None and (found := sha256(part)) != entry.sha256:
        reason = f"gives another file: SHA-256 {found}, published {entry.sha256}"
    if reason is not None:
        part.unlink()
        raise _UnusableError(reason)


def _check(entry: RemoteFile, target: Path) -> None:
    """Compare a file in the cache with its hash, once; without a published one, pin it.

    Raises:
        InputError: it is not the file that it should be.
    """
    pin = target.with_name(f"{target.name}.sha256")
    facts = f"{target.stat().st_size} {target.stat().st_mtime_ns}"
    pinned = pin.read_text().split(maxsplit=1) if pin.exists() else []
    if pinned[1:] == [facts]:
        return
    found = sha256(target)
    wanted = entry.sha256 or (pinned[0] if pinned else None)
    if wanted is not None and found != wanted:
        raise InputError(
            f"{target}: SHA-256 {found}, expected {wanted}: damaged or another file; remove it "
            f"(and {pin.name}) to download it again"
        )
    if wanted is None:
        _log.info("%s: SHA-256 %s (nobody publishes one to compare with)", entry.file, found)
    pin.write_text(f"{found} {facts}")


def sha256(path: Path) -> str:
    """Hash of a file, hexadecimal."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _state_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _state(part: Path) -> dict[str, str]:
    """Where the part of a file came from, and how its server calls that version."""
    try:
        state = json.loads(_state_file(part).read_text())
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}
