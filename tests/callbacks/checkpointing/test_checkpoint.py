import os
import time

import pytest
import pytorch_lightning as pl
import torch

from tts.callbacks import EMA, Checkpoint


@pytest.fixture
def kept(fit, tmp_path):
    """Return a function that trains with a ``Checkpoint``, and returns it and its folder."""

    def run(*callbacks, trainer=None, **options):
        folder = tmp_path / "checkpoints"
        given = {"filename": "step_{step}", "auto_insert_metric_name": False, "save_last": True}
        given |= {"monitor": "val/loss"}
        checkpoint = Checkpoint(dirpath=folder, **given | options)
        fit([*callbacks, checkpoint], enable_checkpointing=True, **trainer or {})
        return checkpoint, folder

    return run


def saved_steps(monkeypatch):
    """Return a list that gets the steps at which ``last.ckpt`` is saved."""
    steps = []
    save = Checkpoint.save_last_now

    def noted(self, trainer):
        steps.append(trainer.global_step)
        return save(self, trainer)

    monkeypatch.setattr(Checkpoint, "save_last_now", noted)
    return steps


def test_best_last_and_previous(kept):
    _, folder = kept(save_top_k=1, mode="max")
    names = {path.name for path in folder.iterdir()}
    assert names == {"last.ckpt", "previous.ckpt", "step_4.ckpt"}
    steps = [torch.load(folder / f"{name}.ckpt")["global_step"] for name in ("previous", "last")]
    assert steps == [4, 8]


@pytest.mark.parametrize("links", [True, False])
def test_the_last_is_there_at_every_moment(links, kept, monkeypatch):
    rename, existed = os.replace, []

    def watched(source, target):
        last = os.path.join(os.path.dirname(target), "last.ckpt")
        before = os.path.exists(last)
        rename(source, target)
        # the run's folder, which is the parent, notes when it was saved
        if os.path.basename(target) != ".saved":
            existed.append((before, os.path.exists(last)))

    monkeypatch.setattr(os, "replace", watched)
    if not links:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError))
    _, folder = kept(save_top_k=1, every_n_train_steps=1)
    first = existed.index((False, True))
    assert all(before and after for before, after in existed[first + 1 :])
    assert len(existed) > 8
    names = {path.name for path in folder.iterdir()}
    assert {"last.ckpt", "previous.ckpt"} < names
    assert not any("tmp" in name or "next" in name for name in names)


@pytest.mark.parametrize(
    ("options", "trainer", "expected"),
    [
        ({}, {}, [4, 8]),
        ({"every_n_train_steps": 3}, {}, [3, 4, 6, 8]),
        ({"every_n_train_steps": 4}, {}, [4, 8]),
        ({"every_n_minutes": 0.0}, {}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"every_n_minutes": 1.0}, {}, [4, 8]),
        ({"every_n_train_steps": 1}, {"accumulate_grad_batches": 3}, [1, 2, 3, 4]),
        ({}, {"limit_val_batches": 0, "max_steps": 7}, [7]),
    ],
)
def test_last_is_saved_as_often_as_asked_and_once_in_a_place(
    options, trainer, expected, kept, monkeypatch
):
    steps = saved_steps(monkeypatch)
    kept(trainer=trainer, **options)
    assert steps == expected


def test_nothing_is_written_twice(kept, monkeypatch):
    written = []
    write = torch.save
    monkeypatch.setattr(torch, "save", lambda *args: written.append(args) or write(*args))
    _, folder = kept(save_top_k=-1)
    assert len(written) == 2
    assert (folder / "last.ckpt").samefile(folder / "step_8.ckpt")


def test_a_disk_without_links_gets_copies(kept, monkeypatch):
    def no_links(*_):
        raise OSError("not here")

    monkeypatch.setattr("os.link", no_links)
    _, folder = kept(save_top_k=-1)
    assert (folder / "last.ckpt").read_bytes() == (folder / "step_8.ckpt").read_bytes()


def test_no_last_is_kept_if_none_is_wanted(kept):
    _, folder = kept(save_last=False, save_top_k=1, every_n_train_steps=1)
    assert all(path.name.startswith("step_") for path in folder.iterdir())


def test_last_holds_averages_and_weights_of_the_run(kept):
    checkpoint, folder = kept(EMA(0.9), every_n_train_steps=1)
    saved = torch.load(folder / "last.ckpt", weights_only=True)
    assert checkpoint.last_model_path == str(folder / "last.ckpt")
    assert {"state_dict", "current_model_state", "averaging_state"} <= saved.keys()


class TwentySecondsEach(pl.Callback):
    """Is a clock that moves with each batch and at no other time."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)

    def on_train_batch_start(self, *_):
        self.now += 20.0


def test_minutes_are_counted_from_the_last_save(kept, monkeypatch):
    steps = saved_steps(monkeypatch)
    kept(TwentySecondsEach(monkeypatch), every_n_minutes=1.0)
    assert steps == [3, 4, 7, 8]


def test_best_of_another_folder_are_not_taken_over(fit, tmp_path):
    def run(name, **arguments):
        checkpoint = Checkpoint(
            dirpath=tmp_path / name, monitor="val/loss", save_last=True, save_top_k=1
        )
        fit([checkpoint], enable_checkpointing=True, **arguments)
        return checkpoint

    run("first", max_epochs=1)
    second = run("second", max_epochs=2, ckpt_path=tmp_path / "first" / "last.ckpt")
    assert all(path.startswith(str(tmp_path / "second")) for path in second.best_k_models)
    assert second.best_model_path.startswith(str(tmp_path / "second"))
