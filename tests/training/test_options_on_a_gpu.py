"""Each option of the recipes learns on a GPU what it learns on a CPU; the GPU is the fake one."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from tests.support.fake_device import FakeDevice
from tests.support.gpu_batches import LAPPED, WAVEGLOW, acoustic_batch, tacotron2
from tts.data.loading.batch import MelWaveBatch, TextMelBatch
from tts.models import WaveGlow
from tts.training import Tacotron2LossOptions, Tacotron2Task, WaveGlowLossOptions, WaveGlowTask

#: What a task asks of Lightning's Trainer in a step between two logging steps.
TRAINER = SimpleNamespace(
    log_every_n_steps=50,
    fast_dev_run=False,
    global_step=0,
    estimated_stepping_batches=10,
    callbacks=[],
)
#: Options of network and loss: each option of the recipes is in one of them.
ACOUSTIC = {
    "pitch": (
        {"n_frames_per_step": 3, "pitch_bins": 4, "pitch_dim": 8, "pitch_dropout": 0.0},
        {"guided_weight": 1.0, "gate_pos_weight": 4.0},
    ),
    "critic": (
        {"n_speakers": 3, "speaker_embedding_dim": 4},
        {"critic_weight": 1.0, "texture_weight": 1.0},
    ),
    "as published": ({"mask_convolutions": False}, {"reduction": "nvidia"}),
}
VOCODER = {
    "constant memory": ({"constant_memory": True}, {"spoken_weight": 1.0}),
    "critic": (
        {**LAPPED, "separable": True},
        {"spoken_weight": 1.0, "critic_weight": 1.0, "likelihood_weight": 0.0},
    ),
}


def adam(parameters):
    return torch.optim.Adam(parameters)


def acoustic_task(options, loss):
    # tests/models/kernels/test_runner.py has the graphs, which the fake device records slowly
    network = tacotron2(**options, runner="eager")
    torch.manual_seed(3)  # of the critic
    return Tacotron2Task(network, adam, loss=Tacotron2LossOptions(**loss))


def vocoder_task(options, loss):
    torch.manual_seed(0)
    network = WaveGlow(**{**WAVEGLOW, **options})
    for flow in network.flows:
        torch.nn.init.normal_(flow.coupling.end.weight, std=0.05)
    return WaveGlowTask(network, adam, loss=WaveGlowLossOptions(**loss))


def texts():
    text, text_lengths, mel, mel_lengths = acoustic_batch()
    return TextMelBatch(text, text_lengths, mel, mel_lengths, ("a", "b"), (), torch.tensor([2, 0]))


def sounds():
    generator = torch.Generator().manual_seed(2)
    mel, wave = (
        torch.randn(2, 8, 48, generator=generator),
        torch.randn(2, 3072, generator=generator),
    )
    return MelWaveBatch(mel, 0.3 * wave, ("a", "b"))


def moved(batch):
    return type(batch)(*(x.to("cuda") if isinstance(x, torch.Tensor) else x for x in batch))


def losses_and_gradients(task, batch):
    """Compute a training step; the noise is the same on every device."""
    task.trainer = TRAINER
    torch.manual_seed(7)
    losses, _ = task.losses(batch, "train")
    losses["total"].backward()
    gradients = {name: p.grad for name, p in task.named_parameters() if p.grad is not None}
    return losses, gradients


CASES = [
    *(
        pytest.param(acoustic_task, texts, case, id=f"tacotron2-{n}")
        for n, case in ACOUSTIC.items()
    ),
    *(pytest.param(vocoder_task, sounds, case, id=f"waveglow-{n}") for n, case in VOCODER.items()),
]


@pytest.mark.parametrize(("build", "batch", "case"), CASES)
def test_a_step_is_that_of_the_cpu_and_does_not_wait(build, batch, case):
    here, there = build(*case), build(*case)
    losses, gradients = losses_and_gradients(here, batch())
    with FakeDevice() as gpu:
        there.to("cuda")
        on_gpu = moved(batch())
        losses_and_gradients(there, on_gpu)  # the first step uploads constants
        there.zero_grad()
        gpu.clear()
        found_losses, found = losses_and_gradients(there, on_gpu)
        assert gpu.waits == {}
        found_losses = {name: value.cpu() for name, value in found_losses.items()}
        found = {name: gradient.cpu() for name, gradient in found.items()}
    assert {*found_losses} == {*losses}
    for name, value in losses.items():
        torch.testing.assert_close(found_losses[name], value, rtol=1e-4, atol=1e-5, msg=name)
    assert {*found} == {*gradients}
    for name, gradient in gradients.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-3, atol=2e-5, msg=name)
