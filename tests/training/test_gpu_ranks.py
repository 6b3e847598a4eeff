"""Two ranks train on two GPUs that are not there, where NCCL refuses tensors of the CPU."""

from __future__ import annotations

import pytest
import torch

from tests.support.fake_ranks import TRAINED, train_on_fake_gpus
from tests.support.runs import QUIET, TINY_TACOTRON2, TINY_WAVEGLOW, overrides
from tts.config import compose, resolved

pytestmark = pytest.mark.timeout(600)

TACOTRON2 = [*TINY_TACOTRON2, "model.network.n_frames_per_step=20", "audio.hop_length=512"]
EVERYTHING = ["callbacks=ema", "callbacks.guard.on_divergence=rollback"]
EVERYTHING += ["callbacks.samples.n_samples=1", "callbacks.checkpoint.every_n_train_steps=1"]
RUNS = {
    "everything": [*TACOTRON2, *EVERYTHING, "trainer.max_steps=2"],
    "waveglow": [*TINY_WAVEGLOW, *QUIET, "model.batch_size=1", "trainer.max_steps=2"],
    "fault": [*TACOTRON2, *QUIET, "trainer.max_steps=1"],
}
SHORT = ["trainer.max_epochs=-1", "trainer.num_sanity_val_steps=0", "data.val_batch_size=2"]
SHORT += ["trainer.log_every_n_steps=1", "data.batch_size=2", "trainer.limit_val_batches=1"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("ranks")


@pytest.fixture(scope="module")
def ranks(folder):
    """Return what became of each run on both ranks."""
    runs = {}
    for name, options in RUNS.items():
        given = overrides(folder, *SHORT, *options, f"paths.output_dir={folder / name}")
        given = [option for option in given if not option.startswith("trainer.accelerator")]
        runs[folder / name] = resolved(compose(given))
    return train_on_fake_gpus(runs, fault="sum_on_the_cpu")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["everything", "waveglow"])
def test_ranks_exchange_tensors_of_their_gpus_only(ranks, folder, name):
    assert [rank[name] for rank in ranks] == [TRAINED, TRAINED]
    last = torch.load(folder / name / "checkpoints" / "last.ckpt", weights_only=True)
    assert last["global_step"] == 2


@pytest.mark.slow
def test_an_exchange_on_the_cpu_is_refused(ranks):
    for rank in ranks:
        assert "No backend type associated with device type cpu" in rank["fault"]
