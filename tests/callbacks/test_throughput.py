import csv
import time
from types import SimpleNamespace

import pytest
import torch
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import CSVLogger

from tts.callbacks import Throughput
from tts.callbacks.throughput import _combine_ranks


class Clip(Callback):
    """Records the norm of the gradient that the optimiser gets."""

    def __init__(self):
        self.norms = []

    def on_before_zero_grad(self, trainer, pl_module, optimizer):
        gradients = [p.grad for p in pl_module.parameters() if p.grad is not None]
        self.norms.append(float(torch.nn.utils.get_total_norm(gradients)) if gradients else None)


def rows(folder):
    with (folder / "metrics.csv").open() as file:
        return [row for row in csv.DictReader(file) if row.get("train/steps_per_second")]


@pytest.fixture
def logged(fit, tmp_path):
    def run(*callbacks, task=None, **arguments):
        logger = CSVLogger(tmp_path, name="", version="")
        fit([Throughput(), *callbacks], task, logger=logger, **arguments)
        return rows(tmp_path)

    return run


def test_every_figure_is_logged(logged):
    names = ("frames_per_second", "steps_per_second", "gradient_norm", "memory_process_gb")
    figures = logged()
    assert len(figures) == 8
    assert all(float(row[f"train/{name}"]) > 0 for row in figures for name in names)
    assert 0 < float(figures[1]["train/data_wait"]) < 1
    assert all(float(row["train/learning_rate"]) == pytest.approx(0.1) for row in figures)


@pytest.mark.parametrize("every", [2, 3, 4])
def test_figures_are_written_as_often_as_lightning_writes(logged, every):
    steps = [int(row["step"]) for row in logged(log_every_n_steps=every)]
    assert steps == [step - 1 for step in range(1, 9) if step % every == 0]


def test_time_and_frames_agree_with_what_was_waited(logged, toy_task):
    class Slow(toy_task):
        def training_step(self, batch, batch_idx):
            time.sleep(0.02)
            return super().training_step(batch, batch_idx)

    row = logged(task=Slow(), log_every_n_steps=4)[-1]
    seconds = 1 / float(row["train/steps_per_second"])
    assert 0.02 < seconds < 0.2
    # 3 utterances of 12 frames in each step
    assert float(row["train/frames_per_second"]) == pytest.approx(36 / seconds, rel=1e-3)


@pytest.mark.slow
def test_validation_is_left_out(logged, toy_task):
    class SlowValidation(toy_task):
        def validation_step(self, batch, batch_idx):
            time.sleep(0.5)

    figures = logged(task=SlowValidation(), log_every_n_steps=4)
    assert float(figures[-1]["train/steps_per_second"]) > 10


def test_accumulated_batches_count_as_one_step(logged, toy_task):
    class Slow(toy_task):
        def training_step(self, batch, batch_idx):
            time.sleep(0.02)
            return super().training_step(batch, batch_idx)

    figures = logged(task=Slow(), accumulate_grad_batches=2)
    assert len(figures) == 4
    assert all(float(row["train/steps_per_second"]) < 25 for row in figures)


def test_gradient_norm_is_taken_before_clipping(logged):
    clip = Clip()
    figures = logged(clip, gradient_clip_val=1e-3)
    assert all(norm is None or norm < 1.1e-3 for norm in clip.norms)
    assert all(float(row["train/gradient_norm"]) > 1e-2 for row in figures)


def test_parts_of_the_network_have_their_norms(logged):
    row = logged()[-1]
    parts = [float(row[f"train/gradient_norm_{part}"]) for part in (0, 2)]
    assert sum(n**2 for n in parts) ** 0.5 == pytest.approx(float(row["train/gradient_norm"]))


def test_padding_is_the_share_of_frames_that_are_none(logged, toy_task):
    class Padded(toy_task):
        def on_train_batch_start(self, batch, batch_idx):
            batch.mel_lengths.copy_(torch.tensor([12, 6, 3]))

    figures = logged(task=Padded())
    assert all(float(row["train/padding"]) == pytest.approx(15 / 36) for row in figures)


def test_frames_are_counted_over_all_parts_of_a_run(fit, tmp_path):
    # the first part ends before its last two steps are written
    first = fit([Throughput()], log_every_n_steps=3, max_epochs=2)
    first.save_checkpoint(tmp_path / "half.ckpt")
    logger = CSVLogger(tmp_path / "logs", name="", version="")
    fit([Throughput()], logger=logger, max_epochs=3, ckpt_path=tmp_path / "half.ckpt")
    frames_seen = [float(row["train/frames_seen"]) for row in rows(tmp_path / "logs")]
    assert frames_seen == [36 * step for step in (9, 10, 11, 12)]


def test_figures_of_several_processes_are_summed_or_the_worst():
    class Ranks:
        device, trainer = torch.device("cpu"), SimpleNamespace(world_size=2)

        def all_gather(self, values):
            return torch.stack([values, values * 3])

    figures = {"a": 2.0, "b": torch.tensor(5)}
    assert _combine_ranks(figures, Ranks(), sum) == {"a": 8.0, "b": 20.0}
    assert _combine_ranks(figures, Ranks(), max) == {"a": 6.0, "b": 15.0}
