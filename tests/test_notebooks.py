"""Checks that the notebooks run from top to bottom, and are stored without outputs."""

from __future__ import annotations

import json

import pytest

from tests.support.paths import REPO

NOTEBOOKS = sorted((REPO / "notebooks").glob("*.ipynb"))


def test_there_are_notebooks():
    assert [path.stem for path in NOTEBOOKS] == ["tour"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_stored_without_outputs(path):
    cells = [c for c in json.loads(path.read_text())["cells"] if c["cell_type"] == "code"]
    assert cells
    for cell in cells:
        assert (cell["outputs"], cell["execution_count"]) == ([], None), cell["source"]


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_and_shows_sound_and_pictures(path, monkeypatch, tmp_path):
    nbformat = pytest.importorskip("nbformat", reason="pip install 'tacoglow[notebook]'")
    nbclient = pytest.importorskip("nbclient", reason="pip install 'tacoglow[notebook]'")
    pytest.importorskip("hibari", reason="pip install 'tacoglow[demo]'")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=1200, resources={"metadata": {"path": str(path.parent)}}
    )
    client.execute()
    shown = [
        kind
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        for kind in output.get("data", {})
    ]
    assert shown.count("image/png") >= 8
    assert sum("<audio" in page for page in pages(notebook)) == 3


def pages(notebook):
    """Return the HTML that the cells show."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output["data"].get("text/html", "") for output in outputs if "data" in output]
