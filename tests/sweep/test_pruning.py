"""Reports to a study, and ends a hopeless trial early."""

import logging

import optuna
import pytest

from tts.sweep.pruning import PRUNED, PruneTrial, trial_callbacks

ALWAYS = {"_target_": "optuna.pruners.ThresholdPruner", "upper": -1.0, "n_warmup_steps": 2}
NEVER = {"_target_": "optuna.pruners.NopPruner"}


@pytest.fixture
def study(tmp_path):
    made = optuna.create_study(storage=f"sqlite:///{tmp_path}/study.db", study_name="sweep")
    made.ask()
    return made


def callback(folder, pruner=NEVER, **options):
    return PruneTrial(0, "val/loss", folder, pruner, **options)


def test_every_validation_is_reported(fit, study, tmp_path):
    trainer = fit([callback(tmp_path)], max_epochs=3)
    reports = study.trials[0].intermediate_values
    assert list(reports) == [1, 2, 3]
    assert reports[3] == pytest.approx(float(trainer.callback_metrics["val/loss"]))
    assert PRUNED not in study.trials[0].user_attrs


def test_a_hopeless_trial_ends(fit, study, tmp_path):
    trainer = fit([callback(tmp_path, ALWAYS)], max_epochs=9)
    assert trainer.current_epoch == len(study.trials[0].intermediate_values) == 2
    assert study.trials[0].user_attrs[PRUNED] is True


def test_a_resumed_trial_continues_to_count(fit, study, tmp_path):
    first = callback(tmp_path)
    fit([first], max_epochs=2)
    second = callback(tmp_path)
    second.load_state_dict(first.state_dict())
    fit([second], max_epochs=1)
    assert list(study.trials[0].intermediate_values) == [1, 2, 3]


def test_a_validation_that_comes_again_is_reported_once(fit, study, tmp_path):
    fit([callback(tmp_path)], max_epochs=2)
    before = study.trials[0].intermediate_values
    fit([callback(tmp_path)], max_epochs=2, seed=1)
    assert study.trials[0].intermediate_values == before


def test_a_database_that_is_gone_costs_a_warning(fit, study, tmp_path, caplog):
    made = callback(tmp_path, study="another")
    with caplog.at_level(logging.WARNING):
        trainer = fit([made], max_epochs=1)
    assert trainer.global_step == 4
    assert "could not report" in caplog.text


@pytest.mark.parametrize(
    ("sweep", "n"),
    [
        (None, 0),
        ({"trial": None, "pruner": NEVER}, 0),
        ({"trial": 0, "pruner": None}, 0),
        ({"trial": 0}, 0),
        ({"trial": 0, "pruner": NEVER, "storage": None, "study": None}, 1),
    ],
)
def test_only_trials_that_can_be_pruned_report(sweep, n, tmp_path):
    config = {"sweep": sweep, "monitor": "val/loss"}
    assert len(trial_callbacks(config, tmp_path / "0")) == n
