"""Checks commands whose output goes nowhere, or to a terminal that is not UTF-8."""

import os
import re
import subprocess
import sys

import pytest
import torch

from tests.support.complaints import complaints
from tests.support.paths import REPO
from tests.support.runs import QUIET, TINY_TACOTRON2, overrides

# Closed descriptors, a pipe without a reader, and a full disk, each for both streams
NOWHERE = (">&- 2>&-", "2>&1 | head -1", ">/dev/full 2>&1")


def shell(folder, command, redirection="", **environment):
    """Run a Python command of the repository in a folder, through a shell."""
    line = f"{sys.executable} {REPO}/{command} {redirection}; exit ${{PIPESTATUS[0]}}"
    environment = {**os.environ, "PYTHONPATH": str(REPO), "OMP_NUM_THREADS": "1", **environment}
    return subprocess.run(
        ["bash", "-c", line], cwd=folder, env=environment, capture_output=True, timeout=300
    )


@pytest.mark.slow
@pytest.mark.parametrize("where", NOWHERE)
def test_a_training_does_not_need_its_output(tmp_path, where):
    options = " ".join(overrides(tmp_path, *TINY_TACOTRON2, *QUIET, "trainer.max_epochs=1"))
    run = shell(tmp_path, f"train.py {options} hydra.run.dir=run", where)
    assert run.returncode == 0, run.stderr.decode()
    assert b"Traceback" not in run.stderr
    last = torch.load(tmp_path / "run/checkpoints/last.ckpt", weights_only=True)
    assert last["global_step"] > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "status", "message"),
    [
        ("| head -1", 0, b""),
        (">/dev/full", 2, b"error: standard output: cannot be written (No space left on device)\n"),
        (">&-", 2, b"error: standard output: cannot be written (Bad file descriptor)\n"),
        (">&- 2>&-", 2, b""),
    ],
)
def test_a_preview_that_cannot_be_printed_is_an_error_of_one_line(tmp_path, where, status, message):
    text = "text='Hello there. How are you?'"
    run = shell(tmp_path, f"synthesize.py show=true {text}", where)
    assert (run.returncode, complaints(run.stderr.decode())) == (status, message.decode())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "status", "message"),
    [
        (">/dev/full", 2, b"output=-: standard output cannot be written (No space left on device)"),
        (">&-", 2, b"standard output: is closed, and the sound would go there"),
        ("| true", 130, b"output=-: the player closed the pipe"),
    ],
)
def test_sound_that_cannot_be_sent_is_an_error_of_one_line(
    tmp_path, where, status, message, acoustic_file, vocoder_file
):
    options = f"acoustic={acoustic_file()} vocoder={vocoder_file()} device=cpu max_steps=12"
    run = shell(tmp_path, f"synthesize.py output=- text=one {options}", where)
    assert run.returncode == status
    assert run.stderr.splitlines()[-1].endswith(message)
    assert b"Traceback" not in run.stderr
    assert b"Exception ignored" not in run.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "cp1252"},
    ],
    ids=["ascii", "C", "cp1252"],
)
def test_a_preview_on_a_terminal_that_is_not_utf_8(tmp_path, environment):
    run = shell(tmp_path, "synthesize.py show=true text='naïve “world” … 日本'", **environment)
    assert run.returncode == 0, run.stderr.decode()
    assert b"naive  N AY2 IY1 V" in run.stdout
    assert b"world  W ER1 L D" in run.stdout
    assert b"Traceback" not in run.stderr


@pytest.mark.slow
def test_two_ranks_print_what_one_process_prints_and_each_line_once(tmp_path):
    options = overrides(tmp_path, *TINY_TACOTRON2, *QUIET, "trainer.max_epochs=1")
    command = f"train.py {' '.join(options)} callbacks.progress=null"
    printed = []
    for n_ranks in (1, 2):
        run = shell(tmp_path, f"{command} trainer.devices={n_ranks} hydra.run.dir=run_{n_ranks}")
        assert run.returncode == 0, run.stderr.decode()
        lines = (run.stdout + run.stderr).decode().splitlines()
        assert sorted(set(lines)) == sorted(lines)
        printed.append([line for line in lines if re.search(" train, | parameters", line)])
    assert printed[0] == printed[1]
    assert len(printed[0]) == 2
