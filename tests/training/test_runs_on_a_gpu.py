"""Whole runs on the GPU that is not there: what they learn, how they go on, and what they survive.

The Trainer, the loaders, all callbacks of the recipe and the writing of files take part. Results
are compared with those of a CPU where both compute in float32.
"""

from __future__ import annotations

import logging

import pytest
import torch

from tests.support.fake_device import DEVICE, HOST, FakeDevice
from tests.support.runs import NO_DROPOUT, TINY_TACOTRON2, TINY_WAVEGLOW, overrides, run
from tts.config import compose, resolved
from tts.dump_mels import dump_mels

pytestmark = [
    pytest.mark.slow,
    *(
        pytest.mark.filterwarnings(f"ignore:.*{message}")
        for message in ("does not have many workers", "pin_memory")
    ),
]
NETWORKS = {"tacotron2": [*TINY_TACOTRON2, *NO_DROPOUT], "waveglow": TINY_WAVEGLOW}
#: Averaged weights, accumulated batches, samples and speech metrics.
EVERYTHING = [
    *(
        "callbacks=ema",
        "callbacks.speech.measures=[mel_distance]",
        "callbacks.speech.n_utterances=1",
    ),
    *("callbacks.samples.n_samples=1", "trainer.accumulate_grad_batches=2"),
    *("data.batch_size=2", "trainer.limit_val_batches=1", "trainer.max_epochs=-1"),
]
GPU = ["trainer.gpus=1"]


@pytest.mark.parametrize("network", NETWORKS)
def test_a_run_that_resumes_learns_what_a_cpu_learns(network, tmp_path):
    options = [*NETWORKS[network], *EVERYTHING]
    expected = run(tmp_path, *options, "trainer.max_steps=4")
    with FakeDevice() as gpu:
        run(tmp_path, *options, *GPU, "trainer.max_steps=2", output="gpu")
        last = tmp_path / "gpu" / "checkpoints" / "last.ckpt"
        resumed = [f"ckpt_path={last}", "trainer.max_steps=4"]
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
    options = [*NETWORKS["tacotron2"], *GPU, "trainer.max_steps=2", "callbacks.samples=null"]
    with FakeDevice() as gpu:
        metrics = run(tmp_path, *options, f"trainer.precision={precision}")
        half = torch.bfloat16 if precision == "bf16-mixed" else torch.float16
        assert half in {dtype for _, dtype in gpu.operations}
    assert metrics["val/loss"] < 100


def test_a_gradient_that_is_not_a_number_is_rolled_back(tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    options = [
        *(*NETWORKS["waveglow"], *GPU, "trainer.max_steps=4", "callbacks.samples=null"),
        *("trainer.precision=16-mixed", "trainer.limit_val_batches=0", "callbacks=ema"),
        *("callbacks.guard.on_divergence=rollback", "callbacks.guard.copy_every=1"),
        "+callbacks.fault={_target_: tests.support.nan_gradient.NanGradient, step: 2}",
    ]
    with FakeDevice():
        run(tmp_path, *options)
    assert "step 2" in caplog.text
    state = torch.load(tmp_path / "output" / "checkpoints" / "last.ckpt", weights_only=True)
    assert all(x.isfinite().all() for x in state["state_dict"].values())


def test_mels_are_dumped_and_a_vocoder_learns_from_them(tmp_path):
    options = [*NETWORKS["tacotron2"], "trainer.max_steps=1", "callbacks.samples=null"]
    run(tmp_path, *options, "trainer.limit_val_batches=1")
    acoustic = f"acoustic={tmp_path / 'output' / 'checkpoints' / 'last.ckpt'}"
    with FakeDevice():
        config = compose(overrides(tmp_path, "task=dump_mels", acoustic, *GPU))
        assert dump_mels(resolved(config)) == 0
        gta = ["data.mels=gta", acoustic, "trainer.limit_val_batches=1", "callbacks.samples=null"]
        metrics = run(
            tmp_path, *NETWORKS["waveglow"], *GPU, *gta, "trainer.max_steps=1", output="gta"
        )
    assert metrics["val/loss"] < 100
