"""The unit of systemd and the Dockerfile in docs/service.md are as legal as can be checked here."""

import re
import shlex
import shutil
import subprocess
import sys

import pytest

from tests.support.paths import REPO
from tts.config import compose, resolved
from tts.serving.settings import Settings

PAGE = (REPO / "docs" / "service.md").read_text()
UNIT = re.search(r"```ini\n(.*?)```", PAGE, re.DOTALL)[1]
DOCKERFILE = re.search(r"```dockerfile\n(.*?)```", PAGE, re.DOTALL)[1]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path):
    unit = tmp_path / "tacoglow.service"
    # the program is not where the unit has it
    unit.write_text(re.sub(r"ExecStart=\S+", f"ExecStart={sys.executable}", UNIT))
    run = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
    )
    said = (run.stdout + run.stderr).splitlines()
    assert [line for line in said if "tacoglow" in line] == []  # others may have their faults


@pytest.mark.parametrize(
    "command",
    [
        re.search(r"ExecStart=(.*)", UNIT)[1],
        " ".join(re.findall(r'"([^"]*)"', re.search(r"^CMD (.*)$", DOCKERFILE, re.MULTILINE)[1])),
    ],
)
def test_the_commands_of_the_deployments_have_legal_settings(command):
    program, *overrides = shlex.split(command)
    assert program.endswith("tts-serve")
    assert Settings.from_config(resolved(compose(overrides, config_name="serve"))).log == "json"
