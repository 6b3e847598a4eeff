import logging
import re
import statistics
from types import SimpleNamespace

import pytest
import torch
from pytorch_lightning.plugins.precision import MixedPrecision

from tests.support.paths import REPO
from tts.callbacks import EMA, DivergenceGuard
from tts.callbacks.guards.outliers import OutlierDetector
from tts.core.errors import InputError, TrainingError


@pytest.fixture
def breaking(toy_task):
    """Return a task whose loss or whose gradient is multiplied by ``factors[step]``."""

    class Breaks(toy_task):
        def __init__(self, factors, gradient=False):
            super().__init__()
            self.factors, self.gradient = factors, gradient
            self.states = {}

        def training_step(self, batch, batch_idx):
            loss = super().training_step(batch, batch_idx)
            self.before = [p.detach().clone() for p in self.parameters()]
            factor = self.factors.get(self.global_step, 1.0)
            return loss if self.gradient else loss * factor

        def on_after_backward(self):
            if self.gradient and self.global_step in self.factors:
                next(self.parameters()).grad *= self.factors[self.global_step]

    return Breaks


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_loss_that_is_not_finite_stops_the_run_and_names_step_and_utterances(fit, breaking, value):
    task = breaking({2: float(value)})
    with pytest.raises(TrainingError) as caught:
        fit([DivergenceGuard()], task)
    message = str(caught.value)
    assert "\n" not in message
    assert (
        f"the loss is {value} at step 2 (epoch 0), utterances: utt1-20, utt1-21, utt1-22" in message
    )
    assert "model.optimizer.lr" in message
    assert all(torch.equal(a, b) for a, b in zip(task.parameters(), task.before, strict=True))


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_gradient_that_is_not_finite_never_reaches_the_weights(fit, breaking, value):
    task = breaking({5: float(value)}, gradient=True)
    with pytest.raises(TrainingError, match=r"the gradient is (nan|inf) at step 5 \(epoch 1\)"):
        fit([DivergenceGuard()], task)
    assert all(torch.equal(a, b) for a, b in zip(task.parameters(), task.before, strict=True))


def test_of_accumulated_batches_the_bad_one_is_named(fit, toy_task):
    class Breaks(toy_task):
        def training_step(self, batch, batch_idx):
            loss = super().training_step(batch, batch_idx)
            return loss * float("nan") if batch_idx == 2 else loss

    with pytest.raises(TrainingError, match=r"utterances: utt1-20, utt1-21, utt1-22;"):
        fit([DivergenceGuard()], Breaks(), accumulate_grad_batches=4)


def test_healthy_run_continues_untouched(fit):
    guarded = fit([DivergenceGuard(on_divergence="rollback", copy_every=2)])
    free = fit()
    pairs = zip(guarded.model.parameters(), free.model.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_explosion_that_stays_stops_the_run(fit, breaking):
    task = breaking(dict.fromkeys(range(30, 99), 1e4))
    with pytest.raises(
        TrainingError, match=r"the loss is [\d.e+]+, usually [\d.]+, 4 steps in a row"
    ):
        fit([DivergenceGuard(patience=4, window=40)], task, max_epochs=20)
    assert task.global_step == 33


def test_explosion_names_the_utterances_where_it_began(fit, breaking):
    task = breaking(dict.fromkeys(range(30, 99), 1e4))
    with pytest.raises(TrainingError, match="which began with utterances: utt1-20, utt1-21"):
        fit([DivergenceGuard(patience=4, window=40)], task, max_epochs=20)


def test_exploding_gradient_counts_too(fit, breaking):
    task = breaking(dict.fromkeys(range(30, 99), 1e4), gradient=True)
    with pytest.raises(TrainingError, match="the gradient norm is"):
        fit([DivergenceGuard(patience=4, window=40)], task, max_epochs=20)


def test_gradient_that_grows_while_the_loss_falls_is_learning(fit, breaking):
    class Learns(breaking):
        def training_step(self, batch, batch_idx):
            falling = 3.0 * max(0, self.global_step - 29)
            return super().training_step(batch, batch_idx) - falling

    task = Learns(dict.fromkeys(range(30, 99), 1e4), gradient=True)
    assert fit([DivergenceGuard(patience=4, window=40)], task, max_epochs=20).global_step == 80


@pytest.mark.parametrize(
    "guard", [{"patience": 4}, {"patience": 4, "explosion": None}], ids=["spikes", "off"]
)
def test_spikes_are_forgiven_and_explosion_can_be_switched_off(fit, breaking, guard):
    spikes = range(30, 60) if "explosion" in guard else (30, 31, 32, 40, 41, 42, 50)
    task = breaking(dict.fromkeys(spikes, 1e4))
    assert fit([DivergenceGuard(window=40, **guard)], task, max_epochs=20).global_step == 80


class State:
    """Copies everything that a rollback has to restore."""

    def __init__(self, trainer):
        optimizer = trainer.optimizers[0]
        self.weights = {k: v.clone() for k, v in trainer.model.state_dict().items()}
        self.moments = [
            v.clone() for s in optimizer.state_dict()["state"].values() for v in s.values()
        ]
        self.rate = optimizer.param_groups[0]["lr"]
        self.schedule = [c.scheduler.last_epoch for c in trainer.lr_scheduler_configs]
        averages = [c._average_model for c in trainer.callbacks if isinstance(c, EMA)]
        self.averages = [v.clone() for a in averages for v in a.state_dict().values()]

    def __eq__(self, other):
        return (
            all(torch.equal(v, other.weights[k]) for k, v in self.weights.items())
            and all(map(torch.equal, self.moments, other.moments))
            and all(map(torch.equal, self.averages, other.averages))
            and len(self.averages) == len(other.averages) > 0
            and self.schedule == other.schedule
        )


@pytest.fixture
def watched(breaking):
    """Return a breaking task with a schedule, which copies its state after each step."""

    class Watched(breaking):
        def configure_optimizers(self):
            optimizer = super().configure_optimizers()
            schedule = self.schedule(optimizer)
            return [optimizer], [{"scheduler": schedule, "interval": "step"}]

        def on_train_batch_end(self, *_):
            self.states[self.global_step] = State(self.trainer)

    Watched.schedule = staticmethod(lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.9))
    return Watched


@pytest.mark.parametrize("gradient", [False, True], ids=["loss", "gradient"])
def test_rollback_brings_everything_back_and_lowers_the_rate(fit, watched, gradient, caplog):
    task = watched({6: float("nan")}, gradient=gradient)
    guard = DivergenceGuard(on_divergence="rollback", copy_every=4, lr_factor=0.25)
    with caplog.at_level(logging.WARNING, "tts"):
        trainer = fit([EMA(0.9), guard], task, max_epochs=3)
    assert trainer.global_step == 12
    assert guard.rollbacks == 1
    assert task.states[7] == task.states[4]
    assert task.states[6] != task.states[4]
    assert task.states[7].rate == pytest.approx(0.25 * task.states[4].rate)
    # the schedule continues from there
    assert task.states[8].rate == pytest.approx(0.25 * task.states[5].rate)
    (message,) = [r.message for r in caplog.records if r.name == "tts.callbacks.guards.divergence"]
    kind = "gradient" if gradient else "loss"
    assert (
        f"the {kind} is nan at step 7 (epoch 1), utterances: utt1-20, utt1-21, utt1-22" in message
    )
    assert "rolled back to step 4 with a learning rate of" in message
    assert all(v.isfinite().all() for v in task.states[12].weights.values())


LAMBDA = torch.optim.lr_scheduler.LambdaLR
SCHEDULES = {
    "lambda": lambda o: LAMBDA(o, lambda step: 1 / (1 + step)),
    "multistep": lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [2, 8], 0.1),
    "one cycle": lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.2, total_steps=20),
    "sequential": lambda o: torch.optim.lr_scheduler.SequentialLR(
        o,
        [
            torch.optim.lr_scheduler.LinearLR(o, 0.1, total_iters=3),
            torch.optim.lr_scheduler.CosineAnnealingLR(o, 20),
        ],
        [3],
    ),
}


@pytest.mark.filterwarnings("ignore:The epoch parameter:UserWarning")
@pytest.mark.parametrize("name", SCHEDULES)
def test_any_schedule_continues_at_the_lower_rate(fit, watched, name):
    plain, broken = watched({}), watched({6: float("nan")})
    plain.schedule = broken.schedule = SCHEDULES[name]
    fit([EMA(0.9)], plain, max_epochs=3)
    guard = DivergenceGuard(on_divergence="rollback", copy_every=4, lr_factor=0.5)
    fit([EMA(0.9), guard], broken, max_epochs=3)
    rates = {step: broken.states[step].rate for step in range(8, 12)}
    expected = {step: 0.5 * plain.states[step - 3].rate for step in rates}
    assert rates == pytest.approx(expected)


def test_too_many_rollbacks_stop_the_run(fit, breaking):
    task = breaking({step: float("nan") for step in (3, 5, 7)})
    guard = DivergenceGuard(on_divergence="rollback", max_rollbacks=2)
    with pytest.raises(TrainingError, match=r"step 7 .* after 2 rollbacks"):
        fit([guard], task)


def test_explosion_is_rolled_back_too(fit, breaking, caplog):
    task = breaking(dict.fromkeys(range(30, 34), 1e4))
    guard = DivergenceGuard(on_divergence="rollback", patience=4, window=40, copy_every=10)
    assert fit([guard], task, max_epochs=12).global_step == 48
    assert guard.rollbacks == 1
    assert "rolled back to step 30" in caplog.text


def test_no_copy_is_made_of_a_state_that_is_suspected(fit, breaking, caplog):
    task = breaking(dict.fromkeys(range(30, 36), 1e4))
    guard = DivergenceGuard(on_divergence="rollback", patience=6, window=40, copy_every=4)
    fit([guard], task, max_epochs=12)
    assert "rolled back to step 28" in caplog.text


def test_rollback_is_a_scalar(fit, breaking, tmp_path):
    from tts.loggers.csv_logger import CSVLogger

    guard = DivergenceGuard(on_divergence="rollback")
    logger = CSVLogger(tmp_path, name="", version="")
    fit([guard], breaking({3: float("nan")}), logger=logger)
    assert logger.experiment._read()[1][3]["train/rollbacks"] == "1.0"


def half_precision():
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=10**6)
    return MixedPrecision("16-mixed", "cpu", scaler=scaler)


def test_gradients_that_overflow_in_fp16_are_the_scalers_business(fit, breaking):
    plugin, task = half_precision(), breaking({0: float("inf"), 5: float("inf")}, gradient=True)
    assert fit([DivergenceGuard()], task, plugins=[plugin]).global_step == 8
    assert plugin.scaler.get_scale() == 256.0
    assert all(parameter.isfinite().all() for parameter in task.parameters())


def test_loss_in_fp16_is_reported_without_the_scale(fit, breaking):
    task = breaking(dict.fromkeys(range(30, 99), 1e4))
    with pytest.raises(TrainingError) as caught:
        fit(
            [DivergenceGuard(patience=4, window=40)],
            task,
            max_epochs=20,
            plugins=[half_precision()],
        )
    usual = float(re.search(r"usually ([\d.]+)", str(caught.value))[1])
    assert 0.01 < usual < 3


def test_overflow_that_does_not_end_is_divergence(fit, breaking):
    task = breaking({step: float("inf") for step in range(2, 8)}, gradient=True)
    with pytest.raises(TrainingError, match=r"gradient norm is (inf|nan), .*4 steps in a row"):
        fit([DivergenceGuard(patience=4)], task, plugins=[half_precision()])


def test_rollback_in_fp16_leaves_the_scaler_usable(fit, breaking):
    plugin = half_precision()
    guard = DivergenceGuard(on_divergence="rollback")
    task = breaking({3: float("nan")})
    assert fit([guard], task, plugins=[plugin]).global_step == 8
    assert guard.rollbacks == 1
    assert plugin.scaler.get_scale() == 1024.0
    assert all(parameter.isfinite().all() for parameter in task.parameters())


def test_averages_that_come_after_the_guard_are_refused(fit):
    with pytest.raises(InputError, match="list ema before guard"):
        fit([DivergenceGuard(on_divergence="rollback"), EMA(0.9)])


def test_what_is_usual_survives_resuming():
    guard = DivergenceGuard(window=8)
    guard._usual["loss"].window.extend([1.0, 2.0, 3.0])
    guard.rollbacks = 2
    again = DivergenceGuard(window=8)
    again.load_state_dict(guard.state_dict())
    assert again.state_dict() == guard.state_dict()
    assert again._usual["loss"].middle == 2.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"on_divergence": "pray"},
            "callbacks.guard.on_divergence=pray: it must be one of stop, rollback",
        ),
        (
            {"lr_factor": 2},
            "callbacks.guard.lr_factor=2: it must be a number above 0 and at most 1",
        ),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        DivergenceGuard(**options)


@pytest.mark.parametrize(
    ("values", "factor", "value", "below"),
    [
        ([1.0, 1.1, 0.9] * 10, 20, 2.5, False),
        ([1.0, 1.1, 0.9] * 10, 20, 3.5, True),
        ([-5.0, -5.2, -4.8] * 10, 20, -3.0, False),
        ([-5.0, -5.2, -4.8] * 10, 20, 1.0, True),
        ([1.0] * 30, 20, 1.9, False),
        ([1.0] * 30, 20, 2.1, True),
        ([1.0] * 30, None, 1e9, False),
        ([1.0] * 5, 20, 1e9, False),
        ([1.0] * 30, 20, float("inf"), True),
        ([5.0 - 0.1 * i for i in range(30)] + [500.0] * 5, 20, 60.0, True),
    ],
)
def test_far_is_measured_in_spreads_above_the_median(values, factor, value, below):
    usual = OutlierDetector(factor, 40)
    usual.window.extend(values)
    assert usual.middle == statistics.median(values)
    assert usual.is_far_above(value) is below


@pytest.mark.parametrize(
    ("values", "value", "below"),
    [
        ([1.0, 1.1, 0.9] * 10, 0.75, False),
        ([1.0, 1.1, 0.9] * 10, 0.65, True),
        ([-5.0, -5.2, -4.8] * 10, -5.5, False),
        ([-5.0, -5.2, -4.8] * 10, -6.0, True),
        ([1.0] * 5, -1e9, False),
    ],
)
def test_a_value_that_noise_does_not_explain_is_clearly_below(values, value, below):
    usual = OutlierDetector(20, 40)
    usual.window.extend(values)
    assert usual.is_clearly_below(value) is below


def test_all_processes_stop_together():
    guard = DivergenceGuard()
    guard._verdict = "the loss is nan"
    here = SimpleNamespace(is_global_zero=False, global_step=7)
    assert guard._stop_message(here) == "stopped at step 7 with the other processes"


@pytest.mark.slow
def test_ranks_roll_back_together(tmp_path, monkeypatch, capfd):
    from tests.support.runs import QUIET, TINY_TACOTRON2, run

    monkeypatch.setenv("PYTHONPATH", str(REPO))
    options = ["trainer.devices=2", "trainer.strategy=ddp", "data.batch_size=2", *QUIET]
    options += ["trainer.max_steps=6", "callbacks.guard.on_divergence=rollback", "callbacks=ema"]
    options += ["callbacks.guard.copy_every=2", "callbacks.checkpoint=null"]
    fault = "{_target_: tests.support.nan_gradient.NanGradient, step: 4, rank: 1}"
    metrics = run(tmp_path, *TINY_TACOTRON2, *options, f"+callbacks.fault={fault}")
    output = capfd.readouterr()
    assert "rolled back to step 4" in output.out + output.err
    assert metrics["val/loss"] < 1e4
