"""Lets a package load its public names when they are first used (``lazy_names``).

A package that uses this imports its public names under ``if TYPE_CHECKING:``, each as
``from home import Name as Name``. Type checkers read these lines, and ``lazy_names`` finds them in
the compiled code of the package, so that a name is stated once. The source is not needed: a frozen
application has none.
"""

from __future__ import annotations

import dis
import importlib
import sys
from collections.abc import Callable
from types import CodeType
from typing import Any


def lazy_names(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` of a package with lazy names.

    Args:
        package: its ``__name__``; the function is called by the package while it is imported.
    """
    module = sys.modules[package]
    imports = _imports(sys._getframe(1).f_code)
    # what has been imported has a value already; the imports for type checkers have not run
    homes = {name: home for name, home in imports.items() if name not in vars(module)}

    def get_attribute(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(homes[name]), name)

    def list_attributes() -> list[str]:
        return sorted({*vars(module), *homes})

    return get_attribute, list_attributes, sorted(homes)


def _imports(code: CodeType) -> dict[str, str]:
    """Return the module of every name that the code imports under its own name."""
    homes, home, name = {}, "", ""
    for instruction in dis.get_instructions(code):
        if instruction.opname == "IMPORT_NAME":
            home = instruction.argval
        elif instruction.opname == "IMPORT_FROM":
            name = instruction.argval
        elif instruction.opname == "STORE_NAME" and instruction.argval == name:
            homes[name], name = home, ""
    return homes
