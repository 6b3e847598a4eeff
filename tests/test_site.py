"""Checks that the documentation can be built as a site, without a warning and without a gap."""

import importlib
import os
import subprocess
import sys

import pytest

from tests.support.paths import REPO

SITE = REPO / "docs" / "site"


@pytest.fixture
def builder(monkeypatch):
    monkeypatch.syspath_prepend(str(SITE))
    pytest.importorskip("griffe", reason="needs the docs extra")
    yield importlib.import_module("build")
    for name in ("build", "roles"):
        sys.modules.pop(name, None)


def test_a_link_out_of_docs_takes_its_file_along(builder, tmp_path):
    page = REPO / "docs" / "page.md"
    pages = {page: "page.md", REPO / "docs" / "data.md": "data.md"}
    text = "[a](data.md#layouts) [b](../conf/train.yaml) ![c](performance.png) [d](https://x.org/)"
    expected = (
        "[a](data.md#layouts) [b](conf/train.yaml.txt) ![c](performance.png) [d](https://x.org/)"
    )
    assert builder.with_links(text, page, pages, tmp_path) == expected
    assert (tmp_path / "conf/train.yaml.txt").read_text() == (REPO / "conf/train.yaml").read_text()
    assert (tmp_path / "performance.png").exists()


def test_a_link_to_nothing_ends_the_build(builder, tmp_path):
    page = REPO / "docs" / "page.md"
    with pytest.raises(SystemExit, match=r"docs/page\.md: the link to .*nowhere\.md leads nowhere"):
        builder.with_links("[a](nowhere.md)", page, {page: "page.md"}, tmp_path)


def test_the_navigation_has_every_page_once(builder):
    pages = [page for section in builder.navigation() for page in _pages(section)]
    there = {path.name for path in (REPO / "docs").glob("*.md")} - {"README.md"}
    assert {page for page in pages if "/" not in page} == there | {"index.md", "pages.md"}
    assert len(pages) == len(set(pages))


def _pages(entry):
    for value in entry.values():
        if isinstance(value, str):
            yield value
        else:
            for inner in value:
                yield from _pages(inner)


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path):
    pytest.importorskip("zensical", reason="needs the docs extra")
    code = "import build, pathlib, sys; sys.exit(build.build(pathlib.Path('site')))"
    command = [sys.executable, "-c", code]
    run = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{SITE}:{REPO}"},
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "No issues found" in run.stdout + run.stderr
    page = (tmp_path / "site/reference/models/index.html").read_text()
    for name in ("tts.models.tacotron2.network.Tacotron2", "tts.models.waveglow.network.WaveGlow"):
        assert f'id="{name}"' in page
    assert ":class:" not in page
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
