"""The memory that a training on a GPU will need: predicted, compared with what tensors hold."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from tests.support.gpu_batches import LAPPED, WAVEGLOW, tacotron2
from tts.callbacks import EMA, MemoryEstimate, memory_estimate
from tts.data.loading.batch import MelWaveBatch, TextMelBatch
from tts.models import WaveGlow
from tts.training import activation_memory
from tts.training.activation_memory import LiveBytes, activation_bytes, batch_loss, kept_bytes

DROPOUT = dict.fromkeys(("encoder_dropout", "prenet_dropout", "postnet_dropout"), 0.5)
DROPOUT |= dict.fromkeys(("p_attention_dropout", "p_decoder_dropout"), 0.1)
TEXT, WAVE = (6, 40, 96), (4, 8192)
CASES = {
    "tacotron2": (lambda: tacotron2(**DROPOUT), TEXT, "32-true"),
    "three frames": (lambda: tacotron2(**DROPOUT, n_frames_per_step=3), TEXT, "bf16-mixed"),
    "pitch": (lambda: tacotron2(pitch_bins=8, pitch_dim=8), TEXT, "32-true"),
    "plain": (lambda: tacotron2(**DROPOUT, recurrence="plain"), (2, 20, 48), "32-true"),
    "waveglow": (lambda: WaveGlow(**WAVEGLOW), WAVE, "32-true"),
    "lapped": (lambda: WaveGlow(**WAVEGLOW, **LAPPED), WAVE, "16-mixed"),
    "constant memory": (lambda: WaveGlow(**WAVEGLOW, constant_memory=True), WAVE, "32-true"),
}
FAST = ("waveglow",)


@pytest.mark.parametrize(
    "case", [c if c in FAST else pytest.param(c, marks=pytest.mark.slow) for c in CASES]
)
def test_the_estimate_is_what_a_step_holds_at_most(case):
    build, sizes, precision = CASES[case]
    network = build().train()
    before = [tensor.clone() for tensor in (*network.parameters(), *network.buffers())]
    estimate = activation_bytes(network, precision)(sizes)
    for tensor, old in zip((*network.parameters(), *network.buffers()), before, strict=True):
        assert torch.equal(tensor, old)
    with LiveBytes() as live:
        batch_loss(network, sizes, precision).backward()
    assert 0.85 < estimate / live.peak < 1.2


@pytest.mark.parametrize(
    "case", [c if c in FAST else pytest.param(c, marks=pytest.mark.slow) for c in CASES]
)
def test_the_terms_are_complete(case, monkeypatch):
    """What a larger batch keeps is predicted to the percent, so no term is missing.

    In mixed precision, torch keeps copies of other tensors in small batches than in large ones.
    """
    build, sizes, precision = CASES[case]
    network, fitted = build().train(), []

    def remember(*arguments):
        fitted.append(fit(*arguments))
        return fitted[-1]

    fit = activation_memory.fitted_bytes
    monkeypatch.setattr(activation_memory, "fitted_bytes", remember)
    activation_bytes(network, precision)
    most = 0.01 if precision == "32-true" else 0.1
    assert fitted[0](sizes) == pytest.approx(kept_bytes(network, sizes, precision), rel=most)


def test_tensors_that_autograd_saves_are_counted():
    network, saved = WaveGlow(**WAVEGLOW).train(), {}
    own = {p.untyped_storage().data_ptr() for p in network.parameters()}

    def save(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(save, lambda tensor: tensor):
        loss = batch_loss(network, WAVE, "32-true")
    assert loss.requires_grad
    assert sum(saved.values()) == pytest.approx(kept_bytes(network, WAVE, "32-true"), rel=0.05)


def test_bytes_are_counted_while_their_tensor_exists():
    with LiveBytes() as live:
        kept = torch.ones(100)
        view = kept[10:].view(2, 45)
        view.add_(1)
        torch.ones(1000).sum()
        assert live.now == 400
        assert live.peak == 400 + 4000 + 4
        del kept
        assert live.now == 400
        del view
        assert live.now == 0


class Toy(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network


@pytest.fixture
def say(monkeypatch, caplog):
    """Return a function that begins a training on a pretended GPU, and returns the records."""
    caplog.set_level(logging.INFO)

    def begin(network, batch, card=2**30, device="cuda", data=()):
        monkeypatch.setattr(memory_estimate, "card_bytes", lambda device: card)
        module = Toy(network)
        trainer = SimpleNamespace(
            strategy=SimpleNamespace(root_device=torch.device(device)),
            is_global_zero=True,
            callbacks=[EMA()],
            optimizers=[torch.optim.Adam(module.parameters())],
        )
        config = {
            "trainer": {"precision": "32-true"},
            "data": {"frames_per_batch": None, **dict(data)},
            "model": {"datamodule": {}},
        }
        callback = MemoryEstimate(config)
        callback.setup(trainer, module, "fit")
        for number in range(2):
            callback.on_train_batch_start(trainer, module, batch, number)
        return caplog.records

    return begin


def segments():
    return MelWaveBatch(torch.randn(2, 8, 32), torch.randn(2, 2048), ("a", "b"))


def test_one_line_says_what_is_needed_and_what_is_there(say):
    (record,) = say(WaveGlow(**WAVEGLOW), segments())
    assert record.levelname == "INFO"
    assert record.message.startswith("memory: estimated 0.0 GB of the card's 1.0 GB for a batch of")
    assert "2 segments of 2048 samples (weights " in record.message
    for part in ("gradients", "optimiser", "averages", "activations"):
        assert f", {part} " in record.message


def test_too_small_a_card_is_a_warning_that_names_the_keys(say):
    text, mel = torch.ones(2, 9, dtype=torch.int64), torch.randn(2, 16, 12)
    batch = TextMelBatch(text, torch.tensor([9, 4]), mel, torch.tensor([12, 9]), ("a", "b"))
    (record,) = say(tacotron2(), batch, card=1000, data={"frames_per_batch": 24000})
    assert record.levelname == "WARNING"
    assert "2 utterances of up to 9 symbols and 12 frames" in record.message
    assert "if it does not fit, lower data.frames_per_batch=24000" in record.message


def test_on_a_cpu_nothing_is_said(say):
    assert say(WaveGlow(**WAVEGLOW), segments(), device="cpu") == []


def test_an_unknown_network_has_no_estimate(say):
    assert say(nn.Linear(2, 2), segments()) == []


def test_a_network_that_cannot_be_tried_says_why(say, monkeypatch):
    network = WaveGlow(**WAVEGLOW)
    monkeypatch.setattr(WaveGlow, "forward", lambda *_: 1 / 0)
    (record,) = say(network, segments())
    assert record.message == "no estimate of the GPU's memory: division by zero"
