"""Prints every line of the package, so that what is printed can neither end a run nor trick a user.

Four things can go wrong when a line is printed, and each is handled here and nowhere else:

* The reader is gone, the disk of a log file is full, or the output is closed. The line is lost and
  the work goes on, because a training of days must not end for a line of progress.
* A name or a text from a file has control characters, which a terminal obeys. They are shown as
  escapes, as the four characters that Python writes for them.
* The encoding of the terminal does not have a character. It is shown by one that looks similar, or
  as an escape.
* Several processes print at once. A line is written in one piece.

`protect_streams` does the first and the third for the lines of other packages, too.
"""

from __future__ import annotations

import codecs
import errno
import io
import logging
import os
import re
import select
import sys
from typing import TYPE_CHECKING, Any, TextIO, cast

from tts.core.errors import InputError
from tts.core.ranks import is_first_rank

if TYPE_CHECKING:
    from rich.console import Console

# Besides the control characters of ASCII and Latin-1, the separators of lines and paragraphs and
# the characters that reverse the direction of writing: with them, a line reads otherwise than it is
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
# Other packages colour their lines, and draw bars by returning to the beginning of the line
_HARMLESS = re.compile("\x1b\\[[0-9;]*[mKA]|[\n\t\r]")
_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
# What is shown where the encoding of the terminal lacks a character
_SIMILAR = {
    **{"…": "...", "–": "-", "—": "-", "−": "-", "·": ".", "×": "x", "→": "->"},  # noqa: RUF001
    **{"‘": "'", "’": "'", "“": '"', "”": '"', "\u00a0": " ", "≤": "<=", "≥": ">="},  # noqa: RUF001
    **{"━": "-", "─": "-", "│": "|"},
}
_BREAKS = "\n\t"
_ERRORS = "tts.similar"
_MOST_WAITS = 10


def printable(text: str, keep: str = "") -> str:
    """Return a text with its control characters as escapes.

    Args:
        text: any text.
        keep: control characters that stay as they are, such as line breaks.
    """
    return _CONTROLS.sub(lambda found: found[0] if found[0] in keep else _escape(found[0]), text)


def print_line(*lines: str) -> None:
    """Print lines to standard output; a line break inside a line is shown as an escape.

    What cannot be written is lost, and the caller goes on.
    """
    _tolerant(sys.stdout, "standard output").write("".join(f"{printable(s)}\n" for s in lines))


def print_error(*lines: str) -> None:
    """Print lines to standard error, after what is on its way to standard output."""
    _tolerant(sys.stdout, "standard output").flush()
    _tolerant(sys.stderr, "standard error").write("".join(f"{printable(s)}\n" for s in lines))


def print_result(text: str) -> None:
    """Print a text of several lines for which the command was called, as a table or a help.

    Raises:
        InputError: standard output cannot be written, as on a full disk.
        SystemExit: with status 0, if the reader wants no more (``| head -1``).
    """
    error = _tolerant(sys.stdout, "standard output").send(printable(text, _BREAKS))
    if error is not None and error.errno == errno.EPIPE:
        raise SystemExit(0)
    if error is not None:
        raise InputError(f"standard output: cannot be written ({error.strerror})")


def console(*, stderr: bool = False, **options: Any) -> Console:
    """Return a console of rich, for tables and bars; it escapes and endures as the others do.

    Args:
        stderr: whether it writes to standard error.
        options: arguments of ``rich.console.Console``; ``file`` replaces the two streams.
    """
    from rich.console import Console
    from rich.segment import Segment

    class SafeConsole(Console):
        def render(self, *args: Any, **kwargs: Any) -> Any:
            for part in super().render(*args, **kwargs):
                yield part if part.control else Segment(printable(part.text, "\n"), part.style)

    stream, name = (sys.stderr, "standard error") if stderr else (sys.stdout, "standard output")
    options.setdefault("file", _Unchanged(_tolerant(stream, name)))
    return SafeConsole(**options)


def protect_streams() -> None:
    """Let nothing that this process prints end it, or reach a terminal that would obey it.

    The commands call this first. Afterwards :data:`sys.stdout` and :data:`sys.stderr` lose what
    cannot be written, whoever prints. Descriptors that the caller has closed are opened on the null
    device; otherwise the next file that is opened would receive what libraries in C print.
    """
    for number in range(3):
        _open_if_closed(number)
    sys.stdout = cast(TextIO, _tolerant(sys.stdout, "standard output"))
    sys.stderr = cast(TextIO, _tolerant(sys.stderr, "standard error"))
    logging.lastResort = LogHandler(to="stderr", level=logging.WARNING)


class LogHandler(logging.Handler):
    """Prints log records as lines; ``conf/hydra/job_logging/lines.yaml`` names it.

    Several ranks that train together find the same things. The first one logs them, and the others
    only log errors.

    Args:
        to: ``"stdout"`` or ``"stderr"``; the stream is looked up anew for every record.
        level: the lowest level that is printed.
    """

    def __init__(self, to: str = "stdout", level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self.to = to

    def format(self, record: logging.LogRecord) -> str:
        """Return the message, in one line if it is of this package, and the trace of an error."""
        text = printable(record.getMessage(), "" if record.name.startswith("tts.") else _BREAKS)
        if record.exc_info:
            trace = logging.Formatter().formatException(record.exc_info)
            text += f"\n{printable(trace, _BREAKS)}"
        return text

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record."""
        if record.levelno < logging.ERROR and not is_first_rank():
            return
        try:
            text = self.format(record)
        except Exception:
            self.handleError(record)
            return
        name = "standard output" if self.to == "stdout" else "standard error"
        _tolerant(getattr(sys, self.to), name).write(f"{text}\n")


class TolerantStream(io.TextIOBase):
    """Wraps a text stream, and loses what cannot be written instead of raising.

    Args:
        stream: the stream; None if it is closed.
        name: what messages call it.
    """

    def __init__(self, stream: TextIO | None, name: str) -> None:
        self._stream = stream
        self._name = name
        self._raw = _raw_file(stream)
        self._said = False

    def write(self, text: str) -> int:
        """Write a text, with the control characters that a terminal would obey as escapes."""
        self.write_unchanged(_HARMLESS_OR_CONTROL.sub(_escape_harmful, text))
        return len(text)

    def write_unchanged(self, text: str) -> None:
        """Write a text that may have control characters, because this package has made them."""
        error = self.send(text)
        # a reader that is gone has chosen so; anything else should be known, but only once
        if error is None or error.errno == errno.EPIPE or self._said or self._stream is None:
            return
        self._said = True
        if self._name != "standard error":
            print_error(f"{self._name}: cannot be written ({error.strerror}); going on without it")

    def send(self, text: str) -> OSError | None:
        """Write a text, and return the error if it is lost."""
        try:
            if self._stream is None:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            encoding = self.encoding
            data = text.encode(encoding, _ERRORS)
            if self._raw is not None:
                _write_all(self._raw, data.replace(b"\n", os.linesep.encode()))
            else:
                self._stream.write(data.decode(encoding))
                self._stream.flush()
        except OSError as error:
            return error
        except ValueError as error:  # the stream was closed in this process
            return OSError(errno.EBADF, str(error))
        return None

    def flush(self) -> None:
        """Do nothing: every text is written at once."""

    def isatty(self) -> bool:
        """Return whether the stream is a terminal."""
        try:
            return self._stream is not None and self._stream.isatty()
        except (OSError, ValueError):
            return False

    def fileno(self) -> int:
        """Return the descriptor of the stream, if it has one."""
        if self._stream is None:
            raise io.UnsupportedOperation("fileno")
        return self._stream.fileno()

    def writable(self) -> bool:
        """Return True."""
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Return the encoding of the stream, UTF-8 if it has none."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        """Return the name of the handler of characters that the encoding lacks."""
        return _ERRORS

    @property
    def buffer(self) -> Any:
        """Return the binary stream, whose errors are raised: there the output is a product."""
        if self._stream is None:
            raise InputError("standard output: is closed, and the sound would go there")
        return self._stream.buffer


class _Unchanged(io.TextIOBase):
    """Gives rich a stream that leaves its control sequences as they are."""

    def __init__(self, stream: TolerantStream) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write_unchanged(text)
        return len(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding


_HARMLESS_OR_CONTROL = re.compile(f"{_HARMLESS.pattern}|{_CONTROLS.pattern}")


def _escape_harmful(found: re.Match[str]) -> str:
    return found[0] if _HARMLESS.fullmatch(found[0]) else _escape(found[0])


def _escape(character: str) -> str:
    number = ord(character)
    return _SHORT.get(character) or (f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}")


def _similar(error: UnicodeError) -> tuple[str | bytes, int]:
    """Replace what an encoding lacks, as a handler of encoding errors."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    shown = (_SIMILAR.get(c) or c.encode("ascii", "backslashreplace").decode() for c in lacking)
    return "".join(shown), error.end


codecs.register_error(_ERRORS, _similar)


def _tolerant(stream: TextIO | None, name: str) -> TolerantStream:
    return stream if isinstance(stream, TolerantStream) else TolerantStream(stream, name)


def _raw_file(stream: TextIO | None) -> io.FileIO | None:
    """Return the unbuffered file below a stream, or None if it has none.

    A buffer would keep what could not be written, and raise when Python flushes it at the end.
    """
    if not isinstance(stream, io.TextIOWrapper):
        return None
    binary = stream.buffer
    raw = getattr(binary, "raw", binary)
    if not isinstance(raw, io.FileIO):
        return None
    try:
        stream.flush()
    except (OSError, ValueError):
        return None
    return raw


def _write_all(file: io.FileIO, data: bytes) -> None:
    """Write all data; a pipe that its reader empties slowly may take only a part at once."""
    rest, waits = memoryview(data), 0
    while rest:
        n_written = file.write(rest)
        if n_written is None:  # the file does not block, and is full
            waits += 1
            if waits > _MOST_WAITS:
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            select.select([], [file], [], 1.0)
        else:
            rest = rest[n_written:]


def _open_if_closed(number: int) -> None:
    """Open a standard descriptor on the null device if it is closed."""
    try:
        os.fstat(number)
    except OSError:
        null = os.open(os.devnull, os.O_RDWR)
        if null != number:
            os.dup2(null, number)
            os.close(null)
