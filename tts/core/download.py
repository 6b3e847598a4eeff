"""Downloads published files into a folder: resumed, verified, and from mirrors.

An interrupted transfer resumes if the server can confirm that the file is still the same (HTTP
range with ``If-Range``). The SHA-256 of a file comes from its description. Where nobody publishes
one, the hash of the first download is stored next to the file, and later files must have it too.

Environment: ``TACOGLOW_MIRROR`` holds addresses of folders with the same file names, separated by
spaces; they are tried first.
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
from tts.core.files import no_follow, replacing
from tts.core.locks import wait_for_lock
from tts.core.progress import download_progress

_log = logging.getLogger(__name__)

#: Seconds to wait for an answer.
TIMEOUT = 30.0
#: How often one address is tried, as long as each attempt transfers at least a part.
ATTEMPTS = 5
_CHUNK = 1 << 20
Advance = Callable[[int, int | None], None]


class _InterruptedError(Exception):
    """Says that a transfer ended before its file did."""


class _UnusableError(Exception):
    """Says why an address does not give the file."""


class RemoteFile(Protocol):
    """Describes a file that somebody has published."""

    @property
    def name(self) -> str:
        """The name of the content, for messages."""

    @property
    def file(self) -> str:
        """The name of the file in the folder."""

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses of the file, the preferred one first."""

    @property
    def sha256(self) -> str | None:
        """The published hash, in hexadecimal; None if there is none."""

    @property
    def size(self) -> int | None:
        """The published size in bytes; None if there is none."""


@dataclass(frozen=True)
class SimpleRemoteFile:
    """Holds the facts of a :class:`RemoteFile` and nothing else."""

    name: str
    file: str
    urls: tuple[str, ...]
    sha256: str | None = None
    size: int | None = None


def download_file(entry: RemoteFile, folder: Path) -> Path:
    """Return the path of a published file; download it if it is not in the folder yet.

    Processes that need the same file wait for the one that downloads it.

    Args:
        entry: the file.
        folder: where the file is, or is to be stored.

    Raises:
        InputError: no address gives the file, or it is another file than the published one; the
            message says which file to put where.
    """
    target = folder / entry.file
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with wait_for_lock(Path(f"{target}.lock"), f"downloading {entry.name}"):
            if not target.exists():
                _download(entry, target)
            _check_hash(entry, target)
    except OSError as error:
        raise InputError(f"{target}: cannot be written or read ({error.strerror})") from None
    return target


def remove_download(entry: RemoteFile, folder: Path) -> None:
    """Remove a downloaded file that is no longer needed, with its hash and its lock."""
    target = folder / entry.file
    for name in (target.name, f"{target.name}.sha256", f"{target.name}.lock"):
        target.with_name(name).unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


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
        f"{entry.name}: cannot be downloaded ({'; '.join(reasons)}); get {entry.file} in another "
        f"way and put it at {target}"
    )


def _mirrors() -> list[str]:
    """Return the addresses of the environment; warn of words that are no addresses."""
    addresses = os.environ.get("TACOGLOW_MIRROR", "").split()
    for address in addresses:
        if "://" not in address:
            _log.warning(
                "TACOGLOW_MIRROR=%s: not an address, so it is not used; write https://%s",
                address,
                address,
            )
    return [address for address in addresses if "://" in address]


def _transfer(url: str, part: Path, advance: Advance) -> None:
    """Load the file at an address into ``part``, from where an earlier attempt stopped.

    Raises:
        _UnusableError: the address does not answer, or does not give a whole file.
    """
    for attempt in range(1, ATTEMPTS + 1):
        before = _size(part)
        try:
            return _receive(url, part, advance)
        except HTTPError as error:
            if error.code == 416 and before:  # the part is longer than the file: another file
                part.unlink(missing_ok=True)
                continue
            raise _UnusableError(f"HTTP {error.code} {error.reason}") from None
        # urllib raises ValueError for an address that cannot be one, such as http://[
        except (_InterruptedError, http.client.HTTPException, OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            if attempt == ATTEMPTS or _size(part) <= before:
                raise _UnusableError(
                    " ".join(str(reason).split()) or type(error).__name__
                ) from None
            _log.info("%s: broke off after %d bytes; resuming", url, _size(part))
    raise _UnusableError("broke off again and again")


def _receive(url: str, part: Path, advance: Advance) -> None:
    start = _resumable_size(url, part)
    headers = {"User-Agent": "tacoglow"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": _state(part)["validator"]}
    with urlopen(Request(url, headers=headers), timeout=TIMEOUT) as answer:
        if answer.status != 206:  # the server has no ranges, or its file has changed
            start = 0
        length = answer.headers.get("Content-Length")
        total = start + int(length) if length and length.isdigit() else None
        validator = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
        if not start:
            # after a kill here, bytes of one version must not lie beside the mark of another
            part.unlink(missing_ok=True)
        _write(_state_file(part), json.dumps({"url": url, "validator": validator}))
        with open(part, "ab" if start else "wb", opener=no_follow) as file:
            _copy(answer, file, start, total, advance)
    if total is not None and _size(part) < total:
        raise _InterruptedError(f"broke off after {_size(part)} of {total} bytes")


def _copy(answer: Any, file: BinaryIO, done: int, total: int | None, advance: Advance) -> None:
    advance(done, total)
    while chunk := answer.read1(_CHUNK):
        file.write(chunk)
        done += len(chunk)
        advance(done, total)


def _resumable_size(url: str, part: Path) -> int:
    """Return how many bytes of this address are there, if the server can confirm their version."""
    state = _state(part)
    # a weak tag says that two versions are alike, not that their bytes are equal
    is_strong = state.get("validator", "") and not state["validator"].startswith("W/")
    return _size(part) if is_strong and state.get("url") == url else 0


def _reject_other_content(entry: RemoteFile, part: Path) -> None:
    """Remove a part that is not the published file.

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
    elif entry.sha256 is not None and (actual := sha256(part)) != entry.sha256:
        reason = f"gives another file: SHA-256 {actual}, published {entry.sha256}"
    if reason is not None:
        part.unlink()
        raise _UnusableError(reason)


def _check_hash(entry: RemoteFile, target: Path) -> None:
    """Compare a file with its hash; store the hash of a file without a published one.

    The hash is computed again only if the file's size or date has changed.

    Raises:
        InputError: it is another file.
    """
    pin = target.with_name(f"{target.name}.sha256")
    stamp = f"{target.stat().st_size} {target.stat().st_mtime_ns}"
    pinned = pin.read_text().split(maxsplit=1) if pin.exists() else []
    if pinned[1:] == [stamp]:
        return
    actual = sha256(target)
    expected = entry.sha256 or (pinned[0] if pinned else None)
    if expected is not None and actual != expected:
        raise InputError(
            f"{target}: SHA-256 {actual}, expected {expected}: damaged or another file; remove it "
            f"(and {pin.name}) to download it again"
        )
    if expected is None:
        _log.info("%s: SHA-256 %s (nobody publishes one to compare with)", entry.file, actual)
    _write(pin, f"{actual} {stamp}")


def _write(path: Path, text: str) -> None:
    """Write a small file, completely or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _state_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _state(part: Path) -> dict[str, str]:
    """Return the address of a part and its version, as its server names it; empty if unknown."""
    try:
        state = json.loads(_state_file(part).read_text())
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}
