"""A training holds no more memory after many steps, validations and saves than after some."""

from __future__ import annotations

import pytest
from pytorch_lightning.callbacks import Callback

from tests.support.runs import QUIET, TINY_TACOTRON2, TINY_WAVEGLOW, overrides
from tts.config import compose, resolved
from tts.core.memory import proc_status_bytes
from tts.train import run_training

NETWORKS = {"tacotron2": [*TINY_TACOTRON2, "callbacks=ema"], "waveglow": TINY_WAVEGLOW}
#: Bytes that may be added between the first and the last step; it was one MB for both networks.
MOST_GROWTH = 6 << 20
held: dict[int, int] = {}


class NoteMemory(Callback):
    def on_train_batch_end(self, trainer, *_):
        held[trainer.global_step] = proc_status_bytes("VmRSS")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(proc_status_bytes("VmRSS") is None, reason="there is no VmRSS")
@pytest.mark.parametrize("network", NETWORKS)
def test_memory_stays_flat_over_300_steps(network, tmp_path):
    steps = ["trainer.max_epochs=-1", "trainer.max_steps=300", "trainer.val_check_interval=2"]
    often = ["trainer.log_every_n_steps=5", "data.minutes=0.5", "callbacks.progress=null"]
    options = [*NETWORKS[network], *QUIET, *steps, *often, "model.batch_size=4"]
    config = resolved(compose(overrides(tmp_path, *options)))
    config["callbacks"]["memory"] = {"_target_": f"{__name__}.NoteMemory"}
    run_training(config, tmp_path / "output")
    assert held[300] - held[75] < MOST_GROWTH
