"""Options that depend on the devices: settled before the start, logged, and saved with the run."""

import logging

import pytest
import torch
from omegaconf import OmegaConf

from tests.support.fake_device import FakeDevice
from tests.support.runs import CPU, QUIET, TINY_TACOTRON2, run
from tts.config import compose, resolved
from tts.config.schema import check_training
from tts.core.errors import InputError
from tts.runtime.devices import Devices, resolve_precision
from tts.train import build_trainer
from tts.training.device_options import settle_device_options
from tts.training.task import SpeechTask


def configured(*options):
    return resolved(compose(["data=synthetic", *options]))


@pytest.mark.parametrize(
    ("capabilities", "precision"),
    [([(8, 0)], "bf16-mixed"), ([(7, 5)], "16-mixed"), ([(9, 0), (7, 0)], "16-mixed")],
)
def test_auto_is_the_half_precision_that_all_gpus_have(monkeypatch, capabilities, precision):
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda i: capabilities[i])
    assert resolve_precision("auto", Devices("gpu", len(capabilities))) == precision
    assert resolve_precision("auto", Devices("gpu", [0])) != "32-true"


@pytest.mark.parametrize("accelerator", ["cpu", "mps"])
def test_auto_is_float32_without_a_gpu_of_nvidia(accelerator):
    assert resolve_precision("auto", Devices(accelerator, 1)) == "32-true"


def test_the_precision_is_said_and_saved(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    options = ["trainer.precision=auto", "trainer.max_steps=1", "trainer.limit_val_batches=0"]
    run(tmp_path, *TINY_TACOTRON2, *QUIET, *options)
    assert "trainer.precision=auto: 32-true" in caplog.text
    saved = OmegaConf.load(tmp_path / "output" / "config.yaml")
    assert saved.trainer.precision == "32-true"


@pytest.mark.parametrize("precision", ["bf16-true", "16-true"])
def test_weights_in_half_precision_are_refused(precision):
    with pytest.raises(InputError, match=f"trainer.precision={precision}: .* too coarse to learn"):
        check_training(configured(f"trainer.precision={precision}"))


@pytest.mark.parametrize(
    ("options", "on"),
    [
        (["model=waveglow"], True),
        (["model=waveglow", "trainer.deterministic=true"], False),
        (["model=tacotron2"], False),
    ],
)
def test_cudnn_times_its_kernels_where_all_batches_have_one_size(options, on):
    config, _ = settle_device_options(configured(*CPU, *options))
    assert config["trainer"]["benchmark"] is on


@pytest.mark.parametrize("model", ["tacotron2", "waveglow"])
def test_adam_is_fused_on_a_gpu_unless_the_user_says_otherwise(model):
    with FakeDevice():
        for given, expected in (("null", True), ("false", False)):
            options = [f"model={model}", "trainer.gpus=1", f"model.optimizer.fused={given}"]
            config, _ = settle_device_options(configured(*options))
            assert config["model"]["optimizer"]["fused"] is expected
    config, _ = settle_device_options(configured(*CPU, f"model={model}"))
    assert config["model"]["optimizer"]["fused"] is None


def adam_of(weight, **options):
    task = SpeechTask(weight, lambda parameters: torch.optim.Adam(parameters, **options))
    return task.configure_optimizers()


def test_the_device_chooses_the_kernels_of_a_resumed_optimiser():
    weight = torch.nn.Linear(2, 2)
    fused, plain = adam_of(weight, fused=True, lr=0.5), adam_of(weight, foreach=False)
    plain.load_state_dict(fused.state_dict())
    assert not plain.param_groups[0]["fused"]
    assert plain.param_groups[0]["foreach"] is False
    assert plain.param_groups[0]["lr"] == 0.5


def test_ranks_do_not_copy_the_buffers_of_the_first(tmp_path):
    for strategy in ("auto", "ddp"):
        options = [*CPU, "trainer.devices=2", f"trainer.strategy={strategy}"]
        trainer = build_trainer(configured(*options)["trainer"], [], [], tmp_path)
        kept = trainer.strategy._ddp_kwargs
        assert kept.pop("gradient_as_bucket_view") is True
        assert list(kept.values()) == [False]
        assert set(kept) <= {"broadcast_buffers", "forward_sync_buffers"}


def test_the_recurrence_can_be_chosen():
    check_training(configured("model.network.recurrence=plain"))
