import pytest

from tests.support.paths import REPO
from tts.serving.data.columns import Row
from tts.serving.data.diagram import BEGIN, END, main, with_diagram

PAGE = REPO / "docs" / "service.md"


def test_the_diagram_of_the_documentation_shows_the_tables_as_they_are():
    page = PAGE.read_text(encoding="utf-8")
    assert with_diagram(page) == page, "run python -m tts.serving.data.diagram docs/service.md"


def test_the_documentation_says_what_each_table_is():
    page = PAGE.read_text(encoding="utf-8").split(BEGIN)[0]
    assert [name for name in Row.metadata.tables if f"`{name}`" not in page] == []


def test_the_diagram_has_every_table_and_column_and_their_references(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"# Before\n{BEGIN}\nold\n{END}\n# After\n")
    assert main([str(page)]) == 0
    drawn = page.read_text()
    assert drawn.startswith("# Before\n")
    assert drawn.endswith("\n# After\n")
    assert "old" not in drawn
    assert "    utterance ||--o{ part : utterance_id\n" in drawn
    assert "    lexicon_revision |o--o{ lexicon_entry : until\n" in drawn
    assert "        str utterance_id PK, FK\n" in drawn
    assert '        time lease_until "may be null"\n' in drawn
    columns = [column.name for table in Row.metadata.tables.values() for column in table.columns]
    assert [name for name in columns if f" {name}" not in drawn] == []


def test_a_page_without_a_place_for_it_is_refused(capsys):
    with pytest.raises(ValueError, match="once"):
        with_diagram("# A page")
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err
