"""Two launchers on one machine stand for two nodes; torchrun starts the ranks of train.py."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch

from tests.support.paths import REPO
from tests.support.runs import NO_DROPOUT, QUIET, TINY_TACOTRON2, overrides, run
from tts.config import compose, resolved
from tts.core.errors import InputError
from tts.core.ranks import is_first_to_say
from tts.runtime.launch import launch

OPTIONS = [*TINY_TACOTRON2, *NO_DROPOUT, *QUIET, "trainer.max_steps=4", "trainer.max_epochs=-1"]
OPTIONS += ["model.optimizer.eps=1e-4"]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.mark.slow
def test_two_nodes_learn_what_one_process_learns(tmp_path):
    run(tmp_path, *OPTIONS, "data.batch_size=6", output="alone")
    nodes = ["trainer.num_nodes=2", "trainer.devices=1", "trainer.strategy=ddp"]
    nodes += ["data.batch_size=3", f"hydra.run.dir={tmp_path}/nodes"]
    nodes += ["+callbacks.end._target_=tests.support.trial_callbacks.NoteEnd"]
    nodes += [f"+callbacks.end.folder={tmp_path}"]
    arguments = [o for o in overrides(tmp_path, *OPTIONS, *nodes) if "paths.output" not in o]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1"]
    launcher += ["--master-addr=127.0.0.1", f"--master-port={free_port()}"]
    processes = [
        subprocess.Popen(
            [*launcher, f"--node-rank={rank}", "train.py", *arguments],
            cwd=REPO,
            env={**os.environ, "PYTHONPATH": str(REPO)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    said = [process.communicate(timeout=240)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert "finished after 4 steps" in said[0]
    assert "finished" not in said[1]
    ends = [(tmp_path / f"rank{rank}.txt").read_text() for rank in range(2)]
    assert ends == ["left its group"] * 2
    alone, nodes = (
        torch.load(tmp_path / name / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        for name in ("alone", "nodes")
    )
    for name in alone:
        torch.testing.assert_close(nodes[name], alone[name], rtol=1e-4, atol=1e-5)


def test_a_node_on_its_own_does_not_wait_for_the_others(tmp_path):
    with pytest.raises(InputError, match=r"trainer.num_nodes=2: start the command on every node"):
        run(tmp_path, *OPTIONS, "trainer.num_nodes=2")


def test_torchrun_must_start_as_many_processes_as_the_options_ask_for(tmp_path, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    config = resolved(compose(["trainer.accelerator=cpu", "data=synthetic"]))
    with pytest.raises(InputError, match=r"torchrun started 2 processes, .* ask for 1"):
        launch(lambda *_: {}, config, tmp_path)


BATCH_JOB = {"SLURM_JOB_ID": "77", "SLURM_JOB_NAME": "voice", "SLURM_NTASKS": "2"}


@pytest.fixture
def in_slurm(monkeypatch, tmp_path):
    """Return a function that starts a training with two devices inside a job of SLURM."""

    def start(**variables):
        for name in ("LOCAL_RANK", "WORLD_SIZE"):
            monkeypatch.delenv(name, raising=False)
        ranks = Mock(side_effect=RuntimeError("the ranks start"))
        monkeypatch.setattr("tts.runtime.launch._launch_ranks", ranks)
        for name, value in {**BATCH_JOB, **variables}.items():
            monkeypatch.setenv(name, value)
        options = ["trainer.accelerator=cpu", "trainer.devices=2", "data=synthetic"]
        return launch(lambda *_: {"started": 1.0}, resolved(compose(options)), tmp_path)

    return start


@pytest.mark.parametrize("step", [{}, {"SLURM_STEP_NUM_TASKS": "1"}], ids=str)
def test_several_tasks_of_slurm_need_srun(in_slurm, step):
    """Without srun, the run waited for ranks that nobody starts."""
    with pytest.raises(InputError, match=r"allocated 2 tasks, .* once: type srun before it"):
        in_slurm(**step)


def test_one_task_needs_no_srun(in_slurm):
    assert in_slurm(SLURM_NTASKS="1", LOCAL_RANK="0", WORLD_SIZE="2") == {"started": 1.0}
    with pytest.raises(RuntimeError, match="the ranks start"):
        in_slurm(SLURM_NTASKS="1")


def test_srun_starts_the_ranks(in_slurm):
    assert in_slurm(SLURM_STEP_NUM_TASKS="2") == {"started": 1.0}


def test_torchrun_inside_a_job_of_slurm_needs_no_srun(in_slurm):
    assert in_slurm(LOCAL_RANK="1", WORLD_SIZE="2") == {"started": 1.0}


def test_srun_must_start_as_many_processes_as_the_options_ask_for(in_slurm):
    with pytest.raises(InputError, match=r"srun started 3 processes, .* ask for 2"):
        in_slurm(SLURM_NTASKS="3", SLURM_STEP_NUM_TASKS="3")


@pytest.mark.slow
def test_a_mistake_that_every_rank_finds_is_said_once(tmp_path):
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2"]
    launcher += ["--master-addr=127.0.0.1", f"--master-port={free_port()}"]
    mistake = ["data=synthetic", "trainer.max_steps=x", f"hydra.run.dir={tmp_path}"]
    done = subprocess.run(
        [*launcher, "train.py", *mistake],
        cwd=REPO,
        env={**os.environ, "PYTHONPATH": str(REPO)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode != 0
    assert (done.stdout + done.stderr).count("trainer.max_steps=x: it must be") == 1
    # the status of each rank is that of a mistake
    assert "exitcode  : 2" in done.stderr


def test_ranks_of_torchrun_say_the_same_line_once_and_others_always(tmp_path, monkeypatch):
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    assert is_first_to_say("no such file")
    assert is_first_to_say("no such file")
    said = {}
    for attempt in range(2):
        for rank in range(2):
            folder = tmp_path / f"attempt_{attempt}" / str(rank)
            folder.mkdir(parents=True)
            monkeypatch.setenv("LOCAL_RANK", str(rank))
            monkeypatch.setenv("TORCHELASTIC_ERROR_FILE", str(folder / "error.json"))
            said[attempt, rank] = is_first_to_say("no such file"), is_first_to_say(f"of {rank}")
    assert said == {
        **{(attempt, 0): (True, True) for attempt in range(2)},
        **{(attempt, 1): (False, True) for attempt in range(2)},
    }
    gone, other = (str(tmp_path / name / "0" / "error.json") for name in ("attempt_9", "other"))
    Path(other).parent.mkdir(parents=True)
    for nowhere in ("", gone, other, os.devnull):
        monkeypatch.setenv("TORCHELASTIC_ERROR_FILE", nowhere)
        assert is_first_to_say("no such file")
        assert is_first_to_say("no such file")
    assert not any(path.name.startswith("said-") for path in (tmp_path / "other").iterdir())
