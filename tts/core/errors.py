"""Defines the errors that the commands print as one line, and their exit statuses."""

from __future__ import annotations

from collections.abc import Sequence

#: Exit status after a mistake in the input, which the user can correct.
EXIT_REFUSED = 2
#: Exit status after SIGTERM or SIGUSR1, EX_TEMPFAIL of sysexits.h: nothing is wrong, run it again.
EXIT_STOPPED = 75
#: Exit status after Ctrl-C, the same as that of shells.
EXIT_INTERRUPTED = 130
#: What the user does after either.
RESUME_HINT = "ckpt_path=last resumes from the last checkpoint"
#: Characters of a name that a message shows.
LONGEST_NAME = 200


class InputError(ValueError):
    """Reports bad input: a file, a line, a key or a value.

    The message is a single line that names the file, line or key and says what to do. The
    commands print it as ``error: <message>`` and exit with status 2, without a stack trace;
    a programme that uses the library can catch it as a ``ValueError``.
    """


class TrainingError(RuntimeError):
    """Reports a run that cannot continue although its input is right, as after an infinite loss.

    The message is one line as well; the commands print it in the same way and exit with status 1.
    """


class SpeechError(RuntimeError):
    """Reports speech that was made and is not good, where the user asked for an error then.

    The message is one line; the command prints it and exits with status 1.
    """


class RunStopped(BaseException):
    """Ends a run that a signal asked to stop and that has saved its state.

    Nothing went wrong, so code that catches every ``Exception`` to continue does not catch it.
    The message is one line again; the commands exit with the status.

    Args:
        message: how to resume.
        status: :data:`EXIT_STOPPED`, or :data:`EXIT_INTERRUPTED` after Ctrl-C.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def one_line(error: BaseException) -> str:
    """Return the message of an error as one line.

    An error from a DataLoader worker carries the worker's stack trace as text in front of its own
    message. The message follows the class name in the last line that has it.
    """
    text = str(error).strip()
    marker = f"{type(error).__name__}: "
    if "Traceback" in text and marker in text:
        text = text[text.rindex(marker) + len(marker) :]
    return " ".join(text.split())


def listed(names: Sequence[str], most: int) -> str:
    """Return the first ``most`` names for a message of one line: ``"a, b and 3 more"``."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def shortened(text: str, most: int) -> str:
    """Return a text of at most ``most`` characters, the last of them "…" if it was longer."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def printable_name(name: object) -> str:
    """Return a name from outside, shortened and on one line, so that a message can show it."""
    text = str(name)
    text = text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}..."
    return text if text.isprintable() else repr(text)
