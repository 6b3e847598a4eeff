"""Runs the tests of the fake device with its C++ part, so that autocast casts as on a GPU."""

import os
import subprocess
import sys

import pytest

from tests.support.fake_device.stub import build_stub, compiler
from tests.support.paths import REPO

FILES = (
    "tests/models/test_fake_device.py",
    "tests/models/test_on_a_gpu.py",
    "tests/training/test_options_on_a_gpu.py",
    "tests/training/test_runs_on_a_gpu.py::test_tacotron2_learns_in_half_precision",
    "tests/models/test_bench_gpu.py::test_it_runs_to_its_end_on_the_gpu_that_is_not_there",
)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(compiler() is None, reason="needs a C++ compiler")
def test_the_same_tests_pass_if_torch_itself_believes_in_the_gpu(tmp_path):
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "tests.support.fake_device"]
    command += ["-m", "slow or not slow", *FILES]
    environment = {**os.environ, "FAKE_CUDA_STUB": str(build_stub(tmp_path))}
    environment["PYTHONPATH"] = str(REPO)
    done = subprocess.run(
        command,
        cwd=REPO,
        env=environment,
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert "skipped" not in done.stdout
