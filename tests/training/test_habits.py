"""Short runs for trying out, the test after a training, and the keys by which W&B sorts runs."""

import csv
from types import SimpleNamespace

import pytest
from pytorch_lightning.callbacks import ModelCheckpoint

from tests.support.runs import QUIET, TINY_TACOTRON2, TINY_WAVEGLOW, TONES, run
from tts.callbacks.final_test import FinalTest, run_final_test
from tts.config import compose, resolved
from tts.config.schema import check_training
from tts.core.errors import InputError
from tts.loggers.builders import wandb_logger

WITH_TEST = ["data.test_fraction=0.3", "trainer.max_epochs=2", "test=true"]


@pytest.mark.parametrize(
    ("name", "trainer"),
    [
        ("fdr", {"fast_dev_run": True}),
        ("limit", {"max_epochs": 3, "limit_train_batches": 10, "limit_val_batches": 2}),
        ("profiler", {"profiler": "simple", "limit_train_batches": 20, "max_epochs": 1}),
    ],
)
def test_short_runs_are_legal(name, trainer):
    config = resolved(compose([*TONES, f"debug={name}"]))
    check_training(config)
    assert trainer.items() <= config["trainer"].items()
    assert bool(config["callbacks"]) == (name != "fdr")


@pytest.mark.parametrize("option", ["trainer.profiler=fast", "trainer.fast_dev_run=x", "test=3"])
def test_their_keys_are_checked(option):
    with pytest.raises(InputError, match="it must be"):
        check_training(resolved(compose([*TONES, option])))


@pytest.mark.slow
def test_a_fast_dev_run_writes_nothing(tmp_path):
    run(tmp_path, *TINY_TACOTRON2, "debug=fdr")
    # the folder of the run says what was asked for; there is no checkpoint, and no curve
    assert not {"checkpoints", "metrics.csv", "samples"} & {
        path.name for path in (tmp_path / "output").iterdir()
    }


@pytest.mark.slow
def test_a_profile_is_a_file_in_the_folder_of_the_run(tmp_path):
    run(tmp_path, *TINY_TACOTRON2, "debug=profiler", *QUIET)
    text = (tmp_path / "output" / "fit-profile.txt").read_text()
    assert "run_training_batch" in text


@pytest.mark.slow
@pytest.mark.parametrize("network", [TINY_TACOTRON2, TINY_WAVEGLOW])
def test_the_best_checkpoint_is_tested(network, tmp_path, capsys):
    metrics = run(tmp_path, *network, *WITH_TEST, *QUIET)
    printed = capsys.readouterr().out
    assert f"test/loss        {metrics['test/loss']:.4f}" in printed
    with (tmp_path / "output" / "metrics.csv").open() as file:
        (row,) = [row for row in csv.DictReader(file) if row.get("test/loss")]
    assert float(row["test/loss"]) == pytest.approx(metrics["test/loss"], rel=1e-5)
    assert "val/loss" in metrics


@pytest.mark.parametrize(
    ("best", "last", "tested"),
    [("best.ckpt", "last.ckpt", "best.ckpt"), ("", "last.ckpt", "last.ckpt"), ("", "", None)],
)
def test_the_weights_are_those_of_the_best_checkpoint(best, last, tested):
    saved, asked = ModelCheckpoint(), {}
    saved.best_model_path, saved.last_model_path = best, last

    def test(task, **options):
        asked.update(options)
        return [{"test/loss": 0.5}]

    trainer = SimpleNamespace(
        checkpoint_callback=saved,
        test=test,
        lightning_module=None,
        datamodule=None,
        callbacks=[FinalTest(True)],
    )
    assert run_final_test(trainer) == {"test/loss": 0.5}
    assert asked["ckpt_path"] == tested


@pytest.mark.slow
def test_a_run_without_checkpoints_is_tested_as_it_is(tmp_path):
    metrics = run(tmp_path, *TINY_TACOTRON2, *WITH_TEST, "callbacks=none")
    assert metrics["test/loss"] > 0


@pytest.mark.slow
def test_a_corpus_without_a_test_list_is_refused_before_the_first_step(tmp_path):
    with pytest.raises(InputError, match=r"test=true: .* has no test list; set data.test_fraction"):
        run(tmp_path, *TINY_TACOTRON2, "test=true", "trainer.max_epochs=1", *QUIET)
    assert not (tmp_path / "output" / "checkpoints").exists()


def test_only_a_training_that_shall_be_tested_asks_for_a_test_list():
    FinalTest(True).setup(_Trainer(has_test=True), None, "fit")
    FinalTest(True).setup(_Trainer(has_test=False), None, "validate")
    FinalTest(False).setup(_Trainer(has_test=False), None, "fit")
    assert run_final_test(SimpleNamespace(callbacks=[FinalTest(False)])) == {}
    with pytest.raises(InputError, match="Voice has no test list"):
        FinalTest(True).setup(_Trainer(has_test=False), None, "fit")


class _Trainer:
    """Has a data module whose corpus has a test list, or none."""

    def __init__(self, has_test):
        self.datamodule = self.opened = self.corpus = self
        self.name, self._rows = "Voice", [1] * has_test

    def part(self, name):
        assert name == "test"
        return self._rows


def test_the_keys_of_wandb_reach_it(tmp_path):
    given = ["tags=[small,3]", "group=pairs", "job_type=try", 'notes="the first, with care"']
    options = [f"logger.wandb.{option}" for option in given]
    config = resolved(compose([*TONES, "logger=wandb", *options]))
    check_training(config)
    node = {key: value for key, value in config["logger"]["wandb"].items() if key != "_target_"}
    logger = wandb_logger(**{**node, "save_dir": str(tmp_path), "offline": True})
    wanted = {"tags": ["small", "3"], "group": "pairs", "job_type": "try"}
    wanted["notes"] = "the first, with care"
    assert {key: logger._wandb_init[key] for key in wanted} == wanted


def test_one_tag_needs_no_brackets(tmp_path):
    logger = wandb_logger(str(tmp_path), tags="small", offline=True)
    assert logger._wandb_init["tags"] == ["small"]
