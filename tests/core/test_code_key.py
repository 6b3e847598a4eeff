"""The key of a package changes with what it computes, and with nothing else."""

from __future__ import annotations

import compileall
from pathlib import Path

import pytest

from tts.core.code_key import code_key

SOURCE = '''"""Reads texts."""

# a remark
STEPS = (1, 2)


def read(text: str) -> str:
    """Return it."""
    return f"{text!r}"  # as it is


class Reader:
    """Reads."""

    count: int = 0
    """How many."""
'''
SAME = {
    "docstring": ("Return it.", "Return the text,\n    in one line."),
    "no docstring": ('"""Reads texts."""', ""),
    "remark": ("# a remark", "# another remark\n# of two lines"),
    "layout": ("(1, 2)", "(\n    1,\n    2,\n)"),
    "quotes": ('f"{text!r}"', "f'{text!r}'"),
    "attribute": ("How many.", "How many there are."),
}
OTHER = {
    "number": ("(1, 2)", "(1, 3)"),
    "name": ("def read(", "def say("),
    "conversion": ("!r}", "!s}"),
    "text": ('f"{text!r}"', 'f"{text!r} "'),
    "type": ("int = 0", "float = 0"),
}


def key(folder: Path, source: str) -> str:
    (folder / "reader.py").write_text(source)
    return code_key(folder)


@pytest.mark.parametrize("change", SAME)
def test_comments_docstrings_and_layout_do_not_count(change, tmp_path):
    assert SAME[change][0] in SOURCE
    assert key(tmp_path, SOURCE.replace(*SAME[change])) == key(tmp_path, SOURCE)


@pytest.mark.parametrize("change", OTHER)
def test_code_counts(change, tmp_path):
    assert OTHER[change][0] in SOURCE
    assert key(tmp_path, SOURCE.replace(*OTHER[change])) != key(tmp_path, SOURCE)


def test_data_files_and_names_of_modules_count(tmp_path):
    before = key(tmp_path, SOURCE)
    (tmp_path / ".swap").write_bytes(b"x")
    assert code_key(tmp_path) == before
    (tmp_path / "words.xz").write_bytes(b"a")
    with_words = code_key(tmp_path)
    (tmp_path / "words.xz").write_bytes(b"b")
    assert len({before, with_words, code_key(tmp_path)}) == 3
    (tmp_path / "reader.py").rename(tmp_path / "speaker.py")
    assert code_key(tmp_path) != with_words


def test_the_key_is_the_same_under_every_version_of_python(tmp_path):
    assert key(tmp_path, SOURCE)[:16] == "a4555c26ece4439a"


def test_compiled_files_do_not_count_and_stand_for_the_version_alone(tmp_path):
    before = key(tmp_path, SOURCE)
    compileall.compile_dir(tmp_path, quiet=1, legacy=True)
    assert code_key(tmp_path) == before
    (tmp_path / "reader.py").unlink()
    assert code_key(tmp_path) != before
