"""What the ranks of DDP exchange in a training step: each exchange waits for the slowest rank."""

from __future__ import annotations

import json

import pytest

from bench.collectives import STEPS
from tests.support.crashing import Runs
from tests.support.runs import QUIET, TINY_TACOTRON2, TINY_WAVEGLOW

#: Tacotron 2 has three norms in the encoder and five in the post-net. Each waits for the former.
N_NORMS = 8
#: The gradient of a tiny network fits into one bucket of DDP.
GRADIENT = 1
#: The guard's numbers, with the decisions whether to stop and whether to save.
AGREEMENT = 1
WAYS = {
    # the number of frames travels with the first norm
    "tacotron2": {"allgather_": N_NORMS, "allreduce_": N_NORMS + GRADIENT + AGREEMENT},
    # the frames, and the running statistics at the end of the step
    "tacotron2, norms apart": {"allreduce_": GRADIENT + AGREEMENT + 2},
    "waveglow": {"allreduce_": GRADIENT + AGREEMENT},
}
OPTIONS = {
    "tacotron2": [*TINY_TACOTRON2, "callbacks=ema"],
    "tacotron2, norms apart": [*TINY_TACOTRON2, "trainer.sync_batchnorm=false"],
    "waveglow": TINY_WAVEGLOW,
}
SHORT = [*QUIET, f"trainer.max_steps={STEPS}", "trainer.max_epochs=-1", "data.batch_size=1"]
SHORT += ["trainer.limit_val_batches=0", "trainer.log_every_n_steps=50"]


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_a_step_exchanges_no_more_than_it_must(way, tmp_path):
    file = tmp_path / "collectives.json"
    count = f"+callbacks.count={{_target_: bench.collectives.CountCollectives, file: {file}}}"
    # the counting process also checks that no buffer of a rank goes its own way
    equal = "+callbacks.equal._target_=tests.support.trial_callbacks.EqualBuffers"
    runs = Runs(tmp_path, *OPTIONS[way], *SHORT, count, *[equal] * ("tacotron2" in way), base=[])
    assert runs.finish("run", ranks=2) == [0, 0]
    assert json.loads(file.read_text()) == WAYS[way]
