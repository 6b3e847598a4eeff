"""Stops at any moment: a training that is told to stop ends with the status that was promised."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.crashing import SMALL
from tests.support.paths import REPO
from tests.support.runs import overrides
from tts.core.errors import EXIT_INTERRUPTED, EXIT_STOPPED

#: Number of stops; STOPS=50 in the environment is a longer test.
STOPS = int(os.environ.get("STOPS", "6"))
#: Seconds that a process has to end after a signal.
MOST_SECONDS = 90
#: Options of small runs that hide what this test waits for.
SILENT = ("callbacks.samples=null", "callbacks.progress=null")
#: The beginnings of lines after which signals are sent.
MOMENTS = ("epoch 0", "validated", "", "Tacotron2", "validated", "ended after", "pictures")
PROMISED = {"SIGTERM": EXIT_STOPPED, "SIGINT": EXIT_INTERRUPTED}


def start(folder, place):
    """Start a training with two processes for each of two loaders, samples and validations."""
    options = overrides(
        folder,
        *[option for option in SMALL if option not in SILENT],
        *("data.num_workers=2", "data.val_fraction=0.3", "data.val_batch_size=1"),
        f"hydra.run.dir={folder}/{place}",
    )
    options = [option for option in options if not option.startswith("paths.output_dir")]
    return subprocess.Popen(
        [sys.executable, "train.py", *options],
        cwd=REPO,
        env={
            **os.environ,
            "PYTHONPATH": str(REPO),
            "PLACE": f"{folder}/{place}",
            "PYTHONUNBUFFERED": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def has_handlers(process):
    """Return whether the process handles SIGTERM; before that, the system ends it."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line.split()[1], 16) >> (signal.SIGTERM - 1) & 1)
    return False


def wait_for(process, words):
    """Wait until the process handles signals, and then for a line of its output."""
    while not has_handlers(process) and process.poll() is None:
        time.sleep(0.01)
    while words and (line := process.stdout.readline()) and not line.startswith(words):
        pass


def left_behind(mark):
    """Return the processes whose environment has this mark; those that have ended have none."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            is_ours = f"PLACE={mark}".encode() in (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if is_ours:
            found.append(int(folder.name))
    return found


def finish(process, mark):
    """Return exit status and standard error; kill a process that does not end, and all of its."""
    try:
        error = process.communicate(timeout=MOST_SECONDS)[1]
    except subprocess.TimeoutExpired:
        for number in left_behind(mark):
            os.kill(number, signal.SIGKILL)
        return "never", process.communicate()[1]
    return process.returncode, error


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.skipif(sys.platform != "linux", reason="reads the environment of other processes")
def test_a_training_that_is_told_to_stop_ends_as_promised(tmp_path):
    outcomes = {}
    for number in range(STOPS):
        name = ("SIGTERM", "SIGINT")[number % 2]
        after, delay = MOMENTS[number // 2 % len(MOMENTS)], (0.3 * number) % 2
        process, mark = start(tmp_path, str(number)), f"{tmp_path}/{number}"
        wait_for(process, after)
        time.sleep(delay)
        process.send_signal(getattr(signal, name))
        status, error = finish(process, mark)
        is_complete = status == 0 and Path(mark, "checkpoints", "last.ckpt").is_file()
        as_promised = status == PROMISED[name] and "Traceback" not in error
        remaining = left_behind(mark)
        outcome = "complete" if is_complete else "stopped" if as_promised else "wrong"
        outcomes[number] = (outcome, name, after, round(delay, 1), status, remaining, error)
        sys.stdout.write(f"{outcomes[number]}\n")
        sys.stdout.flush()
    wrong = [o for o in outcomes.values() if o[0] == "wrong" or o[5]]
    assert wrong == []
    # a signal that comes when everything is saved changes nothing
    assert sum(outcome[0] == "stopped" for outcome in outcomes.values()) >= STOPS // 2
