"""Reads the ranges that classes state in their annotations from the source, without importing it.

Most of these classes are built on torch and Lightning, whose import takes seconds. An illegal value
of their options is found here in a fraction of a second, and the annotations stay the only place
that states the ranges (:mod:`tts.core.ranges`).
"""

from __future__ import annotations

import ast
import builtins
import importlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tts.core.ranges import Range, merged_ranges, stated_range

_PACKAGE = "tts"
_ROOT = Path(__file__).resolve().parents[1]
#: Modules that annotations take their names from, and that are imported at once.
_QUICK = ("typing", "collections.abc", "pathlib", "os", "tts.core.ranges", "tts.core.errors")


class _Definition(NamedTuple):
    module: str
    node: ast.stmt


@cache
def ranges_in_source(target: str) -> Mapping[str, Range]:
    """Return the ranges that a class or function of this package states, by argument.

    It is what ``legal_arguments`` returns for the imported object.

    Args:
        target: its name with its package, such as ``"tts.callbacks.EMA"``.

    Raises:
        LookupError: the package has no such class or function.
    """
    module, _, name = target.rpartition(".")
    definition = _find(module, name)
    if isinstance(definition.node, ast.ClassDef):
        return _ranges_of_class(definition.module, definition.node)
    if isinstance(definition.node, ast.FunctionDef):
        return _ranges_of_function(definition.module, definition.node)
    raise LookupError(f"{target} is neither a class nor a function")


def _ranges_of_class(module: str, node: ast.ClassDef) -> Mapping[str, Range]:
    ranges: Mapping[str, Range] = {}
    for base in reversed(node.bases):
        try:
            definition = _find(module, ast.unparse(base))
        except LookupError:
            continue  # a class of another package
        if isinstance(definition.node, ast.ClassDef):
            ranges = merged_ranges(ranges, _ranges_of_class(definition.module, definition.node))
    for member in node.body:
        if isinstance(member, ast.FunctionDef) and member.name == "__init__":
            return merged_ranges(ranges, _ranges_of_function(module, member))
    fields = {
        member.target.id: member.annotation
        for member in node.body
        if isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name)
    }
    is_dataclass = any("dataclass" in ast.unparse(each) for each in node.decorator_list)
    return merged_ranges(ranges, _ranges_of_hints(module, fields)) if is_dataclass else ranges


def _ranges_of_function(module: str, node: ast.FunctionDef) -> Mapping[str, Range]:
    arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    hints = {a.arg: a.annotation for a in arguments if a.annotation is not None}
    return _ranges_of_hints(module, hints)


def _ranges_of_hints(module: str, hints: Mapping[str, ast.expr]) -> dict[str, Range]:
    ranges = {}
    for name, hint in hints.items():
        try:
            evaluated = _evaluate(module, hint)
        except (NameError, TypeError, AttributeError):
            continue  # a type of another package, which states no range
        if (legal := stated_range(evaluated)) is not None:
            ranges[name] = legal
    return ranges


def _evaluate(module: str, expression: ast.expr) -> Any:
    code = compile(ast.Expression(expression), f"<annotation in {module}>", "eval")
    return eval(code, {"__builtins__": {}}, _Names(module))


class _Names(dict[str, Any]):
    """Looks the names of an annotation up where its module gets them."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __missing__(self, name: str) -> Any:
        if name in _definitions(self._module):
            return _value(self._module, name)
        return getattr(builtins, name) if hasattr(builtins, name) else _unknown(name)


def _value(module: str, name: str) -> Any:
    node = _definitions(module)[name]
    if isinstance(node, ast.ImportFrom) and node.module in _QUICK:
        return getattr(importlib.import_module(node.module), _original_name(node, name))
    if isinstance(node, ast.Import) and name in _QUICK:
        return importlib.import_module(name)
    try:
        found = _find(module, name)
    except LookupError:
        return _unknown(name)
    if isinstance(found.node, (ast.Assign, ast.AnnAssign)) and found.node.value is not None:
        return _evaluate(found.module, found.node.value)
    # a class can be a part of an annotation, but states no range as a type
    return type(name, (), {}) if isinstance(found.node, ast.ClassDef) else _unknown(name)


def _unknown(name: str) -> Any:
    raise KeyError(name)  # Python makes a NameError of it


def _find(module: str, name: str) -> _Definition:
    """Follow the imports of a name to its definition in this package."""
    definitions = _definitions(module)
    node = definitions.get(name)
    if node is None and isinstance(star := definitions.get("*"), ast.ImportFrom):
        return _find(str(star.module), name)
    if node is None:
        raise LookupError(f"{module} has no {name}")
    if isinstance(node, ast.ImportFrom):
        return _find(str(node.module), _original_name(node, name))
    return _Definition(module, node)


def _original_name(node: ast.ImportFrom, name: str) -> str:
    return next(alias.name for alias in node.names if (alias.asname or alias.name) == name)


@cache
def _definitions(module: str) -> Mapping[str, ast.stmt]:
    """Return the statement that defines or imports each name of a module, {} for other packages."""
    package, *parts = module.split(".")
    places = (_ROOT.joinpath(*parts, "__init__.py"), _ROOT.joinpath(*parts).with_suffix(".py"))
    path = next((place for place in places if place.is_file()), None)
    if package != _PACKAGE or path is None:
        return {}
    return dict(_named_statements(ast.parse(path.read_text(encoding="utf-8")).body))


def _named_statements(body: list[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    for node in body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            yield node.name, node
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from ((alias.asname or alias.name, node) for alias in node.names)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, node
        elif isinstance(node, ast.Assign):
            yield from ((each.id, node) for each in node.targets if isinstance(each, ast.Name))
        elif isinstance(node, ast.If):
            yield from _named_statements(node.body)
