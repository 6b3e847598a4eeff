"""Training through the real recipe: it learns, resumes exactly, and fails in one line."""

import os
import pickle
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
import torch

from tests.support.paths import REPO
from tests.support.runs import QUIET, TINY_TACOTRON2, TINY_WAVEGLOW, overrides, run
from tts.config import conf_dir
from tts.core.errors import InputError, TrainingError
from tts.runtime.launch import _explain

TINY = {"tacotron2": TINY_TACOTRON2, "waveglow": TINY_WAVEGLOW}


def weights(folder, output="output"):
    file = folder / output / "checkpoints" / "last.ckpt"
    return torch.load(file, weights_only=True)["state_dict"]


def same_weights(a, b, **tolerance):
    assert a.keys() == b.keys()
    for name in a:
        torch.testing.assert_close(a[name], b[name], msg=lambda m, n=name: f"{n}: {m}", **tolerance)


@pytest.mark.parametrize("network", ["tacotron2", "waveglow"])
def test_a_run_learns_and_leaves_everything(network, tmp_path):
    first = run(tmp_path, *TINY[network], "trainer.max_steps=2", output="short")
    options = ["trainer.max_steps=24", "model.lr=3e-3", "trainer.check_val_every_n_epoch=4"]
    last = run(tmp_path, *TINY[network], *options)
    assert last["val/loss"] < first["val/loss"]
    names = {path.name for path in (tmp_path / "output").iterdir()}
    assert {"checkpoints", "config.yaml", "metrics.csv", "samples"} <= names
    media = {path.suffix for path in (tmp_path / "output" / "samples").rglob("*.*")}
    assert media == {".png", ".wav"}


def test_checkpoints_describe_themselves_and_carry_no_code(tmp_path):
    run(tmp_path, *TINY_TACOTRON2, *QUIET, "trainer.max_epochs=1")
    file = tmp_path / "output" / "checkpoints" / "last.ckpt"
    description = torch.load(file, weights_only=True)["tacoglow"]
    assert description["network"] == "Tacotron2"
    assert description["mel"]["sample_rate"] == 22050
    assert len(description["tokenizer"]["symbols"]) == 148
    assert "synthetic" in description["corpus"]
    assert description["config"]["model"]["lr"] == 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("network", ["tacotron2", "waveglow"])
def test_resumed_equals_uninterrupted(network, tmp_path):
    options = [*TINY[network], *QUIET, "scheduler=exponential", "callbacks=ema"]
    run(tmp_path, *options, "trainer.max_epochs=4", output="straight")
    run(tmp_path, *options, "trainer.max_epochs=2", output="half")
    half = tmp_path / "half" / "checkpoints" / "last.ckpt"
    run(tmp_path, *options, "trainer.max_epochs=4", f"ckpt_path={half}", output="resumed")
    same_weights(weights(tmp_path, "straight"), weights(tmp_path, "resumed"), rtol=0, atol=0)


@pytest.mark.slow
def test_last_is_the_newest_run_of_this_name(tmp_path):
    options = [*TINY_TACOTRON2, *QUIET]
    name = "tacotron2_compact_synthetic_tones"
    run(tmp_path, *options, "trainer.max_epochs=1", output=f"log/{name}/first")
    metrics = run(
        tmp_path, *options, "trainer.max_epochs=2", "ckpt_path=last", output=f"log/{name}/second"
    )
    assert metrics
    state = torch.load(
        tmp_path / "log" / name / "second" / "checkpoints" / "last.ckpt", weights_only=True
    )
    assert state["epoch"] == 1


@pytest.mark.parametrize(
    ("ckpt_path", "message"), [("last", "no run under"), ("gone.ckpt", "no such file")]
)
def test_nothing_to_resume_from(ckpt_path, message, tmp_path):
    with pytest.raises(InputError, match=message):
        run(tmp_path, *TINY_TACOTRON2, f"ckpt_path={ckpt_path}")


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights(tmp_path):
    options = [*TINY_TACOTRON2, *QUIET, "seed=7", "trainer.max_steps=2"]
    run(tmp_path, *options, output="a")
    run(tmp_path, *options, output="b")
    run(tmp_path, *options, "seed=8", output="c")
    same_weights(weights(tmp_path, "a"), weights(tmp_path, "b"), rtol=0, atol=0)
    with pytest.raises(AssertionError):
        same_weights(weights(tmp_path, "a"), weights(tmp_path, "c"))


@pytest.mark.parametrize(
    "name",
    [
        name if name == "demo" else pytest.param(name, marks=pytest.mark.slow)
        for name in sorted(p.stem for p in (conf_dir() / "experiment").glob("[!_]*.yaml"))
        if not name.startswith("own_")  # these have tests of their own
    ],
)
def test_every_experiment_takes_a_step(name, tmp_path):
    options = [f"experiment={name}", *QUIET, "trainer.max_steps=1"]
    if name.startswith("voice_"):
        options.append("model.scheduler.warmup_steps=0")
    if name in ("voice_joint", "voice_acoustic"):  # needs LJ Speech, and an earlier checkpoint
        options += ["init_from=voice_acoustic", "init_speaker=null", "data.n_speakers=1"]
    if name == "voice_vocoder_spoken":
        options.append("init_from=voice_vocoder")
    if name in ("voice_acoustic", "voice_vocoder", "voice_vocoder_spoken"):
        options.append("data.held_out=null")
    short = ["trainer.limit_train_batches=1", "trainer.check_val_every_n_epoch=1"]
    assert "val/loss" in run(tmp_path, *options, *short)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """Return the last checkpoint of a finished run of Tacotron 2."""
    folder = tmp_path_factory.mktemp("good")
    run(folder, *TINY_TACOTRON2, *QUIET, "trainer.max_epochs=1", output="first")
    return folder / "first" / "checkpoints" / "last.ckpt"


def changed(good, folder, kind):
    """Write a checkpoint that a run of Tacotron 2 must not resume from."""
    bad = folder / "bad.ckpt"
    if kind == "truncated":
        bad.write_bytes(good.read_bytes()[:5000])
    elif kind == "empty":
        bad.write_bytes(b"")
    elif kind == "code":
        bad.write_bytes(pickle.dumps({"state_dict": Code(str(folder / "ran"))}))
    elif kind == "weights only":
        torch.save({"state_dict": torch.load(good, weights_only=True)["state_dict"]}, bad)
    else:
        return good
    return bad


class Code:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("truncated", TINY_TACOTRON2, "truncated"),
        ("empty", TINY_TACOTRON2, "empty"),
        ("code", TINY_TACOTRON2, "mkdir"),
        ("weights only", TINY_TACOTRON2, "cannot be resumed"),
        ("other network", TINY_WAVEGLOW, "holds a Tacotron2"),
        ("other size", [*TINY_TACOTRON2, "model.network.prenet_dim=16"], "prenet_dim"),
        ("other mel", [*TINY_TACOTRON2, "audio.f_max=7000"], "f_max"),
    ],
)
def test_what_a_run_cannot_resume_from(kind, options, message, good, tmp_path):
    bad = changed(good, tmp_path, kind)
    with pytest.raises(InputError, match=message) as error:
        run(tmp_path, *options, *QUIET, f"ckpt_path={bad}", output="second")
    assert str(bad) in str(error.value)
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "second" / "checkpoints").exists()


@pytest.mark.slow
def test_the_best_checkpoints_are_those_that_were_validated(tmp_path):
    options = [*TINY_TACOTRON2, *QUIET, "trainer.max_steps=5", "trainer.max_epochs=-1"]
    run(tmp_path, *options)
    names = {path.name for path in (tmp_path / "output" / "checkpoints").iterdir()}
    # the run ends inside an epoch, and validates there, too
    best = {f"step_000000{step}.ckpt" for step in (2, 4, 5)}
    assert names == {*best, "previous.ckpt", "last.ckpt"}


@pytest.mark.slow
def test_interrupted_runs_can_be_resumed(tmp_path):
    more = [*TINY_TACOTRON2, *QUIET, "trainer.max_epochs=-1", "trainer.max_steps=100000"]
    command = [sys.executable, "train.py", *overrides(tmp_path, *more)]
    repository = REPO
    with subprocess.Popen(command, cwd=repository, stderr=subprocess.PIPE, text=True) as process:
        while not list(tmp_path.rglob("last.ckpt")):
            assert process.poll() is None
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1].startswith("interrupted at step")
    assert "Traceback" not in err
    (last,) = tmp_path.rglob("last.ckpt")
    assert torch.load(last, weights_only=True)["global_step"] > 0


def test_guidance_ends(tmp_path):
    options = [*TINY_TACOTRON2, *QUIET, "loss.guided_weight=1", "loss.guided_until=0.5"]
    run(tmp_path, *options, "trainer.max_steps=8", "trainer.log_every_n_steps=1")
    rows = (tmp_path / "output" / "metrics.csv").read_text().splitlines()
    column = rows[0].split(",").index("train/loss_guided")
    step = rows[0].split(",").index("step")
    guided = {int(r.split(",")[step]) for r in rows[1:] if r.split(",")[column]}
    assert guided == {0, 1, 2, 3}


def test_the_last_checkpoint_is_the_end_of_the_run(tmp_path):
    options = [*TINY_TACOTRON2, *QUIET, "trainer.max_steps=5", "trainer.max_epochs=-1"]
    run(tmp_path, *options, "trainer.check_val_every_n_epoch=2")
    file = tmp_path / "output" / "checkpoints" / "last.ckpt"
    assert torch.load(file, weights_only=True)["global_step"] == 5


@pytest.mark.slow
def test_bad_data_under_ddp_is_one_line(tmp_path, capfd):
    run(tmp_path, *TINY_TACOTRON2, *QUIET, "trainer.max_steps=1")
    (broken, *_) = sorted((tmp_path / "data").rglob("*.wav"))
    broken.write_bytes(broken.read_bytes()[:1000])
    capfd.readouterr()
    ranks = ["trainer.devices=2", "trainer.strategy=ddp"]
    with pytest.raises(InputError, match=f"bad input: .*{broken.name}"):
        run(tmp_path, *TINY_TACOTRON2, *QUIET, *ranks, "trainer.max_steps=1")
    err = capfd.readouterr().err
    # both ranks fail in the same way; the command prints the error once
    assert "error" not in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ({0: 4, 1: -9}, "rank 1 ended with exit code -9"),
        ({0: 2, 1: 4}, "bad input"),
        ({0: 4, 1: 3}, "the run cannot continue: "),
    ],
)
def test_the_error_names_the_cause_and_not_the_lost_connections(codes, message):
    failures = {rank: SimpleNamespace(exitcode=code) for rank, code in codes.items()}
    assert message in str(_explain(failures))


@pytest.mark.slow
def test_a_rank_that_stops_says_so_and_leaves_no_trace(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("PYTHONPATH", str(REPO))
    ranks = ["trainer.devices=2", "trainer.strategy=ddp"]
    fault = "{_target_: tests.support.nan_gradient.NanGradient, step: 1, rank: 1}"
    ranks.append(f"+callbacks.fault={fault}")
    before = dict(os.environ)
    with pytest.raises(TrainingError, match="the run cannot continue: "):
        run(tmp_path, *TINY_TACOTRON2, *QUIET, *ranks, "trainer.max_steps=9")
    assert dict(os.environ) == before
    err = capfd.readouterr().err
    assert "error" not in err
    assert "Traceback" not in err


@pytest.mark.slow
def test_ranks_leave_their_group_before_the_interpreter_ends(tmp_path, monkeypatch):
    # otherwise Gloo's threads sometimes abort a process that has finished its work
    monkeypatch.setenv("PYTHONPATH", str(REPO))
    ranks = ["trainer.devices=2", "trainer.strategy=ddp", "trainer.max_steps=1"]
    note = [
        "+callbacks.end._target_=tests.support.trial_callbacks.NoteEnd",
        f"+callbacks.end.folder={tmp_path}",
    ]
    run(tmp_path, *TINY_WAVEGLOW, *QUIET, *ranks, *note)
    ends = [(tmp_path / f"rank{rank}.txt").read_text() for rank in range(2)]
    assert ends == ["left its group"] * 2


@pytest.mark.slow
def test_an_unforeseen_error_of_a_rank_shows_where_it_was(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("PYTHONPATH", str(REPO))
    ranks = ["trainer.devices=2", "trainer.strategy=ddp", "model.lr=1e-3"]
    fail = [
        "+callbacks.fail._target_=tests.support.trial_callbacks.FailFor",
        "+callbacks.fail.lr=1e-3",
    ]
    with pytest.raises(TrainingError, match=r"exit code 1.*RuntimeError: the device is on fire"):
        run(tmp_path, *TINY_WAVEGLOW, *QUIET, *ranks, *fail)
    assert "in on_train_start" in capfd.readouterr().err
