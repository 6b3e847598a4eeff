"""Lazy names are found with and without the source of a package."""

from __future__ import annotations

import ast
import compileall
import importlib
import shutil
import subprocess
import sys

import pytest

from tests.support.paths import REPO

PACKAGE = """
from typing import TYPE_CHECKING

from tts.core.lazy import lazy_names

if TYPE_CHECKING:
    from lazy_package_of_a_test.parts import Part as Part
    from lazy_package_of_a_test.parts import make_part as make_part
else:
    __getattr__, __dir__, __all__ = lazy_names(__name__)
"""
PARTS = """
class Part:
    pass

def make_part():
    return Part()
"""


@pytest.mark.parametrize("has_source", [True, False])
def test_names_are_found_with_and_without_the_source(has_source, tmp_path, monkeypatch):
    folder = tmp_path / "lazy_package_of_a_test"
    folder.mkdir()
    (folder / "__init__.py").write_text(PACKAGE)
    (folder / "parts.py").write_text(PARTS)
    if not has_source:
        compileall.compile_dir(folder, quiet=1, legacy=True)
        for path in folder.glob("*.py"):
            path.unlink()
    monkeypatch.syspath_prepend(tmp_path)
    try:
        package = importlib.import_module("lazy_package_of_a_test")
        assert package.__all__ == ["Part", "make_part"]
        assert "lazy_package_of_a_test.parts" not in sys.modules
        assert isinstance(package.make_part(), package.Part)
        assert {"Part", "make_part", "__name__"} <= {*dir(package)}
        with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
            _ = package.nothing
        with pytest.raises(AttributeError, match="has no attribute 'TYPE'"):
            _ = package.TYPE
    finally:
        for name in [n for n in sys.modules if n.startswith("lazy_package_of_a_test")]:
            del sys.modules[name]


@pytest.mark.parametrize("package", ["tts.audio", "tts.data"])
def test_the_names_are_those_for_type_checkers(package):
    module = importlib.import_module(package)
    tree = ast.parse((REPO / package.replace(".", "/") / "__init__.py").read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    assert module.__all__ == sorted(a.name for node in block.body for a in node.names)
    assert all(getattr(module, name).__name__ == name for name in module.__all__)


@pytest.mark.slow
def test_the_package_works_without_its_source(tmp_path):
    shutil.copytree(REPO / "tts", tmp_path / "tts", ignore=shutil.ignore_patterns("__pycache__"))
    compileall.compile_dir(tmp_path / "tts", quiet=1, legacy=True)
    for path in (tmp_path / "tts").rglob("*.py"):
        path.unlink()
    code = (
        "import tts; assert tts.__file__.endswith('.pyc');"
        "from tts.audio import MelConfig, read_wave; from tts.data import TextMelDataModule;"
        "from tts.text import Tokenizer; from tts.data.features.tokens import tokenizer_key;"
        "print(len(tokenizer_key(Tokenizer())), Tokenizer().encode('Hi.'))"
    )
    command = [sys.executable, "-c", code]
    child = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env={"PATH": ""})
    assert child.stdout.startswith("12 ["), child.stderr
