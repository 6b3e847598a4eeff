"""Resuming finds the right checkpoint and options, and logs which options differ."""

import errno
import logging
import os
import resource
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from tests.support.crashing import Crashed, Runs
from tts.callbacks.checkpointing.checkpoint_io import AtomicCheckpointIO
from tts.callbacks.checkpointing.resume_source import differing_options, find_checkpoint, is_whole
from tts.config import compose
from tts.config.overrides import load_overrides, save_overrides
from tts.core.errors import InputError, TrainingError
from tts.runtime.run_folder import mark_job, newest_run, run_folder


@pytest.fixture(scope="module")
def some(tmp_path_factory):
    runs = Runs(tmp_path_factory.mktemp("runs"))
    runs.run("whole")
    return runs


def damage(path, kind):
    content = bytearray(path.read_bytes())
    if kind == "cut off":
        del content[len(content) // 2 :]
    elif kind == "empty":
        content.clear()
    else:
        content[len(content) // 2] ^= 0xFF
    path.unlink()  # one of the best may be the same file
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("cut off", marks=pytest.mark.slow),
        pytest.param("empty", marks=pytest.mark.slow),
        "a bit",
    ],
)
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(kind, some, caplog):
    with pytest.raises(Crashed):
        some.run(kind, {"at": 6})
    last = some.root / kind / "checkpoints" / "last.ckpt"
    damage(last, kind)
    assert not is_whole(last)
    with caplog.at_level(logging.WARNING, "tts"):
        some.run(kind, resume=True)
    assert f"{last} is damaged" in caplog.text
    assert some.difference("whole", kind) is None


def test_nothing_but_damaged_checkpoints(some):
    with pytest.raises(Crashed):
        some.run("hopeless", {"at": 2})
    for path in (some.root / "hopeless" / "checkpoints").iterdir():
        damage(path, "cut off")
    with pytest.raises(InputError, match=r"all checkpoints in .* are damaged"):
        some.run("hopeless", resume=True)


def test_a_finished_run_says_so(some, capsys):
    before = (some.root / "whole" / "checkpoints" / "last.ckpt").stat().st_mtime_ns
    metrics = some.run("whole", resume=True)
    assert "nothing to do: " in capsys.readouterr().out
    assert metrics["val/loss"] > 0
    assert (some.root / "whole" / "checkpoints" / "last.ckpt").stat().st_mtime_ns == before


@pytest.mark.slow
def test_other_batches_are_logged_and_the_run_resumes_at_the_same_share(tmp_path, caplog):
    some = Runs(tmp_path, "model.batch_size=1")
    with pytest.raises(Crashed):
        some.run("run", {"at": 5})
    some.text = some.text.replace('"batch_size": 1', '"batch_size": 2')
    with caplog.at_level(logging.WARNING, "tts"):
        some.run("run", resume=True)
    messages = [record.message for record in caplog.records if "other batches" in record.message]
    assert messages == [
        "resuming at epoch 0, batch 2 of 3, but other batches follow than before: "
        "data.batch_size 1 -> 2, batches in an epoch 6 -> 3"
    ]
    assert some.last("run")["global_step"] == 4 + 1 + 3 + 3


def test_a_class_that_only_moved_is_no_differing_option():
    before = {"speech": {"_target_": "tts.evaluation.Whisper"}, "_target_": "tts.tasks.One"}
    moved = {"speech": {"_target_": "tts.metrics.Whisper"}, "_target_": "tts.training.One"}
    other = {"speech": {"_target_": "tts.metrics.Sphinx"}, "_target_": "tts.training.One"}
    assert differing_options(before, moved) == ""
    assert differing_options(before, other) == (
        "speech._target_ tts.evaluation.Whisper -> tts.metrics.Sphinx"
    )


def test_differing_options_are_one_line():
    before = {"model": {"lr": 1e-3, "old": 1}, "paths": {"output_dir": "/a"}, "file": "/a/x"}
    now = {"model": {"lr": 5e-4, "new": 2}, "paths": {"output_dir": "/b"}, "file": "/b/x"}
    assert differing_options(before, now) == (
        "model.lr 0.001 -> 0.0005, model.new unset -> 2, model.old 1 -> unset"
    )
    assert differing_options(before, before) == ""
    assert differing_options({"pretrained": None, "model": {"max_epochs": 5}}, {"seed": 1}) == (
        "seed unset -> 1"
    )
    assert "and 8 more" in differing_options({"x": 0}, {"x": 0, **{f"k{i}": i for i in range(20)}})


def test_a_section_that_came_or_went_is_one_difference():
    speech = {"_target_": "tts.callbacks.SpeechMetrics", "n": 8}
    before = {"callbacks": {"speech": speech, "samples": {"n": 2, "_target_": "x"}}, "seed": 1}
    cases = {
        "without callbacks": {"callbacks": {}, "seed": 1},
        "without callbacks.speech": {"callbacks": {"samples": before["callbacks"]["samples"]}},
        "without callbacks.samples": {"callbacks": {"speech": speech, "samples": None}},
    }
    wrong = []
    for expected, now in cases.items():
        now = {"seed": 1, **now}
        found = differing_options(before, now), differing_options(now, before)
        if found != (expected, expected.replace("without", "with")):
            wrong.append((expected, found))
    assert wrong == []


def test_options_of_a_run_are_kept_and_newer_ones_win(tmp_path):
    save_overrides(tmp_path, ["model=waveglow", "+x.y=1", "model.lr=1", "ckpt_path=last"])
    now = ["model.lr=2", "ckpt_path=last"]
    assert load_overrides(tmp_path, now) == ["model=waveglow", "+x.y=1", *now]


def test_options_of_an_older_run_are_renamed(tmp_path):
    former = ["pretrained=a", "model.max_epochs=3", "model.gradient_clip_val=0.5", "model.lr=1"]
    OmegaConf.save(OmegaConf.create(former), tmp_path / "overrides.yaml")
    renamed = ["init_from=a", "trainer.max_epochs=3", "trainer.gradient_clip_val=0.5"]
    assert load_overrides(tmp_path, ["model.lr=2"]) == [*renamed, "model.lr=2"]
    config = compose(renamed)
    assert (config.init_from, config.trainer.max_epochs) == ("a", 3)
    assert config.trainer.gradient_clip_val == 0.5
    assert load_overrides(tmp_path, ["trainer.max_epochs=4"])[-1] == "trainer.max_epochs=4"
    assert "trainer.max_epochs=3" not in load_overrides(tmp_path, ["trainer.max_epochs=4"])


def touch(path, time):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    os.utime(path, (time, time))


@pytest.mark.parametrize(
    ("ckpt_path", "overrides", "expected"),
    [
        (None, [], "a/now"),
        ("file.ckpt", ["ckpt_path=file.ckpt"], "a/now"),
        ("last", ["ckpt_path=last"], "b/3"),
        ("last", ["ckpt_path=last", "trainer.max_steps=5"], "b/3"),
        ("last", ["ckpt_path=last", "model=a"], "a/2"),
    ],
)
def test_folder_of_a_run(ckpt_path, overrides, expected, tmp_path):
    for time, name in enumerate(["a/1", "a/2", "b/3"]):
        touch(tmp_path / name / "checkpoints" / "last.ckpt", time)
    assert run_folder(str(tmp_path), "a", ckpt_path, "now", overrides) == f"{tmp_path}/{expected}"
    assert newest_run(tmp_path / "c") is None


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"SLURM_JOB_ID": "7"}, "slurm_7"),
        ({"SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "bash"}, "now"),
        ({"SLURM_ARRAY_JOB_ID": "5", "SLURM_ARRAY_TASK_ID": "2"}, "slurm_5_2"),
    ],
)
def test_folder_of_a_job(variables, expected, tmp_path, monkeypatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert run_folder(str(tmp_path), "a", None, "now", []) == f"{tmp_path}/a/{expected}"


@pytest.mark.parametrize("ckpt_path", ["file.ckpt", "last", None])
def test_a_job_returns_from_the_queue_to_its_folder(ckpt_path, tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    overrides = [] if ckpt_path is None else [f"ckpt_path={ckpt_path}"]
    before = tmp_path / "a" / "before"
    touch(before / "checkpoints" / "last.ckpt", 1)
    own = Path(run_folder(str(tmp_path), "a", ckpt_path, "now", overrides))
    assert own == (before if ckpt_path == "last" else tmp_path / "a" / "slurm_7")
    own.mkdir(exist_ok=True)
    mark_job(own)
    touch(tmp_path / "a" / "of another job" / "checkpoints" / "last.ckpt", 2)
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert Path(run_folder(str(tmp_path), "a", ckpt_path, "later", overrides)) == own


def test_last_is_of_the_own_folder_first(tmp_path):
    config = {"ckpt_path": "last", "name": "a", "paths": {"log_dir": str(tmp_path)}}
    for name in ("own", "other"):
        path = tmp_path / "a" / name / "checkpoints" / "last.ckpt"
        path.parent.mkdir(parents=True)
        torch.save({"x": 1}, path)
    own = find_checkpoint(config, tmp_path / "a" / "own")
    assert own is not None
    assert own.parts[-3] == "own"


@pytest.mark.slow
def test_two_processes_do_not_train_in_one_folder(some, monkeypatch):
    (process,) = some.start("busy", crash={"at": 1, "how": "SIGSTOP"})
    try:
        while not (some.root / "busy" / ".lock").exists() or not _stopped(process.pid):
            assert process.is_alive()
        monkeypatch.setattr("tts.train.only_process", _impatient)
        with pytest.raises(InputError, match="another process is training there"):
            some.run("busy")
    finally:
        process.kill()
        process.join()
    some.run("busy")


def _stopped(pid):
    return " T " in Path(f"/proc/{pid}/stat").read_text()


def _impatient(folder):
    from tts.runtime.run_folder import only_process

    return only_process(folder, patience=0.0)


class Full:
    """Let the disk be full from the n-th checkpoint on."""

    def __init__(self, monkeypatch, after):
        self.left, self.whole = after, AtomicCheckpointIO._write
        monkeypatch.setattr(AtomicCheckpointIO, "_write", lambda io, *args: self.write(io, *args))

    def write(self, io, checkpoint, path):
        self.left -= 1
        self.whole(io, checkpoint, path)
        if self.left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_one_line_and_the_run_resumes_later(some, monkeypatch):
    with monkeypatch.context() as patch:
        Full(patch, after=4)
        with pytest.raises(TrainingError, match=r"no space left.*; make room") as error:
            some.run("full")
    assert "\n" not in str(error.value)
    assert not list((some.root / "full" / "checkpoints").glob("*.tmp"))
    some.run("full", resume=True)
    assert some.difference("whole", "full") is None


def test_a_full_disk_leaves_the_file_that_was_there(tmp_path):
    path = tmp_path / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"x": torch.zeros(10)}, path)
    _, hard = limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(TrainingError, match="file too large"):
            AtomicCheckpointIO().save_checkpoint({"x": torch.zeros(100_000)}, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert torch.equal(torch.load(path)["x"], torch.zeros(10))
    assert [file.name for file in tmp_path.iterdir()] == ["last.ckpt"]


def test_another_error_of_the_writer_is_not_called_a_full_disk(tmp_path):
    with pytest.raises(Exception, match="pickle"):
        AtomicCheckpointIO().save_checkpoint({"x": lambda: 0}, tmp_path / "last.ckpt")


def test_a_full_disk_for_the_curves_is_one_line(some, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tts.loggers.csv_logger.CSVWriter.log_metrics", full)
    with pytest.raises(TrainingError, match="no space left"):
        some.run("curves")
