"""The command says in one line what is wrong, before torch is imported, and makes the first key."""

import socket
import subprocess
import sys

import pytest

from tests.support.paths import REPO
from tts.serving import starting


@pytest.fixture
def serve(command, tmp_path, monkeypatch):
    """Run the command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    # the log of the process is that of pytest
    monkeypatch.setattr("tts.serve.start_logging", lambda form: None)
    return lambda *arguments: command("serve", *arguments)


MISTAKES = {
    "port=abc": "port=abc: it must be",
    "prot=1": "did you mean 'port'?",
    "role=both": "role=both: it must be one of all, api, worker",
    "host=0.0.0.0": "new_key=NAME",
    "host=0.0.0.0 keys=none": "anyone could speak",
    "voices=gone.yaml": "gone.yaml",
    "database.url=mysql://x/y": "database.url",
    "limits.batch=0": "limits.batch=0",
    "worker.port=high": "worker.port=high: it must be",
    "new_key_scopes=[root] new_key=x": "root is none of",
}


def test_mistakes_are_one_line(serve):
    wrong = {}
    for arguments, words in MISTAKES.items():
        status, _, err = serve(*arguments.split())
        lines = [line for line in err.splitlines() if line.startswith("error: ")]
        if status != 2 or len(lines) != 1 or words not in lines[0] or "Traceback" in err:
            wrong[arguments] = (status, err[-300:])
    assert wrong == {}


def test_a_port_in_use_is_named(serve):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        status, _, err = serve(f"port={port}")
    assert status == 2
    assert f"host=127.0.0.1 port={port}: cannot listen there" in err


def test_the_port_of_a_worker_in_use_is_named(serve):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        status, _, err = serve("role=worker", f"worker.port={port}")
    assert status == 2
    assert f"worker.host=127.0.0.1 worker.port={port}: cannot listen there" in err


def test_missing_packages_are_named_with_the_extra(serve, monkeypatch):
    monkeypatch.setattr(starting, "find_spec", lambda name: None if name == "alembic" else name)
    status, _, err = serve()
    assert status == 2
    assert "serve.py needs alembic: not installed; pip install 'tacoglow[serve]'" in err


def test_the_first_key_is_made_and_shown_once(serve):
    status, out, _ = serve("new_key=laptop", "new_key_scopes=[speak]")
    assert status == 0
    title, key = out.splitlines()
    assert title == "key laptop (speak), which is shown only now:"
    assert key.startswith("tg_")
    from tts.serving.data.database import Database
    from tts.serving.data.keys import key_list, key_of

    database = Database.open("sqlite:///service/service.db")
    with database.read() as session:
        assert [row.scopes for row in key_list(session)] == [["speak"]]
        assert key_of(session, key) is not None
    database.close()


def test_help_needs_neither_torch_nor_the_packages_of_the_service():
    code = (
        "import sys; sys.argv = ['serve.py', '--help']\n"
        "from tts.commands.cli import serve_command\n"
        "serve_command()\n"
        "sys.stdout.flush()\n"
        "assert not {'torch', 'fastapi', 'sqlalchemy', 'uvicorn'} & set(sys.modules)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=True
    )
    assert "chars_per_minute: 60000" in run.stdout
