import io
import logging
import re
import sys
import time

import pytest
from pytorch_lightning.callbacks import Timer

from tests.support.fit_fixtures import ToyData
from tests.support.runs import QUIET, TINY_TACOTRON2, run
from tts.callbacks import (
    DivergenceGuard,
    KeepResumePoint,
    LineProgress,
    LogSamples,
    RichProgress,
    progress_bar,
)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def terminal_for(monkeypatch):
    """Replace standard output; call this inside the test, as pytest replaces it in every phase."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("TERM", "xterm")
    return terminal


@pytest.fixture
def bar_run(fit):
    def run(bar, *callbacks, **arguments):
        return fit([bar, *callbacks], enable_progress_bar=True, **arguments)

    return run


@pytest.mark.parametrize(
    ("stream", "kind"), [(Terminal, RichProgress), (io.StringIO, LineProgress)]
)
def test_terminal_decides(monkeypatch, stream, kind):
    monkeypatch.setattr(sys, "stdout", stream())
    assert type(progress_bar()) is kind


def test_line_shows_the_place_of_the_run(bar_run, capsys):
    bar_run(LineProgress(every_seconds=0))
    line = capsys.readouterr().out.splitlines()[2]
    pattern = r"epoch 0 \(3/4\)  step 3/8  0:00:0\d left  [\d.e-]+ s/step  train/loss [\d.]+"
    assert re.fullmatch(pattern, line)


def test_lines_are_rare_but_validations_and_the_end_have_theirs(bar_run, capsys):
    bar_run(LineProgress(every_seconds=1000))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[:2] for line in lines[:-1]] == [
        ["epoch 0 (1/4)", "step 1/8"],
        ["validated in 0:00:00", "step 4/8"],
        ["validated in 0:00:00", "step 8/8"],
    ]
    assert "val/loss" in lines[1]
    assert re.match(r"ended after 0:00:0\d  step 8/8", lines[-1])


@pytest.mark.parametrize(
    ("arguments", "total"),
    [
        ({"max_epochs": 3}, 12),
        ({"max_epochs": 3, "accumulate_grad_batches": 3}, 6),
        ({"max_epochs": 3, "max_steps": 5}, 5),
        ({"max_epochs": -1, "max_steps": 6}, 6),
        ({"max_epochs": 3, "limit_train_batches": 2}, 6),
    ],
)
def test_total_is_that_of_the_run(bar_run, capsys, arguments, total):
    trainer = bar_run(LineProgress(every_seconds=0), **arguments)
    assert trainer.global_step == total
    assert f"step 1/{total} " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("before", "after", "total"),
    [
        ({"max_epochs": 1}, {"limit_train_batches": 2}, 8),
        ({"max_epochs": 1, "limit_train_batches": 2}, {}, 10),
        ({"max_epochs": 1}, {"limit_train_batches": 2, "max_steps": 5}, 5),
    ],
)
def test_total_of_a_resumed_run_counts_the_steps_that_it_has_made(
    bar_run, capsys, monkeypatch, tmp_path, before, after, total
):
    """Its epochs may have fewer steps than before, as with more ranks."""
    monkeypatch.setattr(ToyData, "resume_at", lambda _, epoch, batch: batch, raising=False)
    trainer = bar_run(LineProgress(), KeepResumePoint(), **before)
    trainer.save_checkpoint(tmp_path / "half.ckpt")
    capsys.readouterr()
    bar = LineProgress(every_seconds=0)
    trainer = bar_run(
        bar, KeepResumePoint(), **{"max_epochs": 3, **after}, ckpt_path=tmp_path / "half.ckpt"
    )
    assert trainer.global_step == total
    steps = re.findall(r"step (\d+)/(\d+) ", capsys.readouterr().out)
    assert {int(all_steps) for _, all_steps in steps} == {total}
    assert int(steps[-1][0]) == total


@pytest.mark.slow
def test_total_of_a_run_that_resumes_inside_an_epoch_with_other_batches(tmp_path, capsys):
    short = [
        *TINY_TACOTRON2,
        *QUIET,
        "callbacks.speech=null",
        "+callbacks.progress.every_seconds=0",
    ]
    run(tmp_path, *short, "model.batch_size=2", "trainer.max_steps=3")
    capsys.readouterr()
    last = f"ckpt_path={tmp_path}/output/checkpoints/last.ckpt"
    run(tmp_path, *short, "trainer.max_epochs=2", last, output="second")
    steps = re.findall(r"step (\d+)/(\d+) ", capsys.readouterr().out)
    assert {all_steps for _, all_steps in steps} == {steps[-1][0]}


def test_time_limit_bounds_the_time_left(bar_run, capsys):
    timer = Timer(duration={"seconds": 2})
    bar_run(
        LineProgress(every_seconds=0), timer, max_epochs=10**6, limit_val_batches=0, max_steps=10
    )
    first = capsys.readouterr().out.splitlines()[0]
    assert re.search(r"0:00:0[0-2] left", first)


def test_run_without_a_planned_end_does_not_invent_one(bar_run, capsys, toy_task):
    class Enough(toy_task):
        def on_train_batch_end(self, *_):
            self.trainer.should_stop = self.global_step >= 5

    bar_run(LineProgress(every_seconds=0), task=Enough(), max_epochs=-1)
    assert "step 2  ? left" in capsys.readouterr().out


def test_bar_is_drawn_and_taken_down(bar_run, monkeypatch):
    terminal = terminal_for(monkeypatch)
    bar = RichProgress(every_seconds=0)
    bar_run(bar)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue())
    assert re.search(r"epoch 1 \(4/4\) .*step 8/8 +0:00:00 left .*train/loss [\d.]+", text)
    assert re.search(r"ended after 0:00:0\d .*step 8/8 .*train/loss [\d.]+ +val/loss", text)
    assert "validation" in text
    assert bar._progress is None


def test_terminal_is_given_back_after_an_error(bar_run, monkeypatch, toy_task):
    class Breaks(toy_task):
        def training_step(self, batch, batch_idx):
            return super().training_step(batch, batch_idx) * float("nan")

    monkeypatch.setattr(sys, "stdout", Terminal())
    bar = RichProgress()
    with pytest.raises(RuntimeError, match="loss is nan"):
        bar_run(bar, DivergenceGuard(), task=Breaks())
    assert bar._progress is None


@pytest.mark.slow
def test_time_left_counts_validations_by_themselves(fit, toy_task):
    """Steps take 10 ms and validations 300 ms, so a mean over steps would be far off."""

    class Slow(toy_task):
        def training_step(self, batch, batch_idx):
            time.sleep(0.01)
            return super().training_step(batch, batch_idx)

        def on_validation_epoch_end(self):
            time.sleep(0.3)

    class Note(LineProgress):
        def draw(self, trainer):
            notes[trainer.global_step] = self.seconds_left(), time.monotonic()

    notes = {}
    fit([Note(every_seconds=0)], Slow(), max_epochs=4, enable_progress_bar=True)
    end = time.monotonic()
    for step in (5, 8, 9, 12):
        left, now = notes[step]
        assert left == pytest.approx(end - now, abs=0.25)


def test_validation_that_runs_is_part_of_the_time_left(fit, toy_task):
    class Slow(toy_task):
        def on_validation_epoch_end(self):
            time.sleep(0.2)
            left.append(self.trainer.progress_bar_callback.seconds_left())
            time.sleep(0.2)

    left = []
    fit([LineProgress()], Slow(), max_epochs=2, enable_progress_bar=True)
    assert left[1] == pytest.approx(0.2, abs=0.1)


@pytest.mark.parametrize(
    ("arguments", "steps"),
    [
        ({}, 4),
        ({"check_val_every_n_epoch": 2}, 8),
        ({"val_check_interval": 0.5}, 2),
        ({"val_check_interval": 3, "check_val_every_n_epoch": None}, 3),
        ({"accumulate_grad_batches": 2}, 2),
    ],
)
def test_steps_between_validations(fit, arguments, steps):
    bar = LineProgress()
    fit([bar], enable_progress_bar=True, **arguments)
    assert bar._steps_per_validation() == steps


@pytest.mark.slow
def test_what_is_done_between_steps_is_named(bar_run, monkeypatch, toy_task):
    terminal = terminal_for(monkeypatch)
    monkeypatch.setattr("tts.callbacks.samples.media_items", lambda *_: iter(()))

    class Pauses(toy_task):
        def validation_step(self, batch, batch_idx):
            time.sleep(0.15)  # longer than rich waits between two drawings

        def samples(self, batch, generator):
            time.sleep(0.15)
            return super().samples(batch, generator)

    bar_run(RichProgress(0), LogSamples(n_samples=1), task=Pauses(), num_sanity_val_steps=2)
    text = terminal.getvalue()
    named = {
        what for what in ("sanity check", "validation", "samples", "batch 2/2") if what in text
    }
    assert named == {"sanity check", "validation", "samples", "batch 2/2"}


def test_log_lines_go_above_the_bar(bar_run, monkeypatch, toy_task):
    terminal = terminal_for(monkeypatch)

    class Talks(toy_task):
        def on_train_batch_end(self, *_):
            logging.getLogger("tts").warning("a warning")

    handler = logging.StreamHandler(terminal)
    # no other handlers, because one that a command has left here may write to a closed stream
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    bar_run(RichProgress(0), task=Talks(), max_epochs=1)
    assert handler.stream is terminal
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue()).replace("\r", "\n")
    assert [line for line in lines.split("\n") if "warning" in line] == ["a warning"] * 4


def test_the_duration_of_the_run_is_estimated_once(fit, monkeypatch, caplog):
    caplog.set_level("INFO")
    monkeypatch.setattr("tts.callbacks.run_progress._SECONDS", 0.0)
    fit([LineProgress(1000.0)], max_epochs=4, enable_progress_bar=True)
    lines = [r.message for r in caplog.records if "takes about" in r.message]
    assert len(lines) == 1
    assert re.fullmatch(
        r"this training takes about 0:00:\d\d for 16 steps at .* s/step; .*", lines[0]
    )
