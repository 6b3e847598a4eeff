"""Hashes what a package computes, so that results can be told from those of other code."""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path

from tts import __version__

_CODE, _COMPILED = ".py", ".pyc"


def code_key(folder: Path) -> str:
    """Return a hash of the code and the data files of a package.

    Comments, docstrings and layout do not count, because they change no result. The key is the same
    under all versions of Python. An application without sources has the version of this project
    instead.

    Args:
        folder: the folder of the package.
    """
    digest, has_code = hashlib.sha256(), False
    for path in sorted(folder.rglob("*")):
        if path.is_dir() or path.suffix == _COMPILED or path.name.startswith("."):
            continue
        content = path.read_bytes()
        if path.suffix == _CODE:
            has_code = True
            content = _without_layout(ast.parse(content)).encode()
        digest.update(f"{path.relative_to(folder).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    if not has_code:
        digest.update(__version__.encode())
    return digest.hexdigest()


def _without_layout(value: object) -> str:
    """Return a syntax tree as text, without docstrings and without the places in the file.

    `ast.dump` would do, but its text differs between versions of Python: later ones have more
    fields, which are empty where they are not used.
    """
    if isinstance(value, ast.AST):
        fields = ((name, part) for name, part in ast.iter_fields(value) if part not in (None, []))
        parts = ", ".join(f"{name}={_without_layout(part)}" for name, part in fields)
        return f"{type(value).__name__}({parts})"
    if isinstance(value, list):
        return f"[{', '.join(_without_layout(part) for part in value if not _is_text(part))}]"
    return repr(value)


def _is_text(value: object) -> bool:
    """Tell whether a statement is a docstring, or another text that does nothing."""
    if not isinstance(value, ast.Expr) or not isinstance(value.value, ast.Constant):
        return False
    return isinstance(value.value.value, str)
