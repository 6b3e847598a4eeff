"""Checks that every link, anchor, file and Python name in the documentation exists."""

import importlib
import re
from pathlib import Path

from tests.support.paths import REPO
from tests.test_architecture import FLOOR

PAGES = [REPO / "README.md", *sorted((REPO / "docs").glob("*.md"))]
LINK = re.compile(r"(?:\]\(|src=\")([^)\s\"]+)[)\"]")
NAME = re.compile(r"`(tts(?:\.\w+)+)`")
FILE = re.compile(r"(?<![\w/.-])((?:tts|tests|conf|bench|docs|notebooks)/[a-z_][\w./-]*\w)")


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_there(page: Path, link: str) -> bool:
    """Return whether the target of a link within the repository exists."""
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists():
        return False
    return not anchor or anchor in anchors(target)


def exists(name: str) -> bool:
    """Return whether a dotted name can be imported, as a module or as a name in one."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


def test_the_target_of_every_link_exists():
    links = [(page, link) for page in PAGES for link in LINK.findall(page.read_text())]
    inner = [(page, link) for page, link in links if "://" not in link]
    assert len(inner) > 50
    assert [f"{page.name}: {link}" for page, link in inner if not is_there(page, link)] == []


def test_every_file_that_is_named_exists():
    names = {(page.name, path) for page in PAGES for path in FILE.findall(page.read_text())}
    assert len(names) > 20
    assert sorted(name for name in names if not (REPO / name[1]).exists()) == []


def test_every_python_name_exists():
    names = {(page.name, name) for page in PAGES for name in NAME.findall(page.read_text())}
    assert len(names) >= 8
    assert sorted(name for name in names if not exists(name[1])) == []


def test_every_page_is_in_the_index():
    linked = set(LINK.findall((REPO / "docs" / "README.md").read_text()))
    pages = {page.name for page in PAGES if page.parent.name == "docs"} - {"README.md"}
    assert pages <= linked


def test_the_architecture_shows_every_room():
    page = (REPO / "docs" / "architecture.md").read_text()
    for room, floor in FLOOR.items():
        if (REPO / "tts" / room).is_dir():
            assert f'{room}["{floor} · {room}"]' in page
            assert f"| `{room}` |" in page
