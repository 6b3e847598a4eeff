"""Signals: a run that is asked to stop saves, ends, says how to resume, and resumes."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
import weakref

import pytest
from pytorch_lightning.callbacks import EarlyStopping

from tests.support.complaints import complaints
from tests.support.crashing import SMALL, Runs
from tests.support.paths import REPO
from tests.support.runs import overrides
from tts.callbacks import LogSamples, StopOnSignal
from tts.core.errors import EXIT_INTERRUPTED, EXIT_STOPPED, RunStopped
from tts.core.signals import StopSignals, WorkLeft, early_stop_first


@pytest.fixture(scope="module")
def some(tmp_path_factory):
    runs = Runs(tmp_path_factory.mktemp("runs"), "data.val_fraction=0.3", "data.val_batch_size=1")
    runs.run("whole")
    return runs


@pytest.mark.parametrize(
    ("crash", "place", "status"),
    [
        ({"at": 2, "how": "SIGTERM"}, (0, 2, False), EXIT_STOPPED),
        pytest.param(
            {"at": 1, "how": "SIGUSR1", "where": "val"},
            (0, 3, True),
            EXIT_STOPPED,
            marks=pytest.mark.slow,
        ),
        pytest.param(
            {"at": 4, "how": "SIGINT"}, (1, 1, False), EXIT_INTERRUPTED, marks=pytest.mark.slow
        ),
    ],
)
def test_a_signal_saves_and_the_run_resumes(crash, place, status, some):
    name = crash["how"]
    with pytest.raises(RunStopped, match=r"saved in .*last\.ckpt; ckpt_path=last") as stop:
        some.run(name, crash)
    assert stop.value.status == status
    point = some.last(name)["resume_point"]
    assert (point["epoch"], point["batch"], point["validate"]) == place
    some.run(name, resume=True)
    assert some.difference("whole", name) is None


def test_a_signal_in_the_last_step_leaves_the_last_validation_to_the_resumed_run(some):
    with pytest.raises(RunStopped, match="step 9, saved in"):
        some.run("late", {"at": 9, "how": "SIGTERM"})
    some.run("late", resume=True)
    assert some.difference("whole", "late") is None


def test_a_signal_in_the_last_step_changes_nothing_where_no_validation_follows(tmp_path):
    runs = Runs(tmp_path, "trainer.limit_val_batches=0")
    runs.run("late", {"at": 9, "how": "SIGTERM"})
    assert runs.last("late")["global_step"] == 9


def test_handlers_are_put_back(some):
    before = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)]
    with pytest.raises(RunStopped):
        some.run("handlers", {"at": 1, "how": "SIGTERM"})
    after = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)]
    assert after == before


def test_before_training_a_signal_ends_at_once():
    with pytest.raises(RunStopped, match="before training"), StopSignals().installed():
        signal.raise_signal(signal.SIGTERM)


SWALLOWERS = {
    "replaces it": lambda: _replacing(ValueError("there is no key 'betas'")),
    "loses it": lambda: _replacing(None),
}


def _replacing(other):
    try:
        signal.raise_signal(signal.SIGTERM)
    except BaseException:
        if other is not None:
            raise other from None


@pytest.mark.parametrize("how", SWALLOWERS)
def test_a_signal_counts_although_other_code_catches_its_error(how):
    with pytest.raises(RunStopped, match="before training"), StopSignals().installed():
        early_stop_first(SWALLOWERS[how])
    assert early_stop_first(lambda: 3) == 3


def _raise_in_a_callback(number):
    thing = type("Thing", (), {})()
    reference = weakref.ref(thing, lambda _: signal.raise_signal(number))
    del thing
    assert reference() is None
    for _ in range(500):
        time.sleep(0.01)


def test_a_signal_is_obeyed_although_it_comes_in_a_callback_of_python(capfd):
    """Python prints and loses what is raised in the callback of a weak reference."""
    signals = StopSignals()
    signals.training(True)
    with signals.installed(), pytest.raises(WorkLeft), signals.interrupting():
        _raise_in_a_callback(signal.SIGINT)
    assert signals.received == "SIGINT"
    assert "Exception ignored" not in capfd.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_before_training_is_obeyed_in_a_callback_of_python(number, capfd):
    with StopSignals().installed(), pytest.raises(RunStopped) as stop:
        early_stop_first(lambda: _raise_in_a_callback(number))
    assert stop.value.status == (EXIT_INTERRUPTED if number == signal.SIGINT else EXIT_STOPPED)
    assert "Exception ignored" not in capfd.readouterr().err


def test_a_signal_whose_error_was_lost_before_training_stops_the_training():
    with StopSignals().installed():
        SWALLOWERS["loses it"]()
        with pytest.raises(RunStopped, match="before training"):
            StopSignals().install()


def test_pressed_twice_means_now():
    signals = StopSignals()
    with signals.installed():
        signals.training(True)
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signals.received == "SIGINT"


def test_the_first_ctrl_c_does_not_interrupt_the_saving():
    signals = StopSignals()
    with signals.installed():
        signals.training(True)
        signals.leave()
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_no_broad_except_swallows_a_stop():
    assert not issubclass(RunStopped, Exception)


@pytest.fixture
def told(fit, toy_task):
    """Return a function that trains, with a signal while samples are drawn for the n-th time."""

    class Told(toy_task):
        drawn = 0

        def samples(self, batch, generator):
            if self.drawn + 1 == self.at:
                signal.raise_signal(signal.SIGTERM)
            self.drawn += 1
            return super().samples(batch, generator)

    def run(*callbacks, at=1, **arguments):
        task = Told()
        task.at = at
        callbacks = [StopOnSignal(StopSignals()), LogSamples(), *callbacks]
        stopped = ""
        try:
            fit(callbacks, task, **arguments)
        except RunStopped as stop:
            stopped = str(stop)
        return task.drawn, stopped.partition(";")[0]

    with StopSignals().installed():
        yield run


def test_samples_are_left_at_once_when_a_signal_comes(told, tmp_path):
    assert told(max_epochs=2) == (0, "stopped by SIGTERM at step 4")
    assert not list(tmp_path.glob("samples/*/*"))


def test_a_run_that_has_reached_its_end_finishes_without_its_last_samples(told):
    assert told(at=2, max_epochs=2, max_steps=6) == (1, "")


def test_samples_that_the_run_is_judged_by_are_finished_where_they_cannot_be_repeated(told):
    judge = EarlyStopping("val/alignment_free_running_coverage", mode="max")
    assert told(judge, max_epochs=2) == (0, "stopped by SIGTERM at step 4")
    # after the first of two accumulated batches, whose gradients would be lost
    accumulated = {"accumulate_grad_batches": 2, "val_check_interval": 1}
    assert told(judge, **accumulated) == (1, "stopped by SIGTERM at step 1")


class SampledRuns(Runs):
    """Runs that draw samples; the seconds that these took are left out of comparisons."""

    def last(self, name):
        checkpoint = super().last(name)
        checkpoint["resume_point"]["metrics"].pop("val/samples_seconds", None)
        return checkpoint

    def curves(self, name):
        rows = super().curves(name)
        return [{k: v for k, v in row.items() if k != "val/samples_seconds"} for row in rows]


@pytest.mark.slow
def test_a_run_that_is_stopped_in_its_samples_resumes_exactly(tmp_path):
    base = [option for option in SMALL if option != "callbacks.samples=null"]
    options = ["data.val_fraction=0.3", "callbacks.samples.every_n_validations=2"]
    some = SampledRuns(tmp_path, *options, base=base)
    some.run("whole")
    with pytest.raises(RunStopped, match="saved in"):
        some.run("run", {"at": 1, "how": "SIGTERM", "where": "samples"})
    point = some.last("run")["resume_point"]
    assert (point["epoch"], point["batch"], point["validate"]) == (1, 3, True)
    some.run("run", resume=True)
    assert some.difference("whole", "run") is None
    assert [path.name for path in sorted((tmp_path / "run" / "samples").iterdir())] == [
        path.name for path in sorted((tmp_path / "whole" / "samples").iterdir())
    ]


def test_a_rank_does_not_outlive_its_launcher():
    rank = (
        "import os, sys, time; from tts.runtime.worker import end_with;"
        "end_with(int(sys.argv[1]), 0.1); time.sleep(60)"
    )
    launcher = (
        "import os, subprocess, sys;"
        "subprocess.Popen([sys.executable, '-c', sys.argv[1], str(os.getpid())]); os._exit(0)"
    )
    # the pipe closes only when both processes have ended
    command = [sys.executable, "-W", "ignore", "-c", launcher, rank]
    subprocess.run(command, cwd=REPO, stdout=subprocess.PIPE, check=True, timeout=30)


@pytest.mark.slow
def test_all_ranks_leave_at_the_step_at_which_one_is_asked(tmp_path):
    some = Runs(tmp_path, "model.batch_size=1", "data.num_workers=1")
    codes = some.finish("run", crash={"at": 2, "how": "SIGTERM", "rank": 1}, ranks=2)
    assert codes == [EXIT_STOPPED, EXIT_STOPPED]
    assert some.last("run")["global_step"] == 2


def small(folder, *more):
    """Return the options of a run that chooses its own folder below ``folder``."""
    given = overrides(folder, *SMALL, *more)
    return [option for option in given if not option.startswith("paths.output_dir")]


def crash(how, at):
    return f"+callbacks.crash={{_target_: tests.support.crashing.Crash, at: {at}, how: {how}}}"


@pytest.mark.slow
def test_last_alone_resumes_with_the_options_of_the_run(command, tmp_path):
    options = small(tmp_path, "trainer.max_epochs=2", crash("SIGTERM", 5))
    status, out, err = command("train", *options)
    assert status == EXIT_STOPPED
    assert err.splitlines()[-1].startswith("stopped by SIGTERM at step 5")
    assert "Traceback" not in err
    # a class of one's own is trusted if the command repeats it
    alone = ["ckpt_path=last", f"paths.log_dir={tmp_path}/log", crash("SIGTERM", 5)]
    refused = "model.network.n_frames_per_step=7"
    status, out, err = command("train", *alone, refused)
    assert status == 2
    assert "n_frames_per_step is 20 there, 7 here" in err
    status, out, err = command("train", *alone, "trainer.max_epochs=3")
    assert (status, complaints(err)) == (0, "")
    assert "finished after 9 steps" in out
    assert "trainer.max_epochs 2 -> 3" in out
    assert len(list(tmp_path.glob("log/*/*/config.yaml"))) == 1
    status, out, err = command("train", *alone)
    assert (status, complaints(err)) == (0, "")
    assert out.splitlines()[-1].startswith("nothing to do: ")


@pytest.mark.slow
def test_slurm_puts_the_job_back_and_finds_its_run_again(command, monkeypatch, tmp_path):
    log = tmp_path / "scontrol.txt"
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "scontrol"
    script.write_text(f'#!/bin/sh\necho "$@" >> {log}\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    job = {
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        **{f"SLURM_{key}": "0" for key in ("PROCID", "LOCALID", "NODEID")},
        **{"SLURM_NTASKS": "1", "SLURM_JOB_ID": "4711", "SLURM_JOB_NAME": "voice"},
    }
    for name, value in job.items():
        monkeypatch.setenv(name, value)
    options = small(tmp_path, "trainer.max_epochs=2", crash("SIGUSR1", 4))
    status, out, err = command("train", *options)
    assert (status, log.read_text()) == (EXIT_STOPPED, "requeue 4711\n"), err
    assert "Traceback" not in err
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    status, out, err = command("train", *options)
    assert (status, complaints(err)) == (0, "")
    assert "resuming from step 4" in out
    (folder,) = (tmp_path / "log").glob("*/slurm_4711")
    assert json.loads((folder / "facts.json").read_text())["processes"] == 1
    # a job that began from a file resumes from its own later checkpoint
    monkeypatch.setenv("SLURM_JOB_ID", "4712")
    monkeypatch.delenv("SLURM_RESTART_COUNT")
    longer = small(tmp_path, "trainer.max_epochs=4", f"ckpt_path={folder}/checkpoints/last.ckpt")
    status, out, err = command("train", *longer, crash("SIGUSR1", 4))
    assert status == EXIT_STOPPED, err
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    status, out, err = command("train", *longer, crash("SIGUSR1", 4))
    assert (status, complaints(err)) == (0, "")
    assert "resuming from step 10" in out


#: Trains with two ranks; the process that runs it is their launcher.
LAUNCH = """
import json, sys
from pathlib import Path
from tts.train import run_training
config = json.loads(Path(sys.argv[1]).read_text())
try:
    run_training(config, Path(sys.argv[2]))
except BaseException as error:
    print(error)
    sys.exit(getattr(error, "status", 1))
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_the_launcher_forwards_signals_to_its_ranks(name, tmp_path):
    some = Runs(tmp_path, "model.batch_size=1", "data.num_workers=1")

    def launch(**options):
        config = some.config("run", **options)
        config["trainer"] |= {"devices": 2, "strategy": "ddp"}
        (tmp_path / "config.json").write_text(json.dumps(config))
        return subprocess.run(
            [sys.executable, "-c", LAUNCH, str(tmp_path / "config.json"), str(tmp_path / "run")],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(REPO), str(REPO)])},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    done = launch(crash={"at": 2, "how": name, "rank": 1, "to": "parent"})
    assert done.returncode == (EXIT_INTERRUPTED if name == "SIGINT" else EXIT_STOPPED), done.stderr
    assert "saved in" in done.stdout
    point = some.last("run")["resume_point"]
    assert (point["epoch"], point["validate"]) == (0, False)
    # what is saved does not depend on the signal
    if name == "SIGTERM":
        done = launch(resume=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert some.finish("whole", ranks=2) == [0, 0]
        assert some.difference("whole", "run") is None
