"""The metrics that a run announces are those that it logs, and a monitor must be one of them."""

import csv

import pytest

from tests.support.runs import TINY_TACOTRON2, TINY_WAVEGLOW, overrides, run
from tts.callbacks import metric_names
from tts.config import compose, resolved
from tts.core.errors import InputError
from tts.train import run_training
from tts.training.task import is_of_logging_steps

EVERYTHING = [
    *("loss.guided_weight=1", "loss.texture_weight=1", "loss.critic_weight=1"),
    *("model.network.pitch_bins=4", "callbacks.speech.measures=[mel_distance]"),
]
RUNS = {
    "tacotron2": TINY_TACOTRON2,
    "tacotron2 with every loss": [*TINY_TACOTRON2, *EVERYTHING],
    "tacotron2 without guidance in the end": [
        *TINY_TACOTRON2,
        *("loss.guided_weight=1", "loss.guided_until=0", "freeze=[encoder]"),
    ],
    "tacotron2 without callbacks": [*TINY_TACOTRON2, "callbacks=none", "monitor=nothing"],
    "waveglow": [*TINY_WAVEGLOW, "callbacks.speech.measures=[mel_distance]"],
    "waveglow that is trained by its sound alone": [
        *TINY_WAVEGLOW,
        *("loss.likelihood_weight=0", "loss.spoken_weight=1", "loss.critic_weight=1"),
        "loss.band_weight=1",
    ],
}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if "every" in n else pytest.mark.slow) for n in RUNS]
)
def test_announced_metrics_are_those_that_are_logged(name, tmp_path, monkeypatch):
    announced = []
    check = metric_names.check_monitors

    def noted(config, trainer, task):
        announced.append(metric_names.announced_metrics(trainer, task))
        check(config, trainer, task)

    monkeypatch.setattr("tts.train.check_monitors", noted)
    run(tmp_path, *RUNS[name], "trainer.max_steps=2", "trainer.log_every_n_steps=1")
    with (tmp_path / "output" / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    logged = {column for row in rows for column, value in row.items() if value}
    assert announced == [logged - {"step", "epoch"}]


REFUSED = {
    "monitor=val/los": (
        "monitor=val/los: this run logs no such metric; did you mean val/loss? there are val/loss,"
    ),
    "monitor=val/mel_distnace": "did you mean val/mel_distance",
    "monitor=val/loss_pitch": "did you mean",
    "callbacks.checkpoint.monitor=loss": "callbacks.checkpoint.monitor=loss: this run logs no",
    "callbacks=early_stopping callbacks.early_stopping.monitor=val/lss": (
        "callbacks.early_stopping.monitor=val/lss: this run logs no such metric; did you mean"
    ),
    "monitor=val/mel_distance callbacks.speech.every_n_validations=2": (
        "monitor=val/mel_distance: it is measured in one of 2 validations; set "
        "callbacks.speech.every_n_validations=1"
    ),
    "monitor=val/alignment_free_running_coverage callbacks.samples.every_n_validations=3": (
        "callbacks.samples.every_n_validations=1"
    ),
    "monitor=val/mel_distance callbacks.speech=null": "monitor=val/mel_distance: this run logs no",
    "monitor=train/gradient_norm": (
        "monitor=train/gradient_norm: it is logged in one of 10 steps, and a validation may come "
        "before; set trainer.log_every_n_steps=1, or monitor a metric that is always there: "
        "val/loss, "
    ),
    "callbacks.checkpoint.monitor=train/alignment_diagonality": (
        "callbacks.checkpoint.monitor=train/alignment_diagonality: it is logged in one of"
    ),
    "monitor=train/log_det_min model=waveglow_compact": "train/log_det_min: it is logged in one",
    "monitor=val/word_error_rate model=waveglow_compact": "monitor=val/word_error_rate: this run",
}


def test_a_monitor_that_no_run_logs_is_one_line_before_any_data_is_prepared(tmp_path):
    wrong = []
    for options, expected in REFUSED.items():
        tiny = [] if "model=" in options else TINY_TACOTRON2
        given = overrides(tmp_path, *tiny, *options.split())
        config = resolved(compose([*given, f"paths.output_dir={tmp_path}/output"]))
        try:
            run_training(config, tmp_path / "output")
        except InputError as error:
            if expected not in str(error) or "\n" in str(error):
                wrong.append((options, str(error)))
        else:
            wrong.append((options, "no error"))
    assert wrong == []
    assert not (tmp_path / "data").exists()


def test_figures_of_logging_steps_are_all_of_training_but_the_losses():
    names = ["train/loss", "train/loss_mel", "val/loss", "val/mel_distance"]
    sparse = ["train/loss_scale", "train/padding", "train/log_det_min"]
    assert [name for name in names + sparse if is_of_logging_steps(name)] == sparse


def test_a_figure_that_every_step_logs_can_be_monitored(tmp_path):
    more = ["monitor=train/gradient_norm", "trainer.log_every_n_steps=1", "trainer.max_steps=2"]
    run(tmp_path, *TINY_TACOTRON2, "callbacks.samples=null", "callbacks.speech=null", *more)
    assert list((tmp_path / "output" / "checkpoints").glob("step_*.ckpt"))
