"""The README's first promise, at less than half its length: attention is learned, not imposed."""

import pytest

from tts.config import compose, resolved
from tts.train import run_training


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_demo_learns_to_read(tmp_path):
    pytest.importorskip("hibari", reason="pip install 'tacoglow[demo]'")
    overrides = [
        "experiment=demo",
        "trainer.accelerator=cpu",
        # the same validations as in the whole run, guidance off for the last third of these steps
        "trainer.max_steps=420",
        "trainer.max_time=null",
        "callbacks.samples.n_samples=4",
        *(f"paths.{name}_dir={tmp_path}/{name}" for name in ("data", "log", "output")),
    ]
    metrics = run_training(resolved(compose(overrides)), tmp_path / "output")
    assert metrics["val/alignment_free_running_follows_text"] >= 0.75
    assert metrics["val/loss"] < 3.0
