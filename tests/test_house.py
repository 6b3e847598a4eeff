"""Checks the rules of this repository on which a reader relies."""

import ast
import re
import shlex
import subprocess
import sys
from collections import defaultdict

import pytest

from tests.support.paths import REPO
from tts.config import compose

SOURCES = sorted((REPO / "tts").rglob("*.py"))
README = (REPO / "README.md").read_text()
COMMAND = re.compile(r"^ *(?:pip install .* && )?python ((?:train|synthesize)\.py .*)$", re.M)
COMMANDS = COMMAND.findall(README)


def test_networks_need_torch_and_nothing_else():
    code = (
        "import sys\n"
        "for name in ('pytorch_lightning', 'hydra', 'omegaconf', 'librosa', 'wandb'):\n"
        "    sys.modules[name] = None\n"
        "import tts.models.networks\n"
        "ours = {m for m in sys.modules if m.startswith('tts.')}\n"
        "assert all(m.startswith('tts.models') for m in ours), ours\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=REPO, check=True)


def test_every_module_has_a_docstring():
    missing = [path for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text()))]
    assert missing == []


def test_files_and_functions_are_short():
    long = []
    for path in SOURCES:
        text = path.read_text()
        if len(text.splitlines()) > 350:
            long.append(f"{path.relative_to(REPO)}: {len(text.splitlines())} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = node.end_lineno - node.lineno + 1
                if lines > 60:
                    long.append(f"{path.relative_to(REPO)}: {node.name} has {lines} lines")
    assert long == []


def test_the_root_of_the_package_holds_recipes_only():
    assert len(list((REPO / "tts").glob("*.py"))) <= 6


def test_a_public_name_stands_for_one_thing():
    homes = defaultdict(list)
    # Alembic looks for functions of the same names in each migration
    for path in (path for path in SOURCES if path.parent.name != "versions"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not node.name.startswith("_"):
                homes[node.name].append(str(path.relative_to(REPO)))
    del homes["main"]  # every command line tool has one
    assert {name: paths for name, paths in homes.items() if len(paths) > 1} == {}


def test_no_device_is_named_in_the_networks():
    for path in (REPO / "tts" / "models").rglob("*.py"):
        assert ".cuda" not in path.read_text()


def test_everything_is_printed_by_one_module():
    # it escapes control characters and outlives its reader; ruff forbids `print` as well
    prints = re.compile(
        r"\bstd(?:out|err)\.(?:write|flush)|\bConsole\(|\bStreamHandler\(|__std(?:out|err)__"
    )
    found = [
        f"{path.relative_to(REPO)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if prints.search(line) and path != REPO / "tts" / "core" / "output.py"
    ]
    assert found == []


def test_readme_is_short():
    assert len(README.splitlines()) <= 180


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_of_the_readme_compose(line, monkeypatch):
    monkeypatch.setenv("LJSPEECH_ROOT", "somewhere")
    script, *arguments = shlex.split(line.split(" | ")[0], comments=True)
    arguments = [a for a in arguments if a not in ("-m", "--help") and not a.startswith("-")]
    # a sweep composes one job for each of its values
    arguments = [a if script == "synthesize.py" else a.split(",")[0] for a in arguments]
    compose(arguments, config_name=script.removesuffix(".py"))


def test_the_readme_has_commands():
    assert len(COMMANDS) >= 8


def test_what_the_commands_of_the_readme_write_is_not_part_of_the_repository():
    if not (REPO / ".git").exists():
        pytest.skip("not a checkout")
    written = ["venv/x", "audio.wav", "wavs/x", "book.flac", "doctor/x", "exported/x"]
    run = subprocess.run(
        ["git", "check-ignore", "--no-index", *written],
        cwd=REPO,
        capture_output=True,
        text=True,
        check=False,
    )
    assert len(run.stdout.splitlines()) == len(written)
