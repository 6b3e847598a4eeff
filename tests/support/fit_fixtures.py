"""Trains a toy task, mels from symbols, whose dropout reveals a disturbed random state."""

import warnings
from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
import torch
from torch import nn
from torch.utils.data import DataLoader

from tts.audio import MelConfig
from tts.data.loading.batch import TextMelBatch
from tts.training.task_samples import TaskSamples

MEL = MelConfig(sample_rate=8000, n_fft=256, hop_length=64, win_length=256, n_mels=8, f_max=4000.0)


class ToyTask(pl.LightningModule):
    """Predicts one frame for each symbol."""

    def __init__(self, lr=0.1):
        super().__init__()
        self.network = nn.Sequential(nn.Embedding(10, 8), nn.Dropout(0.5), nn.BatchNorm1d(12))
        self.lr = lr

    def forward(self, text):
        return self.network[2](self.network[1](self.network[0](text))).transpose(1, 2)

    def _step(self, batch, stage):
        loss = (self(batch.text) - batch.mel).square().mean()
        self.log(f"{stage}/loss", loss, prog_bar=True, batch_size=len(batch.names))
        return loss

    def training_step(self, batch, batch_idx):
        return self._step(batch, "train")

    def validation_step(self, batch, batch_idx):
        self._step(batch, "val")

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), self.lr)

    def samples(self, batch, generator):
        torch.rand(3)  # draws from the global generator, as the dropout of the pre-net does
        n = len(batch.names)
        noise = torch.rand(n, 8, 30, generator=generator)
        frames = self(batch.text)
        alignment = torch.eye(12).repeat_interleave(2, 0)
        return TaskSamples(
            names=list(batch.names),
            mels={
                "target": [mel - 5 for mel in batch.mel],
                "teacher_forced": [frame - 5 for frame in frames],
                "free_running": [noise[i] - 5 for i in range(n)],
            },
            alignments={"teacher_forced": [alignment] * n, "free_running": [alignment[:14]] * n},
            gates={"free_running": [torch.linspace(0, 1, 30)] * n},
        )


class ToyData(pl.LightningDataModule):
    """Provides four training batches and two validation batches of three utterances."""

    mel = MEL
    tokenizer = SimpleNamespace(symbols=tuple("_abcdefghi"))

    def _loader(self, n_batches, seed):
        generator = torch.Generator().manual_seed(seed)
        batches = [
            TextMelBatch(
                torch.randint(1, 10, (3, 12), generator=generator),
                torch.tensor([12, 12, 12]),
                torch.rand(3, 8, 12, generator=generator),
                torch.tensor([12, 12, 12]),
                tuple(f"utt{seed}-{i}{j}" for j in range(3)),
            )
            for i in range(n_batches)
        ]
        return DataLoader(batches, batch_size=None)

    def train_dataloader(self):
        return self._loader(4, seed=1)

    def val_dataloader(self):
        return self._loader(2, seed=2)


@pytest.fixture
def quiet_lightning():
    """Silence warnings about workers, and two that libraries cause in each other."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not have many workers")
        warnings.filterwarnings("ignore", message=".*treespec, LeafSpec.*")
        warnings.filterwarnings("ignore", message=".*ModelCheckpoint.dirpath.*exists")
        yield


@pytest.fixture
def fit(tmp_path, quiet_lightning):
    """Return a function that trains the toy task and returns the trainer."""

    def run(callbacks=(), task=None, ckpt_path=None, seed=0, **arguments):
        pl.seed_everything(seed, verbose=False)
        task = ToyTask() if task is None else task
        defaults = {
            "logger": False,
            "enable_checkpointing": False,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "max_epochs": 2,
            "num_sanity_val_steps": 0,
            "accelerator": "cpu",
            "log_every_n_steps": 1,
            "default_root_dir": tmp_path,
        }
        trainer = pl.Trainer(callbacks=list(callbacks), **defaults | arguments)
        trainer.fit(task, datamodule=ToyData(), ckpt_path=ckpt_path, weights_only=True)
        return trainer

    return run


@pytest.fixture
def toy_task():
    """Return the class of the toy task, for tests that derive another."""
    return ToyTask


@pytest.fixture
def toy_data():
    """Return the class of the toy data."""
    return ToyData
