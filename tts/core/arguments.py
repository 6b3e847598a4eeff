"""Reads texts of the command line, whatever the encoding of the terminal is."""

from __future__ import annotations

import os
import re

_UNDECODED = re.compile("[\udc80-\udcff]")


def typed_text(argument: str) -> str:
    """Return a text of the command line as it was typed.

    Where the locale is plain C, Python does not know that a terminal sends UTF-8, and puts one code
    in place of each byte that is not ASCII. Names of files stay so, because the system needs them;
    a text is read again as UTF-8.
    """
    if not _UNDECODED.search(argument):
        return argument
    try:
        return os.fsencode(argument).decode("utf-8")
    except UnicodeError:
        return argument
