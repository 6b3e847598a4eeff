"""The two exceptions that commands print as one line: bad input, and a run that cannot go on."""

from __future__ import annotations


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
