"""However a global batch is formed, by one process, two, or bit by bit, learning is the same."""

import logging

import pytest
import torch

from tests.support.runs import NO_DROPOUT, QUIET, TINY_TACOTRON2, TINY_WAVEGLOW, run
from tts.core.errors import InputError
from tts.training.lr_scaling import scaled_optimizer

# Gradients of biases in front of batch norm are only round-off, which Adam would amplify with its
# usual, smaller eps. The utterances are of unequal length.
COMMON = [*QUIET, "trainer.max_steps=20", "trainer.max_epochs=-1", "model.optimizer.eps=1e-4"]
COMMON += ["trainer.num_sanity_val_steps=0", "trainer.check_val_every_n_epoch=5"]
COMMON += ["audio.n_mels=8", "audio.n_fft=512", "audio.win_length=512"]
TACOTRON2 = (*TINY_TACOTRON2, *NO_DROPOUT, "loss.guided_weight=1")
CRITIC = "loss.critic_weight=1"
WAVEGLOW = (*TINY_WAVEGLOW, "model.datamodule.segment_length=1024")
# Each accumulated batch has its own statistics: its only difference from a part of a large batch.
FROZEN_NORM = "+callbacks.frozen._target_=tests.support.frozen_norm.FrozenNorm"
# Each process draws noise of its own, so there is none here. The sound is then nearly silent at
# first, and the logarithm of its spectra would amplify the rounding of float32
SPOKEN = ("loss.spoken_weight=1", "loss.band_weight=1", "loss.spoken_sigma=0", CRITIC)
SPOKEN += ("trainer.precision=64-true",)
# DDP does not copy the buffers of rank 0 to the others
EQUAL_BUFFERS = "+callbacks.equal._target_=tests.support.trial_callbacks.EqualBuffers"
TWO_PROCESSES = ("data.batch_size=3", "trainer.devices=2", "trainer.strategy=ddp", EQUAL_BUFFERS)
TWO_BATCHES = ("data.batch_size=3", "trainer.accumulate_grad_batches=2")
THREE_BATCHES = ("data.batch_size=2", "trainer.accumulate_grad_batches=3")
WAYS = {
    "tacotron2, two processes": (TACOTRON2, TWO_PROCESSES),
    "tacotron2, two batches": ((*TACOTRON2, FROZEN_NORM), TWO_BATCHES),
    "tacotron2, three batches": ((*TACOTRON2, FROZEN_NORM), THREE_BATCHES),
    "critic, two processes": ((*TACOTRON2, CRITIC), TWO_PROCESSES),
    "critic, two batches": ((*TACOTRON2, CRITIC, FROZEN_NORM), TWO_BATCHES),
    "waveglow, two processes": (WAVEGLOW, TWO_PROCESSES),
    "waveglow, two batches": (WAVEGLOW, TWO_BATCHES),
    "spoken waveglow, two processes": ((*WAVEGLOW, *SPOKEN), TWO_PROCESSES),
    "spoken waveglow, two batches": ((*WAVEGLOW, *SPOKEN), TWO_BATCHES),
}
#: What runs by default covers one network and one way
FAST = ("waveglow, two batches",)


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    """Return weights and metrics of a tiny run by its overrides; each run is done once."""
    folder, known = tmp_path_factory.mktemp("scaling"), {}

    def train(*options):
        if options not in known:
            output = f"run{len(known)}"
            metrics = run(folder, *COMMON, *options, output=output)
            file = folder / output / "checkpoints" / "last.ckpt"
            checkpoint = torch.load(file, weights_only=True)
            assert checkpoint["global_step"] == 20
            known[options] = checkpoint["state_dict"], metrics
        return known[options]

    return train


@pytest.mark.parametrize(
    "way",
    [w if w in FAST else pytest.param(w, marks=pytest.mark.slow) for w in WAYS],
)
def test_the_same_global_batch_gives_the_same_weights(way, train):
    options, share = WAYS[way]
    alone, metrics = train(*options, "data.batch_size=6")
    other, other_metrics = train(*options, *share)
    assert alone.keys() == other.keys()
    for name in alone:
        torch.testing.assert_close(
            other[name], alone[name], rtol=1e-4, atol=1e-5, msg=lambda m, n=name: f"{n}: {m}"
        )
    assert other_metrics["val/loss"] == pytest.approx(metrics["val/loss"], rel=1e-4)


def configured(**changes):
    data = {"batch_size": 8, "frames_per_batch": None}
    model = {"scale_lr": "none", "reference_batch_size": 16, "datamodule": {}}
    return {
        "data": {**data, **changes.pop("data", {})},
        "model": {**model, "optimizer": {"lr": 1e-3, "eps": 1e-8}, **changes},
        "trainer": {"accumulate_grad_batches": 3},
    }


@pytest.mark.parametrize(("rule", "lr"), [("linear", 3e-3), ("sqrt", 1e-3 * 3**0.5)])
def test_the_learning_rate_follows_the_global_batch_by_choice(rule, lr):
    config = configured(scale_lr=rule)
    options, sentence = scaled_optimizer(config, world_size=2)
    assert options == {"lr": pytest.approx(lr), "eps": 1e-8}
    assert config["model"]["optimizer"]["lr"] == 1e-3
    assert f"learning rate 0.001 -> {lr:g} (model.scale_lr={rule}): 8 utterances" in sentence
    assert sentence.endswith("x 2 processes x 3 accumulated, against 16")


@pytest.mark.parametrize(("world_size", "says"), [(1, False), (2, True)])
def test_an_unscaled_learning_rate_is_logged_where_processes_share_a_step(world_size, says):
    options, sentence = scaled_optimizer(configured(), world_size)
    assert options["lr"] == 1e-3
    assert bool(sentence) == says


@pytest.mark.parametrize("data", [{"frames_per_batch": 9}, {"batch_size": None}])
def test_a_rate_cannot_follow_a_number_of_utterances_that_varies(data):
    with pytest.raises(InputError, match=r"model\.scale_lr=linear: .*set model\.optimizer\.lr"):
        scaled_optimizer(configured(scale_lr="linear", data=data), 2)


def test_segments_are_counted_whatever_the_budget_of_frames():
    config = configured(
        scale_lr="linear", data={"frames_per_batch": 9}, datamodule={"segment_length": 1}
    )
    assert scaled_optimizer(config, 1)[0]["lr"] == pytest.approx(1.5e-3)


def test_a_run_says_its_learning_rate_and_has_it(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    options = ["model.scale_lr=linear", "model.reference_batch_size=2", "model.lr=1e-4"]
    run(tmp_path, *TINY_TACOTRON2, *QUIET, *options, "trainer.max_steps=1")
    assert "learning rate 0.0001 -> 0.0002 (model.scale_lr=linear): 4 utterances" in caplog.text
    file = tmp_path / "output" / "checkpoints" / "last.ckpt"
    state = torch.load(file, weights_only=True)["optimizer_states"][0]
    assert state["param_groups"][0]["lr"] == pytest.approx(2e-4)


@pytest.mark.slow
def test_a_run_by_frames_needs_no_batch_size(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    options = ["data.batch_size=null", "data.frames_per_batch=1500", "trainer.max_steps=3"]
    metrics = run(tmp_path, *TINY_TACOTRON2, *QUIET, *options, "trainer.max_epochs=-1")
    assert "val/loss" in metrics
    assert "batches of up to 1500 frames in an epoch" in caplog.text
