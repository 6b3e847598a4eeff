"""The examples in docs/text.md are what the code makes of them."""

import pytest

from tests.support.paths import REPO
from tts.text import CLEANERS, SYMBOL_SETS, Tokenizer

DOCS = REPO / "docs" / "text.md"
PAGE = DOCS.read_text(encoding="utf-8") if DOCS.is_file() else ""
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.partition("| written | read |")[2].partition("\n\n")[0].splitlines()[2:]
]

pytestmark = pytest.mark.skipif(not PAGE, reason="docs/ is not part of the source distribution")


@pytest.mark.parametrize("row", range(16))
def test_example_is_read_as_the_page_says(row):
    written, read = ROWS[row]
    assert CLEANERS["english"](written) == read


def test_every_example_is_tested():
    assert len(ROWS) == 16


@pytest.mark.parametrize("name", [*CLEANERS, *SYMBOL_SETS])
def test_every_cleaner_and_table_is_on_the_page(name):
    assert f"`{name}`" in PAGE or f"cleaner={name}`" in PAGE


def test_alphabet_of_the_page_is_legal():
    tokenizer = Tokenizer(["_", " ", *"абв"], "basic_cleaners")
    assert tokenizer.decode(tokenizer.encode("БАБА")) == "баба"
