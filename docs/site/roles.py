"""Shows the cross references of the docstrings, which are Sphinx's, as code."""

from __future__ import annotations

import re
from typing import Any

import griffe

_ROLE = re.compile(r":(?:attr|class|data|exc|func|meth|mod):`~?([^`]+)`")


class Roles(griffe.Extension):
    """Turns references such as ``:class:`tts.audio.LogMel``` into code, which Markdown can show."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the docstring of a module, class, function or attribute that was read."""
        if obj.docstring:
            obj.docstring.value = without_roles(obj.docstring.value)


def without_roles(text: str) -> str:
    """Return a docstring with code in place of its references."""
    return _ROLE.sub(r"`\1`", text)
