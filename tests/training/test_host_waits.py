"""A training step makes the host wait for the GPU once, where the guard reads loss and gradient.

The whole Trainer runs with the callbacks of the recipe, on the GPU that is not there.
"""

from __future__ import annotations

from collections import Counter

import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from tests.support.fake_device import FakeDevice
from tests.support.runs import TINY_TACOTRON2, TINY_WAVEGLOW
from tts.callbacks import StopOnSignal
from tts.config import build_object, compose, resolved
from tts.core.signals import StopSignals
from tts.data.loading.batch import MelWaveBatch, TextMelBatch
from tts.train import build_trainer, instantiate_all

SIZES = ["audio.n_mels=8", "audio.n_fft=256", "audio.win_length=256", "audio.hop_length=64"]
NETWORKS = {
    "tacotron2": [*TINY_TACOTRON2, "loss.guided_weight=1"],
    "waveglow": [*TINY_WAVEGLOW, "model.network.n_group=16"],
}
#: Where the host waits in each step: the guard reads its numbers there.
GUARD = "callbacks/step_boundary.py"


class CountWaits(pl.Callback):
    """Counts what the host waited for from the beginning of a batch to that of the next."""

    def __init__(self, gpu):
        self.gpu, self.steps = gpu, []

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.steps.append(Counter(self.gpu.waits))
        self.gpu.clear()


class Batches(pl.LightningDataModule):
    """Provides the same tiny batch three times, in pinned memory."""

    def __init__(self, network):
        super().__init__()
        names, mel = ("a", "b"), torch.randn(2, 8, 12)
        if network == "waveglow":
            self.batch = MelWaveBatch(torch.randn(2, 8, 16), 0.1 * torch.randn(2, 1024), names)
        else:
            text = torch.randint(1, 20, (2, 9))
            lengths = torch.tensor([9, 4]), torch.tensor([12, 9])
            self.batch = TextMelBatch(text, lengths[0], mel, lengths[1], names)

    def train_dataloader(self):
        return DataLoader([self.batch] * 3, batch_size=None, pin_memory=True)

    def val_dataloader(self):
        return []


@pytest.fixture
def waits(tmp_path):
    """Return a function that trains three steps and returns the waits of the second."""

    def train(network, *options):
        paths = [f"paths.{name}_dir={tmp_path}/{name}" for name in ("data", "log", "output")]
        options = [*NETWORKS[network], *SIZES, *options, *paths, "callbacks.samples=null"]
        options += [
            "model.optimizer.fused=true",
            "trainer.gpus=1",
            "trainer.max_steps=3",
            "trainer.log_every_n_steps=50",
        ]
        config = resolved(compose(["data=synthetic", "trainer.limit_val_batches=0", *options]))
        torch.manual_seed(0)
        with FakeDevice() as gpu:
            task = build_object(
                config["model"]["task"], network=build_object(config["model"]["network"])
            )
            count = CountWaits(gpu)
            callbacks = [
                count,
                StopOnSignal(StopSignals(), []),
                *instantiate_all(config["callbacks"]),
            ]
            trainer = build_trainer(config["trainer"], callbacks, [], tmp_path)
            trainer.fit(task, datamodule=Batches(network))
        return count.steps[2:]

    return train


pytestmark = [
    pytest.mark.filterwarnings(f"ignore:.*{message}")
    for message in ("does not have many workers", "pin_memory", "returned 0 length", "LeafSpec")
]


@pytest.mark.parametrize("network", NETWORKS)
def test_a_step_waits_for_the_guard_alone(waits, network):
    for step in waits(network, "callbacks=ema"):
        assert sum(step.values()) == 1, step
        assert all(GUARD in place for _, place in step), step


@pytest.mark.slow
def test_a_loss_scale_adds_the_wait_for_its_own_verdict(waits):
    for step in waits("waveglow", "trainer.precision=16-mixed"):
        assert sum(step.values()) == 2, step
