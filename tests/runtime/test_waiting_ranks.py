"""Ranks that wait for others: in C++, where Python's handlers of signals do not run."""

import signal
import subprocess
import sys
import time
from unittest.mock import Mock

import pytest
from torch.distributed.elastic.multiprocessing.api import PContext

from tests.runtime.test_many_nodes import free_port
from tests.support.lost_peer import train
from tests.support.paths import REPO
from tts.core.errors import EXIT_STOPPED, TrainingError
from tts.core.signals import StopSignals
from tts.runtime.launch import GRACE_SECONDS, LOST_PEER_SECONDS, _ended_soon, launch

RENDEZVOUS = """
import os, sys
os.environ |= {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
os.environ["MASTER_PORT"] = sys.argv[1]
import torch.distributed as dist
from tts.core.signals import StopSignals
with StopSignals().installed():
    print("waiting", flush=True)
    dist.init_process_group("gloo")
"""


@pytest.mark.slow
def test_a_signal_ends_a_rank_that_waits_for_the_others(tmp_path):
    command = [sys.executable, "-W", "ignore", "-c", RENDEZVOUS, str(free_port())]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=REPO, **pipes) as rank:
        assert rank.stdout.readline() == "waiting\n"
        time.sleep(1)
        rank.send_signal(signal.SIGTERM)
        try:
            # the others would be waited for for half an hour
            _, said = rank.communicate(timeout=120)
        finally:
            rank.kill()
    assert rank.returncode == EXIT_STOPPED
    assert said.splitlines()[-1] == "stopped by SIGTERM before training began"


def test_the_watch_ends_with_its_block():
    before = signal.set_wakeup_fd(-1)
    with StopSignals().installed():
        assert StopSignals.is_watched
    assert not StopSignals.is_watched
    assert signal.set_wakeup_fd(before) == -1


def test_a_signal_that_another_handler_takes_ends_nothing(monkeypatch):
    monkeypatch.setattr("tts.core.signals._SECONDS_TO_ANSWER", 0.0)
    monkeypatch.setattr("os._exit", lambda status: pytest.fail("the process would have ended"))
    taken, before = [], signal.getsignal(signal.SIGTERM)
    with StopSignals().installed():
        signal.signal(signal.SIGTERM, lambda *_: taken.append("taken"))
        signal.raise_signal(signal.SIGTERM)
        time.sleep(0.05)
    assert taken == ["taken"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_other_ranks_are_given_up_soon_after_one_has_died():
    context, before = Mock(_tail_logs=[]), PContext.close
    with _ended_soon():
        PContext.close(context)
        assert context._close.call_args.kwargs["timeout"] == LOST_PEER_SECONDS
        # after a signal they have the time to save
        PContext.close(context, timeout=GRACE_SECONDS)
        assert context._close.call_args.kwargs["timeout"] == GRACE_SECONDS
    assert PContext.close is before


@pytest.mark.slow
def test_a_rank_that_no_signal_reaches_does_not_delay_the_end(tmp_path):
    trainer = {"gpus": None, "accelerator": "cpu", "devices": 2, "num_nodes": 1, "strategy": "ddp"}
    with pytest.raises(TrainingError, match="rank 1 ended with exit code 9"):
        launch(train, {"trainer": trainer}, tmp_path)
    # torch's launcher would wait 30 seconds
    assert time.time() - float((tmp_path / "died").read_text()) < 28
