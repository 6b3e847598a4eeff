"""Whole runs on the GPU that is not there: what they learn, how they go on, and what they survive.

The Trainer, the loaders, all callbacks of the recipe and the writing of files take part. Results
are compared with those of a CPU where both compute in float32.
"""

from __future__ import annotations

import logging

import pytest
import torch

from tests.support.fake_device import DEVICE, HOST, FakeDevice
from tests.support.runs import NO_DROPOUT, QUIET, TINY_TACOTRON2, TINY_WAVEGLOW, overrides, run
from tts.config import compose, resolved
from tts.dump_mels import dump_mels

pytestmark = [
    pytest.mark.slow,
    *(
        pytest.mark.filterwarnings(f"ignore:.*{message}")
        for message in ("does not have many workers", "pin_memory")
    ),
]
#: Few decoder steps, because each takes the fake device some time.
FEW_STEPS = ["model.network.n_frames_per_step=20", "audio.hop_length=512"]
NETWORKS = {
    "tacotron2": [*TINY_TACOTRON2, *NO_DROPOUT, *FEW_STEPS],
    "waveglow": TINY_WAVEGLOW,
}
#: Averaged weights, accumulated batches, samples and speech metrics.
EVERYTHING = [
    *("callbacks=ema", "callbacks.speech.measures=[mel_distance]"),
    *("callbacks.speech.n_utterances=1", "callbacks.samples.n_samples=1"),
    *("trainer.accumulate_grad_batches=2", "data.batch_size=2", "data.val_batch_size=2"),
]
SHORT = [
    *("trainer.limit_val_batches=1", "trainer.num_sanity_val_steps=0", "trainer.max_epochs=-1"),
]
GPU = ["trainer.gpus=1"]


@pytest.mark.parametrize("network", NETWORKS)
def test_a_run_that_resumes_learns_what_a_cpu_learns(network, tmp_path):
    options = [*NETWORKS[network], *EVERYTHING, *SHORT]
    no_samples = "callbacks.samples=null"
    expected = run(tmp_path, *options, no_samples, "trainer.max_steps=2")
    with FakeDevice() as gpu:
        run(tmp_path, *options, *GPU, no_samples, "trainer.max_steps=1", output="gpu")
        last = tmp_path / "gpu" / "checkpoints" / "last.ckpt"
        resumed = [f"ckpt_path={last}", "trainer.max_steps=2"]
        found = run(tmp_path, *options, *GPU, *resumed, output="resumed")
        assert gpu.launches
    assert found["val/loss"] == pytest.approx(expected["val/loss"], rel=1e-4)
    assert found["val/mel_distance"] == pytest.approx(expected["val/mel_distance"], rel=0.05)
    assert any((tmp_path / "resumed" / "samples").rglob("*.wav"))
    state = torch.load(last, weights_only=True)["state_dict"]
    assert {x.device.type for x in state.values()} == {"cpu"}


@pytest.mark.parametrize("precision", ["bf16-mixed", "16-mixed"])
@pytest.mark.skipif(HOST != DEVICE, reason="needs the compiled stub")
def test_tacotron2_learns_in_half_precision(precision, tmp_path):
    options = [*NETWORKS["tacotron2"], *GPU, *SHORT, *QUIET, "trainer.max_steps=2"]
    with FakeDevice() as gpu:
        metrics = run(tmp_path, *options, f"trainer.precision={precision}")
        half = torch.bfloat16 if precision == "bf16-mixed" else torch.float16
        assert half in {dtype for _, dtype in gpu.operations}
    assert metrics["val/loss"] < 100


def test_a_gradient_that_is_not_a_number_is_rolled_back(tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    options = [
        *(*NETWORKS["waveglow"], *GPU, *QUIET, "trainer.max_steps=4", "trainer.max_epochs=-1"),
        *("trainer.limit_val_batches=0", "callbacks=ema"),
        *("callbacks.guard.on_divergence=rollback", "callbacks.guard.copy_every=1"),
        "+callbacks.fault={_target_: tests.support.nan_gradient.NanGradient, step: 2}",
    ]
    with FakeDevice():
        run(tmp_path, *options)
    assert "rolled back to step 2" in caplog.text
    state = torch.load(tmp_path / "output" / "checkpoints" / "last.ckpt", weights_only=True)
    assert all(x.isfinite().all() for x in state["state_dict"].values())


def test_mels_are_dumped_and_a_vocoder_learns_from_them(tmp_path):
    run(tmp_path, *NETWORKS["tacotron2"], *SHORT, *QUIET, "trainer.max_steps=1")
    acoustic = f"acoustic={tmp_path / 'output' / 'checkpoints' / 'last.ckpt'}"
    with FakeDevice():
        hop = "audio.hop_length=512"
        config = compose(overrides(tmp_path, "task=dump_mels", acoustic, hop, *GPU))
        assert dump_mels(resolved(config)) == 0
        options = [*NETWORKS["waveglow"], *GPU, *SHORT, *QUIET, "trainer.max_steps=1", hop]
        metrics = run(tmp_path, *options, "data.mels=gta", acoustic, output="gta")
    assert metrics["val/loss"] < 100
