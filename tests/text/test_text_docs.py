"""The examples in docs/text.md agree with the code."""

import re

import pytest

from tests.support.paths import REPO
from tts.text import CLEANERS, SYMBOL_SETS, Tokenizer

DOCS = REPO / "docs" / "text.md"
PAGE = DOCS.read_text(encoding="utf-8") if DOCS.is_file() else ""


def _rows(head):
    """Return the cells of the table of the page that begins with a line."""
    lines = PAGE.partition(head)[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


ROWS = _rows("\n| written | read |")
KINDS = _rows("| kind | written | read |")

pytestmark = pytest.mark.skipif(not PAGE, reason="docs/ is not part of the source distribution")


def test_examples_are_read_as_the_page_says():
    assert len(ROWS) == 16
    assert [[written, CLEANERS["english"](written)] for written, _ in ROWS] == ROWS


def test_digits_and_signs_are_read_as_the_page_says():
    assert len(KINDS) == 15
    read = [[kind, written, CLEANERS["english"](written)] for kind, written, _ in KINDS]
    assert read == KINDS


def test_words_are_read_as_the_page_says():
    rows = _rows("| sort | as written | as read |")
    assert len(rows) == 7
    assert [[sort, written, CLEANERS["english"](written)] for sort, written, _ in rows] == rows


def test_korean_is_read_as_the_page_says():
    rows = _rows("| kind of text | as it is written | as it is said |")
    assert len(rows) == 12
    read = [
        [kind, written, ", ".join(map(CLEANERS["korean"], _examples(written)))]
        for kind, written, _ in rows
    ]
    assert read == rows


def _examples(cell):
    """Divide a cell at its commas, but not inside a number."""
    return re.split(r", (?!\d{3})", cell)


def test_every_cleaner_and_table_is_on_the_page():
    names = [*CLEANERS, *SYMBOL_SETS]
    assert [n for n in names if f"`{n}`" not in PAGE and f"cleaner={n}`" not in PAGE] == []


def test_alphabet_of_the_page_is_legal():
    tokenizer = Tokenizer(["_", " ", *"абв"], "basic_cleaners")
    assert tokenizer.decode(tokenizer.encode("БАБА")) == "баба"
