import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint

from tts.callbacks import EMA


class Recorder(pl.Callback):
    """Records the weights after each step, in validation and at its end."""

    def __init__(self):
        self.steps, self.validated, self.at_epoch_end = [], [], []

    def on_train_batch_end(self, trainer, pl_module, *_):
        self.steps.append(pl_module.network[0].weight.detach().clone())

    def on_validation_batch_end(self, trainer, pl_module, *_):
        self.validated.append(pl_module.network[0].weight.detach().clone())

    def on_validation_epoch_end(self, trainer, pl_module):
        self.at_epoch_end.append(pl_module.network[0].weight.detach().clone())


class Reseed(pl.Callback):
    """Makes dropout depend on the step alone, not on the step at which the process began."""

    def on_train_batch_start(self, trainer, *_):
        torch.manual_seed(trainer.global_step)


def average(weights, decay):
    mean = weights[0]
    for n, weight in enumerate(weights[1:], start=1):
        keep = min(decay, (1 + n) / (10 + n))
        mean = keep * mean + (1 - keep) * weight
    return mean


@pytest.mark.parametrize("decay", [0.0, 0.15, 0.999])
@pytest.mark.parametrize("first", ["ema", "recorder"])
def test_validation_and_its_end_see_the_averages_in_any_order_of_callbacks(fit, decay, first):
    recorder = Recorder()
    callbacks = [EMA(decay), recorder]
    fit(callbacks if first == "ema" else callbacks[::-1], max_epochs=1)
    expected = average(recorder.steps, decay)
    torch.testing.assert_close(recorder.validated[-1], expected)
    torch.testing.assert_close(recorder.at_epoch_end[-1], expected)


def test_training_continues_with_its_own_weights(fit):
    with_average, without = Recorder(), Recorder()
    fit([EMA(0.9), with_average])
    fit([without])
    assert all(map(torch.equal, with_average.steps, without.steps))


def test_model_holds_the_averages_after_training(fit):
    recorder = Recorder()
    trainer = fit([EMA(0.9), recorder])
    weight = trainer.lightning_module.network[0].weight
    torch.testing.assert_close(weight.detach(), average(recorder.steps, 0.9))


def test_validation_after_training_sees_the_averages(fit):
    recorder = Recorder()
    trainer = fit([EMA(0.9), recorder])
    trainer.validate(trainer.lightning_module, datamodule=trainer.datamodule, verbose=False)
    torch.testing.assert_close(recorder.validated[-1], average(recorder.steps, 0.9))
    torch.testing.assert_close(recorder.at_epoch_end[-1], average(recorder.steps, 0.9))


@pytest.mark.parametrize("moment", ["between epochs", "after training"])
def test_checkpoint_holds_averages_and_current_weights(fit, tmp_path, moment):
    recorder = Recorder()
    keep = ModelCheckpoint(tmp_path, save_top_k=-1, filename="model")
    trainer = fit([EMA(0.9), recorder, keep], enable_checkpointing=True, max_epochs=1)
    if moment == "after training":
        trainer.save_checkpoint(tmp_path / "model.ckpt")
    checkpoint = torch.load(tmp_path / "model.ckpt", weights_only=True)
    key = "network.0.weight"
    torch.testing.assert_close(checkpoint["state_dict"][key], average(recorder.steps, 0.9))
    torch.testing.assert_close(checkpoint["current_model_state"][key], recorder.steps[-1])


@pytest.mark.filterwarnings("ignore:.*callbacks used to create the checkpoint")
@pytest.mark.parametrize("moment", ["between epochs", "after training"])
def test_resumed_equals_uninterrupted(fit, tmp_path, moment):
    keep = ModelCheckpoint(tmp_path, save_top_k=-1, filename="model")
    half = fit([EMA(0.9), Reseed(), keep], enable_checkpointing=True, max_epochs=1)
    if moment == "after training":
        half.save_checkpoint(tmp_path / "model.ckpt")
    whole, resumed = Recorder(), Recorder()
    straight = fit([EMA(0.9), whole, Reseed()], max_epochs=2)
    again = fit([EMA(0.9), resumed, Reseed()], max_epochs=2, ckpt_path=tmp_path / "model.ckpt")
    assert torch.equal(whole.steps[-1], resumed.steps[-1])
    for a, b in zip(
        straight.lightning_module.state_dict().values(),
        again.lightning_module.state_dict().values(),
        strict=True,
    ):
        assert torch.equal(a, b)


def test_integer_buffers_are_copied(fit):
    trainer = fit([EMA(0.999)])
    assert trainer.lightning_module.network[2].num_batches_tracked == 8


@pytest.mark.parametrize("decay", [-0.1, 1.0, 2.0])
def test_decay_out_of_range_is_refused(decay):
    with pytest.raises(ValueError, match="decay"):
        EMA(decay)
