"""Failures in the middle of a run: one line names them, nothing hangs, a checkpoint is left."""

import logging
import multiprocessing
import os
import signal

import pytest
import torch
from pytorch_lightning.callbacks import Callback

from tests.support.paths import REPO
from tests.support.runs import QUIET, TINY_TACOTRON2, TINY_WAVEGLOW, run
from tts.core.errors import InputError, TrainingError
from tts.models import Tacotron2, WaveGlow

SHORT = [*QUIET, "trainer.max_steps=2", "trainer.num_sanity_val_steps=0"]


def too_large(*_):
    """Raises the error of a CPU that is asked for a petabyte."""
    return torch.empty(2**50)


def too_large_for_cuda(*_):
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.\nGPU 0 has ...")


@pytest.mark.parametrize(
    ("network", "forward", "options", "message"),
    [
        (Tacotron2, too_large, [*TINY_TACOTRON2], "frames and .* symbols .*lower data.batch_size"),
        (
            Tacotron2,
            too_large_for_cuda,
            [*TINY_TACOTRON2, "data.frames_per_batch=2000"],
            "frames and .* symbols .*lower data.frames_per_batch=2000",
        ),
        (WaveGlow, too_large, TINY_WAVEGLOW, "2048 samples .*lower data.batch_size or .*segment"),
    ],
    ids=["tacotron2", "tacotron2 by frames", "waveglow"],
)
def test_out_of_memory_names_the_batch_and_the_keys(
    network, forward, options, message, tmp_path, monkeypatch
):
    monkeypatch.setattr(network, "forward", forward)
    with pytest.raises(TrainingError, match=rf"^out of memory at step 0 \(.*{message}") as error:
        run(tmp_path, *options, *SHORT)
    assert "tones" in str(error.value) or "utterances" in str(error.value)
    assert "\n" not in str(error.value)


class KillLoader(Callback):
    """Kills a process that loads data, as the kernel does when memory is short."""

    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == 1:
            os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)


def test_a_loader_that_is_killed_ends_the_run_in_one_line(tmp_path):
    options = [*TINY_TACOTRON2, *QUIET, "trainer.max_steps=500", "trainer.max_epochs=-1"]
    kill = ["data.num_workers=1", "+callbacks.kill._target_=test_faults.KillLoader"]
    with pytest.raises(TrainingError, match=r"loads data \(pid \d+\) was ended by Killed") as error:
        run(tmp_path, *options, *kill)
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_a_rank_that_is_killed_is_named_and_its_run_can_resume(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(REPO))
    options = [*TINY_TACOTRON2, *QUIET, "trainer.max_steps=500", "trainer.max_epochs=-1"]
    options += ["trainer.devices=2", "trainer.strategy=ddp", "data.batch_size=2"]
    crash = [
        "+callbacks.crash={_target_: tests.support.crashing.Crash, at: 7, how: SIGKILL, rank: 1}"
    ]
    with pytest.raises(TrainingError, match="rank 1 ended with exit code -9; the other ranks"):
        run(tmp_path, *options, *crash)
    last = tmp_path / "output" / "checkpoints" / "last.ckpt"
    assert 0 < torch.load(last, weights_only=True)["global_step"] < 7


class LoseRecording(Callback):
    """Deletes recordings in the middle of the first epoch."""

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if trainer.global_step == 1:
            dataset = trainer.datamodule._datasets["train"]
            for row in dataset.rows[:2]:
                dataset.prepared.sources[row].wav.unlink(missing_ok=True)


LOSE = [*TINY_WAVEGLOW, "+callbacks.lose._target_=test_faults.LoseRecording", *QUIET]
LOSE += ["trainer.max_epochs=2", "trainer.num_sanity_val_steps=0"]


def test_a_recording_that_vanishes_ends_the_run_and_is_named(tmp_path):
    with pytest.raises(InputError, match=r"\.wav: cannot be read any more"):
        run(tmp_path, *LOSE)


@pytest.mark.parametrize("workers", [0, 1])
def test_by_choice_others_stand_in_for_a_recording_that_vanishes(workers, tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    run(tmp_path, *LOSE, "data.on_error=skip", f"data.num_workers={workers}")
    messages = [record.message for record in caplog.records]
    warnings = [message for message in messages if "another utterance replaced" in message]
    assert warnings[-1].startswith("epoch 1: ")
    assert len(warnings) <= 2
    assert warnings[-1].count("cannot be read any more (it is gone)") == 2
