"""Rules of the house that a reader relies on."""

import ast
import re
import shlex
import subprocess
import sys

import pytest

from tests.support.paths import REPO
from tts.config import compose
from tts.config.overrides import quote_values

SOURCES = sorted((REPO / "tts").rglob("*.py"))
README = (REPO / "README.md").read_text()
COMMAND = re.compile(r"^ *(?:pip install .* && )?python ((?:train|synthesize)\.py .*)$", re.M)
COMMANDS = COMMAND.findall(README)


def test_networks_need_torch_and_nothing_else():
    code = (
        "import sys\n"
        "for name in ('pytorch_lightning', 'hydra', 'omegaconf', 'librosa', 'wandb'):\n"
        "    sys.modules[name] = None\n"
        "import tts.models\n"
        "ours = {m for m in sys.modules if m.startswith('tts.')}\n"
        "assert all(m.startswith('tts.models') for m in ours), ours\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=REPO, check=True)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(REPO)))
def test_every_module_says_what_it_is(path):
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), "no module docstring"
    assert len(path.read_text().splitlines()) <= 400
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 80, f"{node.name} is too long"


def test_no_device_is_named_in_the_networks():
    for path in (REPO / "tts" / "models").glob("*.py"):
        assert ".cuda" not in path.read_text()


def test_readme_is_short():
    assert len(README.splitlines()) <= 180


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_of_the_readme_compose(line, monkeypatch):
    monkeypatch.setenv("LJSPEECH_ROOT", "somewhere")
    script, *arguments = shlex.split(line.split(" | ")[0], comments=True)
    arguments = [a for a in arguments if a not in ("-m", "--help") and not a.startswith("-")]
    # a sweep composes one job for each of its values
    arguments = [a if script == "synthesize.py" else a.split(",")[0] for a in arguments]
    compose(quote_values(arguments), config_name=script.removesuffix(".py"))


def test_the_readme_has_commands():
    assert len(COMMANDS) >= 8
