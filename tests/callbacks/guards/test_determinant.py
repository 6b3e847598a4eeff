import csv
import math

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import CSVLogger
from torch import nn

from tts.callbacks import DeterminantGuard
from tts.core.errors import InputError, TrainingError
from tts.models.waveglow.flow import InvertibleConv


class Flows(pl.LightningModule):
    """Three convolutions that only ``change`` alters; it gets them and the step."""

    def __init__(self, change=lambda weights, step: None):
        super().__init__()
        self.network = nn.Sequential(*(InvertibleConv(n) for n in (8, 8, 4)))
        self.change = change

    def training_step(self, batch, batch_idx):
        with torch.no_grad():
            self.change([flow.weight.data for flow in self.network], self.global_step)
        return sum(parameter.sum() for parameter in self.parameters()) * 0

    def validation_step(self, batch, batch_idx):
        pass

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


def mirror(weights, step):
    if step == 5:
        weights[1][:, 0] *= -1


def shrink(weights, step):
    weights[2] *= 0.3


def warnings_in(caplog):
    return [r.message for r in caplog.records if r.name == "tts.callbacks.guards.determinant"]


def test_sign_change_names_flow_and_step(fit, caplog):
    fit([DeterminantGuard()], Flows(mirror))
    (message,) = warnings_in(caplog)
    assert message.startswith("flow 1, step 6: the determinant of its 1x1 convolution has changed")
    assert "lr" in message


def test_sign_change_can_stop_the_run(fit):
    task = Flows(mirror)
    with pytest.raises(TrainingError, match=r"flow 1, step 6: .* changed its sign; resume"):
        fit([DeterminantGuard(on_sign_change="stop")], task)


def test_a_change_between_two_looks_is_found_at_the_next(fit, caplog):
    fit([DeterminantGuard()], Flows(mirror), log_every_n_steps=4)
    assert warnings_in(caplog)[0].startswith("flow 1, step 8:")


def test_near_zero_is_logged_once_for_each_flow(fit, caplog):
    # the determinant shrinks by 0.3^4 in each step, and is below 1e-6 in the third
    fit([DeterminantGuard()], Flows(shrink))
    (message,) = warnings_in(caplog)
    assert message.startswith("flow 2, step 3: the determinant of its 1x1 convolution is near zero")


def test_smallest_magnitude_is_a_scalar(fit, tmp_path):
    logger = CSVLogger(tmp_path, name="", version="")
    fit([DeterminantGuard()], Flows(shrink), logger=logger)
    with (tmp_path / "metrics.csv").open() as file:
        values = [float(row["train/log_det_min"]) for row in csv.DictReader(file)]
    assert values == pytest.approx([4 * math.log(0.3) * n for n in range(1, 9)], abs=1e-4)


def test_healthy_flows_and_other_networks_are_left_alone(fit, caplog):
    fit([DeterminantGuard()], Flows())
    fit([DeterminantGuard()])
    assert warnings_in(caplog) == []


def test_signs_survive_resuming(fit, caplog, tmp_path):
    flipped = Flows(lambda weights, step: weights[0][:, 0].mul_(-1) if step == 4 else None)
    first = fit([DeterminantGuard()], Flows(), max_epochs=1)
    first.save_checkpoint(tmp_path / "half.ckpt")
    fit([DeterminantGuard()], flipped, ckpt_path=tmp_path / "half.ckpt")
    assert warnings_in(caplog)[0].startswith("flow 0, step 5:")


def test_wrong_option_is_refused():
    with pytest.raises(InputError, match=r"on_sign_change=panic: it must be one of warn, stop"):
        DeterminantGuard(on_sign_change="panic")
