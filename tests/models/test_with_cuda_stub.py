"""Runs the tests of the fake device with its C++ part, so that autocast casts as on a GPU."""

import os
import subprocess
import sys

import pytest

from tests.support.fake_device.stub import build_stub, compiler
from tests.support.paths import REPO


@pytest.mark.slow
@pytest.mark.skipif(compiler() is None, reason="needs a C++ compiler")
def test_the_same_tests_pass_if_torch_itself_believes_in_the_gpu(tmp_path):
    files = ["tests/models/test_fake_device.py", "tests/models/test_on_a_gpu.py"]
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "tests.support.fake_device"]
    environment = {**os.environ, "FAKE_CUDA_STUB": str(build_stub(tmp_path))}
    environment["PYTHONPATH"] = str(REPO)
    done = subprocess.run(
        [*command, *files],
        cwd=REPO,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert "skipped" not in done.stdout
