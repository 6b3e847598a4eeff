"""The files of the page fit together, are served, and take no HTML and no host from elsewhere."""

import re

import pytest

from tests.support.paths import REPO

FOLDER = REPO / "tts" / "serving" / "page"
FILES = {path.name: path.read_text() for path in sorted(FOLDER.iterdir())}
SCRIPTS = {name: text for name, text in FILES.items() if name.endswith(".js")}


def test_every_file_is_served_and_nothing_else(client):
    assert client.get("/").text == FILES["index.html"]
    for name, text in FILES.items():
        answer = client.get(f"/page/{name}")
        assert answer.text == text
        assert "'unsafe-" not in answer.headers["content-security-policy"]
    assert client.get("/page/__init__.py").status_code == 404


def test_files_are_short():
    assert {
        name: len(text.splitlines()) for name, text in FILES.items() if text.count("\n") > 350
    } == {}


def test_what_is_named_is_there():
    for name in re.findall(r'from "\./([^"]+)"', "".join(SCRIPTS.values())):
        assert name in FILES
    ids = re.findall(r'\bid="([^"]+)"', FILES["index.html"])
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'\$\("([^"]+)"\)', SCRIPTS["app.js"])) <= set(ids)
    assert set(re.findall(r'\bfor="([^"]+)"', FILES["index.html"])) <= set(ids)


@pytest.mark.parametrize("name", SCRIPTS)
def test_texts_are_never_taken_for_html(name):
    html = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|Function\(")
    assert html.search(SCRIPTS[name]) is None


def test_no_other_host_is_named():
    addresses = re.findall(r"(?:https?:)?//[\w-]+\.[\w./-]+", "".join(FILES.values()))
    assert set(addresses) <= {"http://www.w3.org/2000/svg"}  # names a kind of element
    assert not re.search(r"\sstyle=|<script>|\son\w+=", FILES["index.html"])
