"""Runs sweeps by the command: Optuna, grids, several devices, parallel trials, resuming."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest

# imported here: they change the environment, which the tests compare before and after a sweep
import pytorch_lightning  # noqa: F401
import torch._inductor.config  # noqa: F401
import yaml

from tests.support.paths import REPO
from tests.support.runs import QUIET, TINY_TACOTRON2, TINY_WAVEGLOW, overrides
from tts.config import compose, resolved

LR = "model.lr=tag(log,interval(1e-6,3e-3))"
TPE = ["sweep=optuna", "sweep.sampler.n_startup_trials=3"]
EAGER = ["sweep.pruner.n_startup_trials=2", "sweep.pruner.n_warmup_steps=0"]
DDP = ["trainer.accelerator=cpu", "trainer.strategy=ddp"]
SHORT = ["trainer.max_epochs=1", "trainer.num_sanity_val_steps=0"]


def arguments(folder, *more, network=TINY_WAVEGLOW):
    options = overrides(folder, *network, *QUIET, "callbacks.progress=null", *SHORT)
    # the command knows where a trial writes
    options = [option for option in options if "output_dir" not in option]
    return ["-m", *options, f"hydra.sweep.dir={folder}/sweep", *more]


@pytest.fixture
def sweep(command, monkeypatch, tmp_path):
    """Run a sweep in this process; returns status, standard output and standard error."""
    monkeypatch.setenv("PYTHONPATH", str(REPO))
    return lambda *more: command("train", *arguments(tmp_path, *more))


def table(folder):
    with (folder / "sweep" / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def config_of(trial):
    return yaml.safe_load((Path(trial["folder"]) / "config.yaml").read_text())


def notes(trial):
    folder = Path(trial["folder"]) / "notes"
    return [json.loads(path.read_text()) for path in sorted(folder.glob("rank*.json"))]


def noting():
    return [
        "+callbacks.notes._target_=tests.support.trial_callbacks.NoteRank",
        "+callbacks.notes.folder=${paths.output_dir}/notes",
    ]


@pytest.mark.slow
def test_a_search_of_six_trials(sweep, tmp_path):
    before = dict(os.environ)
    search = [*TPE, *EAGER, "sweep.n_trials=6", LR, "trainer.max_epochs=2"]
    status, out, err = sweep(*search, "monitor=val/mel_distance")
    assert status == 0, err
    trials = table(tmp_path)
    assert sorted(trial["trial"] for trial in trials) == list("012345")
    complete = [t for t in trials if t["state"] == "COMPLETE"]
    pruned = [t for t in trials if t["state"] == "PRUNED"]
    assert len(complete) >= 3
    assert len(pruned) >= 1
    assert len(complete) + len(pruned) == 6
    objectives = [float(trial["val/mel_distance"]) for trial in complete]
    assert objectives == sorted(objectives)
    for trial in trials:
        assert config_of(trial)["model"]["optimizer"]["lr"] == float(trial["model.lr"])
        epochs = (Path(trial["folder"]) / "metrics.csv").read_text().count("\n") - 1
        assert (trial["state"] == "PRUNED") == (epochs < 2)
    study = optuna.load_study(study_name="sweep", storage=f"sqlite:///{tmp_path}/sweep/study.db")
    assert study.best_value == objectives[0]
    assert [t.state.name for t in study.trials] == [
        t["state"] for t in sorted(trials, key=lambda t: int(t["trial"]))
    ]
    assert f"best: trial {complete[0]['trial']}, model.lr={complete[0]['model.lr']}" in out
    assert dict(os.environ) == before


@pytest.mark.slow
def test_an_interrupted_search_resumes(sweep, tmp_path):
    search = [*TPE, "sweep.n_trials=3", LR, "trainer.max_epochs=2"]
    search += ["+callbacks.stop._target_=tests.support.trial_callbacks.InterruptOnce"]
    search += [f"+callbacks.stop.folder={tmp_path}"]
    status, out, err = sweep(*search)
    assert status == 130
    assert f"sweep.resume={tmp_path}/sweep" in err.splitlines()[-1]
    assert "best: trial" in out
    finished = {t["trial"]: t for t in table(tmp_path) if t["state"] == "COMPLETE"}
    assert set(finished) == {"0"}
    chosen = json.loads((tmp_path / "sweep" / "1" / "trial.json").read_text())["parameters"]
    search.append(f"sweep.resume={tmp_path}/sweep")
    status, _, err = sweep(*search, "hydra.sweep.dir=elsewhere")
    assert status == 0, err
    trials = {trial["trial"]: trial for trial in table(tmp_path)}
    assert [trials[n]["state"] for n in sorted(trials)] == ["COMPLETE"] * 3
    assert {n: trials[n] for n in finished} == finished
    assert trials["1"]["model.lr"] == chosen["model.lr"]
    assert len(list(tmp_path.glob("start_*"))) == 4


@pytest.mark.slow
def test_a_failed_trial_is_a_row_and_a_status(sweep, tmp_path):
    fail = [
        "+callbacks.fail._target_=tests.support.trial_callbacks.FailFor",
        "+callbacks.fail.lr=0.5",
    ]
    status, out, err = sweep("model.lr=0.5,1e-3", *fail)
    assert status == 1
    assert err.splitlines()[-1].startswith("error: 1 of 2 trials failed; see ")
    assert "Traceback" not in err
    good, bad = table(tmp_path)
    assert (good["state"], bad["state"]) == ("COMPLETE", "FAILED")
    assert bad["reason"] == "RuntimeError: the device is on fire"
    assert "FAILED" in out
    assert "on fire" in (tmp_path / "sweep" / "0" / "traceback.txt").read_text()


BAD = {
    "misspelt key": (["model.btch_size=1,2"], "did you mean 'batch_size'"),
    "interval in a grid": (["model.lr=interval(1e-4,1e-3)"], "a grid needs single values"),
    "nothing to search": (["sweep=optuna"], "nothing to search"),
    "no such folder": (["model.lr=1,2", "sweep.resume=gone"], "sweep.resume=gone: no such folder"),
    "no such launcher": (["hydra/launcher=ray"], "pip install 'tacoglow[sweep]'"),
    "no cluster": (["model.lr=1,2", "launcher=slurm"], "hydra.launcher: "),
    "not a number of trials": (["sweep=optuna", "sweep.n_trials=0"], "sweep.n_trials=0: it must"),
    "not a number at a time": (["sweep.parallel=abc"], "sweep.parallel=abc: it must be"),
    "unknown policy": (["sweep.on_failure=cry"], "sweep.on_failure=cry: it must be one of"),
    "no such pruner": (
        ["sweep=optuna", "model.lr=interval(1e-4,1e-2)", "sweep.pruner._target_=optuna.Nope"],
        "optuna.Nope",
    ),
    "no pruner at all": (["sweep=optuna", "sweep.pruner=5"], "sweep.pruner=5: it must be"),
    "no such sweep": (["sweep=annealing"], "annealing"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_sweep_is_one_line(case, sweep, tmp_path):
    arguments, message = BAD[case]
    status, _, err = sweep(*arguments)
    assert status == 2
    assert message in err.strip().splitlines()[-1]
    assert err.strip().splitlines()[-1].startswith("error: ")
    assert not list(tmp_path.rglob("*.ckpt"))


UNKNOWN_METRICS = {
    "misspelt": (["monitor=val/los"], "this run logs no such metric; did you mean val/loss"),
    "without checkpoints": (["monitor=val/los", "callbacks.checkpoint=null"], "did you mean val/"),
    "of a callback": (["monitor=val/mel_distance", "callbacks.speech=null"], "there are val/"),
    "of logging steps": (["monitor=train/log_det_min"], "train/log_det_min: it is logged in"),
    "of all searched values": (["monitor=val/x", "loss.spoken_weight=0,1"], "val/x: this run"),
    "parallel": (["monitor=val/los", "launcher=joblib", "sweep.parallel=2"], "did you mean val/"),
    "a search": ([*TPE, LR, "monitor=val/los", "logger=all"], "did you mean val/loss"),
}


@pytest.mark.parametrize("case", UNKNOWN_METRICS)
def test_a_metric_that_no_trial_logs_is_refused_once_and_leaves_nothing(case, sweep, tmp_path):
    options, message = UNKNOWN_METRICS[case]
    status, out, err = sweep("model.lr=1e-3,1e-4", *options)
    assert status == 2
    (line,) = [line for line in err.splitlines() if "error" in line]
    assert line.startswith("error: monitor=")
    assert message in line
    assert "trial" not in out + err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_metric_that_some_trials_log_fails_only_the_others(sweep, tmp_path):
    status, _, _ = sweep("loss.spoken_weight=0,1", "monitor=val/loss_spoken")
    assert status == 1
    good, bad = table(tmp_path)
    assert (good["loss.spoken_weight"], good["state"]) == ("1", "COMPLETE")
    assert bad["reason"].startswith("monitor=val/loss_spoken: this run logs no such metric")


RANKS = {"torchrun": {"LOCAL_RANK": "2"}, "srun": {"SLURM_JOB_ID": "7", "SLURM_NTASKS": "2"}}


@pytest.mark.parametrize("launcher", RANKS)
def test_a_sweep_is_not_run_by_every_rank(launcher, sweep, monkeypatch):
    for name, value in RANKS[launcher].items():
        monkeypatch.setenv(name, value)
    status, _, err = sweep("model.lr=1e-3,1e-4")
    assert status == 2
    assert "without torchrun" in err


@pytest.mark.parametrize(("name", "model"), [("tacotron2", "tacotron2"), ("waveglow", "waveglow")])
def test_the_search_spaces_name_keys_that_are_there(name, model):
    cfg = compose([f"model={model}", f"sweep={name}", "data.root=somewhere"])
    assert cfg.monitor == "val/mel_distance"
    assert resolved(cfg)["sweep"]["search"]["n_trials"] == cfg.sweep.n_trials
    for key in cfg.sweep.space:
        node = cfg
        for part in key.split("."):
            assert part in node, key
            node = node[part]


def launched(folder, *more, env=None, network=TINY_WAVEGLOW):
    """Run the command in a new process."""
    return subprocess.Popen(
        [sys.executable, "train.py", *arguments(folder, *more, network=network)],
        cwd=REPO,
        env={**os.environ, "PYTHONPATH": str(REPO), **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.mark.slow
def test_devices_change_to_and_fro(sweep, tmp_path):
    before = dict(os.environ)
    status, _, err = sweep("trainer.devices=2,1,2", *DDP, *noting())
    assert status == 0, err
    trials = sorted(table(tmp_path), key=lambda trial: trial["trial"])
    for trial, devices in zip(trials, (2, 1, 2), strict=True):
        ranks = notes(trial)
        assert [rank["world_size"] for rank in ranks] == [devices] * devices
        assert {rank["output_dir"] for rank in ranks} == {trial["folder"]}
        assert (Path(trial["folder"]) / "checkpoints" / "last.ckpt").is_file()
    assert trials[0]["val/loss"] == trials[2]["val/loss"] != trials[1]["val/loss"]
    assert {path.name for path in (tmp_path / "sweep").iterdir() if path.is_dir()} == set("012")
    assert dict(os.environ) == before


@pytest.mark.slow
def test_ranks_of_a_suggestion_have_the_same_parameters_and_are_pruned_together(sweep, tmp_path):
    before = dict(os.environ)
    search = ["sweep=optuna", *EAGER, "sweep.n_trials=3", "trainer.max_epochs=3"]
    search += ["trainer.devices=2", *DDP, "model.lr=3e-3,1e-6"]
    search += ["sweep.sampler._target_=optuna.samplers.BruteForceSampler"]
    search += ["~sweep.sampler.n_startup_trials", "sweep.pruner.n_startup_trials=1"]
    search += ["monitor=val/mel_distance"]
    status, out, err = sweep(*search, *noting(), "sweep.sampler.seed=2", "seed=0,1")
    assert status == 0, err
    trials = table(tmp_path)
    assert "PRUNED" in {trial["state"] for trial in trials}, out
    for trial in trials:
        ranks = notes(trial)
        assert [rank["lr"] for rank in ranks] == [float(trial["model.lr"])] * 2
        assert {rank["output_dir"] for rank in ranks} == {trial["folder"]}
    assert {path.name for path in (tmp_path / "sweep").iterdir() if path.is_dir()} == set("012")
    assert dict(os.environ) == before


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["joblib", "local"])
def test_trials_side_by_side(launcher, tmp_path):
    env = {"OMP_NUM_THREADS": ""} if launcher == "joblib" else {}
    more = [f"launcher={launcher}", "sweep.parallel=2", "model.lr=1e-3,5e-4", "logger=wandb"]
    more += ["logger.wandb.offline=true", "data.num_workers=2", *noting()]
    with launched(tmp_path, *more, env=env, network=TINY_TACOTRON2) as process:
        out, _ = process.communicate(timeout=200)
    assert process.returncode == 0, out
    trials = table(tmp_path)
    assert [trial["state"] for trial in trials] == ["COMPLETE"] * 2
    ranks = [rank for trial in trials for rank in notes(trial)]
    assert len({rank["pid"] for rank in ranks}) == 2
    if launcher == "joblib":
        assert {rank["threads"] for rank in ranks} == {max(1, os.cpu_count() // 2)}
    for trial in trials:
        folder = Path(trial["folder"])
        assert len(list((folder / "wandb").glob("offline-run-*"))) == 1
        assert config_of(trial)["model"]["lr"] == float(trial["model.lr"])
    # both prepared the same corpus and the same mels
    cache = tmp_path / "data" / "cache"
    assert len(list(cache.glob("synthetic-corpus-tones-*/prepared.json"))) == 1
    assert not list((tmp_path / "data").rglob("*.tmp*"))


@pytest.mark.slow
def test_a_killed_search_resumes(tmp_path):
    more = [*TPE, "sweep.n_trials=3", LR, "trainer.max_epochs=4"]
    with launched(tmp_path, *more) as process:
        while not (tmp_path / "sweep" / "1" / "checkpoints" / "last.ckpt").exists():
            assert process.poll() is None
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGKILL)
    before = json.loads((tmp_path / "sweep" / "0" / "trial.json").read_text())
    with launched(tmp_path, *more, f"sweep.resume={tmp_path}/sweep") as process:
        out, _ = process.communicate(timeout=200)
    assert process.returncode == 0, out
    trials = sorted(table(tmp_path), key=lambda trial: trial["trial"])
    assert [trial["state"] for trial in trials] == ["COMPLETE"] * 3
    assert float(trials[0]["val/loss"]) == before["objective"]
    assert "resuming from step" in out


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_ranks_do_not_outlive_a_killed_sweep(tmp_path):
    more = ["trainer.devices=2", *DDP, "trainer.max_epochs=-1", *noting()]
    with launched(tmp_path, *more) as process:
        files = [tmp_path / "sweep" / "0" / "notes" / f"rank{rank}.json" for rank in range(2)]
        while not all(file.exists() and file.read_text() for file in files):
            assert process.poll() is None
            time.sleep(0.1)
        ranks = [json.loads(file.read_text())["pid"] for file in files]
        process.kill()
        process.communicate(timeout=30)
    patience = time.monotonic() + 10
    while left := [pid for pid in ranks if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < patience, left
        time.sleep(0.1)


@pytest.mark.slow
def test_trials_of_joblib_do_not_outlive_a_killed_sweep(tmp_path):
    more = ["launcher=joblib", "sweep.parallel=2", "model.lr=1e-3,5e-4", "trainer.max_epochs=-1"]
    with launched(tmp_path, *more, *noting(), "data.num_workers=1") as process:
        found = [tmp_path / "sweep" / str(trial) / "notes" / "rank0.json" for trial in range(2)]
        while not all(note.exists() and note.read_text() for note in found):
            assert process.poll() is None
            time.sleep(0.1)
        process.kill()
        # the pipe closes only when all processes have ended
        process.communicate(timeout=60)


@pytest.mark.slow
def test_trials_of_joblib_save_when_the_sweep_is_told_to_stop(tmp_path):
    more = ["launcher=joblib", "sweep.parallel=2", "model.lr=1e-3,5e-4", "trainer.max_epochs=-1"]
    more += ["callbacks.checkpoint.every_n_minutes=null", "trainer.limit_val_batches=0"]
    with launched(tmp_path, *more, *noting(), "monitor=train/loss") as process:
        found = [tmp_path / "sweep" / str(trial) / "notes" / "rank0.json" for trial in range(2)]
        while not all(note.exists() and note.read_text() for note in found):
            assert process.poll() is None
            time.sleep(0.1)
        # a terminal sends it to all processes of the group
        os.killpg(process.pid, signal.SIGINT)
        out, _ = process.communicate(timeout=200)
    assert process.returncode == 130, out
    assert "Traceback" not in out
    for trial in range(2):
        folder = tmp_path / "sweep" / str(trial)
        assert json.loads((folder / "trial.json").read_text())["state"] == "INTERRUPTED"
        assert (folder / "checkpoints" / "last.ckpt").is_file()
    assert f"sweep.resume={tmp_path}/sweep" in out


@pytest.mark.slow
def test_a_killed_worker_of_joblib_is_a_failed_trial(tmp_path):
    more = ["launcher=joblib", "sweep.parallel=2", "model.lr=1e-3,5e-4", "trainer.max_epochs=-1"]
    with launched(tmp_path, *more, *noting()) as process:
        note = tmp_path / "sweep" / "0" / "notes" / "rank0.json"
        while not note.exists() or not note.read_text():
            assert process.poll() is None
            time.sleep(0.1)
        os.kill(json.loads(note.read_text())["pid"], signal.SIGKILL)
        out, _ = process.communicate(timeout=200)
    assert process.returncode == 1, out
    assert "its process was lost" in out
    assert {trial["state"] for trial in table(tmp_path)} == {"FAILED"}
