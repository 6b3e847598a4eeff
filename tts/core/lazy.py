"""Lets a package load its public names when they are first used (``lazy_names``).

A package that uses this imports its public names under ``if TYPE_CHECKING:``, each as
``from home import Name as Name``. Type checkers read these lines, and so does ``lazy_names``, so
that a name is stated once.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Callable
from inspect import getsource
from typing import Any


def lazy_names(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` of a package with lazy names.

    Args:
        package: its ``__name__``; the function is called while the package is imported.
    """
    module = sys.modules[package]
    homes = _homes(ast.parse(getsource(module)))

    def get_attribute(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(homes[name]), name)

    def list_attributes() -> list[str]:
        return sorted({*vars(module), *homes})

    return get_attribute, list_attributes, sorted(homes)


def _homes(tree: ast.Module) -> dict[str, str]:
    """Return the module of every name that is imported under its own name for type checkers."""
    return {
        alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in block.body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
        if alias.asname == alias.name
    }
