"""Checks the order of the rooms: a room imports rooms of lower floors only, also inside functions.

Therefore no two rooms depend on each other, and a newcomer can read the package from the bottom up.
Rooms of one floor do not import each other.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support.paths import REPO

ROOT = REPO / "tts"
#: The rooms of tts/, from the ground floor up; the recipes are single files.
FLOORS = (
    ("core",),
    ("text", "models", "runtime"),
    ("audio",),
    ("metrics", "config", "pretrained"),
    ("data", "inference"),
    ("training", "loggers"),
    ("callbacks",),
    ("sweep", "evaluation", "export", "synthesis", "serving"),
    ("train", "synthesize", "dump_mels", "align", "serve", "publish"),
    ("commands",),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """Yield each module that a file imports, at its top or in a function, with the line number."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "tts":
            yield from ((f"tts.{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno
        elif isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)


def upward(path: Path) -> Iterator[str]:
    """Yield the imports of a file that lead to its own floor or to a higher one."""
    here = path.relative_to(ROOT).with_suffix("").parts
    for module, line in imported(path):
        there = module.split(".")[1:]
        if not module.startswith("tts.") or there[0] == here[0] or there[0] == "__version__":
            continue
        if FLOOR[there[0]] >= FLOOR[here[0]]:
            yield f"{path.relative_to(REPO)}:{line} imports {module}"


def is_shim(path: Path) -> bool:
    """Return whether a file only gives a command its name after ``python -m``."""
    return path.name == "__main__.py" or path.relative_to(ROOT).as_posix() in (
        "data/prepare.py",
        "data/export_webdataset.py",
    )


def test_rooms_import_lower_floors_only():
    files = [path for path in sorted(ROOT.rglob("*.py")) if not is_shim(path)]
    files = [path for path in files if path.parent != ROOT or path.stem in FLOOR]
    assert [line for path in files for line in upward(path)] == []
