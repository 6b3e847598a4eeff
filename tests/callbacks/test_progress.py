import io
import re
import sys

import pytest
from pytorch_lightning.callbacks import Timer

from tts.callbacks import LineProgress, RichProgress, StopOnNonFinite, progress_bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


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


def test_line_tells_where_the_run_is(bar_run, capsys):
    bar_run(LineProgress(every_seconds=0))
    line = capsys.readouterr().out.splitlines()[2]
    pattern = r"epoch 0  step 3/8  0:00:0\d left  [\d.e-]+ s/step  train/loss [\d.]+"
    assert re.fullmatch(pattern, line)


def test_lines_are_rare_but_validation_and_the_end_are_told(bar_run, capsys):
    bar_run(LineProgress(every_seconds=1000))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[:2] for line in lines[:-1]] == [
        ["epoch 0", "step 1/8"],
        ["validated", "step 4/8"],
        ["validated", "step 8/8"],
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
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("TERM", "xterm")
    bar = RichProgress(every_seconds=0)
    bar_run(bar)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue())
    assert re.search(r"epoch 1 .*step 8/8 +0:00:00 left .*train/loss [\d.]+ +val/loss", text)
    assert "validation" in text
    assert bar._progress is None


def test_terminal_is_given_back_after_an_error(bar_run, monkeypatch, toy_task):
    class Breaks(toy_task):
        def training_step(self, batch, batch_idx):
            return super().training_step(batch, batch_idx) * float("nan")

    monkeypatch.setattr(sys, "stdout", Terminal())
    bar = RichProgress()
    with pytest.raises(RuntimeError, match="loss is nan"):
        bar_run(bar, StopOnNonFinite(), task=Breaks())
    assert bar._progress is None
