"""Recognises the folders of exports, so that one can replace another."""

from __future__ import annotations

import json
from pathlib import Path

#: File that every export has, and the value of its "kind", by which an export is recognised.
DESCRIPTION, KIND = "description.json", "tacoglow export"


def is_export(folder: Path) -> bool:
    """Tell whether a folder holds a description of an export and no files that it does not name."""
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        named = {part["file"] for part in description["parts"].values()}
        kind = description["kind"]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return False
    return kind == KIND and {entry.name for entry in folder.iterdir()} <= {DESCRIPTION, *named}
