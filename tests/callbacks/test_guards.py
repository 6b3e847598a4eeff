from types import SimpleNamespace

import pytest
import torch

from tts.callbacks import StopOnNonFinite
from tts.errors import TrainingError


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_loss_that_is_not_finite_stops_the_run_and_names_step_and_utterances(fit, toy_task, value):
    class Breaks(toy_task):
        def training_step(self, batch, batch_idx):
            loss = super().training_step(batch, batch_idx)
            self.before = self.network[0].weight.detach().clone()
            return loss * (float(value) if self.global_step == 2 else 1.0)

    task = Breaks()
    with pytest.raises(TrainingError) as caught:
        fit([StopOnNonFinite()], task)
    message = str(caught.value)
    assert "\n" not in message
    assert f"loss is {value} at step 2 (epoch 0)" in message
    assert "utt1-20, utt1-21, utt1-22" in message
    assert torch.equal(task.network[0].weight, task.before)


def test_finite_loss_goes_on(fit):
    assert fit([StopOnNonFinite()]).global_step == 8


def test_all_processes_stop_together():
    strategy = SimpleNamespace(reduce_boolean_decision=lambda here, all: True)
    trainer = SimpleNamespace(world_size=2, strategy=strategy, global_step=7, current_epoch=1)
    with pytest.raises(TrainingError, match=r"step 7 .*loss of another process"):
        StopOnNonFinite().on_before_backward(trainer, None, torch.tensor(1.0))
