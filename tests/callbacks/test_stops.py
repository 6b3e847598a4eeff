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
STOPS = int(os.environ.get("STOPS", "10"))
#: Seconds that a process has to end after a signal.
MOST_SECONDS = 90
PROMISED = {"SIGTERM": EXIT_STOPPED, "SIGINT": EXIT_INTERRUPTED}


def start(folder, place):
    """Start a training with two processes for each of two loaders, samples and validations."""
    options = overrides(
        folder,
        *[option for option in SMALL if option != "callbacks.samples=null"],
        *("data.num_workers=2", "data.val_fraction=0.3", "data.val_batch_size=1"),
        f"hydra.run.dir={folder}/{place}",
    )
    options = [option for option in options if not option.startswith("paths.output_dir")]
    return subprocess.Popen(
        [sys.executable, "train.py", *options],
        cwd=REPO,
        env={**os.environ, "PYTHONPATH": str(REPO), "PLACE": f"{folder}/{place}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


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
@pytest.mark.skipif(sys.platform != "linux", reason="reads the environment of other processes")
def test_a_training_that_is_told_to_stop_ends_as_promised(tmp_path):
    # the first run prepares the corpus
    for place in ("first", "second"):
        begin = time.monotonic()
        assert start(tmp_path, place).wait(5 * MOST_SECONDS) == 0
        seconds = time.monotonic() - begin
    outcomes = {}
    for number in range(STOPS):
        name = ("SIGTERM", "SIGINT")[number % 2]
        moment = 1.0 + (seconds - 0.5) * number / STOPS
        process = start(tmp_path, str(number))
        time.sleep(moment)
        process.send_signal(getattr(signal, name))
        mark = f"{tmp_path}/{number}"
        status, error = finish(process, mark)
        is_complete = status == 0 and Path(mark, "checkpoints", "last.ckpt").is_file()
        as_promised = status == PROMISED[name] and "Traceback" not in error
        remaining = left_behind(mark)
        outcome = "complete" if is_complete else "stopped" if as_promised else "wrong"
        outcomes[number] = (outcome, name, round(moment, 1), status, remaining, error)
        sys.stdout.write(f"{outcomes[number]}\n")
        sys.stdout.flush()
    wrong = [o for o in outcomes.values() if o[0] == "wrong" or o[4]]
    assert wrong == []
    # a signal that comes in the last moments of a run changes nothing
    assert sum(outcome[0] == "stopped" for outcome in outcomes.values()) >= STOPS // 2
