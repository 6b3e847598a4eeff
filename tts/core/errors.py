"""What commands print as one line: bad input, a run that cannot go on, a run that was stopped."""

from __future__ import annotations

from collections.abc import Sequence

#: Exit status after SIGTERM or SIGUSR1, EX_TEMPFAIL of sysexits.h: nothing is wrong, run it again.
EXIT_STOPPED = 75
#: Exit status after Ctrl-C, as shells have it.
EXIT_INTERRUPTED = 130
#: What to do after either.
RESUME_HINT = "ckpt_path=last goes on from the last checkpoint"


class InputError(ValueError):
    """Bad input: a file, a line, a key, a value.

    The message is a single line that names the file, line or key and says what to do. The
    commands print it as ``error: <message>`` and exit with status 2, without a stack trace;
    a programme that uses the library can catch it as a ``ValueError``.
    """


class TrainingError(RuntimeError):
    """A run that cannot go on, through nobody's typing: the loss became infinite, say.

    One line as well; the commands print it in the same way and exit with status 1.
    """


class SpeechError(RuntimeError):
    """Speech that is there and is not what it should be, where that was to be an error.

    One line; the command prints it and exits with status 1.
    """


class RunStopped(Exception):  # noqa: N818 - nothing went wrong
    """A run that was asked to stop from outside, by a signal, and has saved what it had.

    One line again, and the status with which the commands exit.

    Args:
        message: how to go on.
        status: :data:`EXIT_STOPPED`, or :data:`EXIT_INTERRUPTED` after Ctrl-C.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def one_line(error: BaseException) -> str:
    """The message of an error as one line.

    An error that crossed a DataLoader worker carries the worker's stack trace as text in front of
    the message proper, which is what comes after the class name in the last such line.
    """
    text = str(error).strip()
    marker = f"{type(error).__name__}: "
    if "Traceback" in text and marker in text:
        text = text[text.rindex(marker) + len(marker) :]
    return " ".join(text.split())


def listed(names: Sequence[str], most: int) -> str:
    """``"a, b and 3 more"``: the first ``most`` of some names, for a message of one line."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def shortened(text: str, most: int) -> str:
    """A text of at most ``most`` characters, the last of them "…" if it was longer."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
