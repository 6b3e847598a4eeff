"""Networks give on a GPU what they give on a CPU; the GPU is the fake one.

See tests/support/fake_device for what that proves and what it does not.
"""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch

from tests.support.fake_device import DEVICE, HOST, FakeDevice
from tests.support.gpu_batches import LAPPED, WAVEGLOW, acoustic_batch, acoustic_step, tacotron2
from tts.audio import LogMel
from tts.metrics.mel_distance import aligned_mel_distance, frame_distances
from tts.models import WaveGlow, waveglow_loss
from tts.models.tacotron2.encoder import read_packed, read_padded
from tts.models.tacotron2.stream import MelStream
from tts.models.waveglow.condition import interpolate_by_torch, interpolate_frames
from tts.models.waveglow.flow import _log_abs_det

FRONTS = {"squeeze": WAVEGLOW, "lapped": {**WAVEGLOW, **LAPPED}}


@pytest.fixture(params=FRONTS)
def waveglow(request):
    """Return a function that builds a trained-looking WaveGlow of either front."""

    def build(**options):
        torch.manual_seed(0)
        network = WaveGlow(**{**FRONTS[request.param], **options})
        with torch.no_grad():
            for name, weight in network.named_parameters():
                if ".end." in name or ".mix." in name:
                    weight.add_(0.05 * torch.randn_like(weight))
        return network

    return build


def sound():
    generator = torch.Generator().manual_seed(2)
    return (
        torch.randn(2, 8, 32, generator=generator),
        0.3 * torch.randn(2, 2048, generator=generator),
    )


def gradients(network):
    return {name: p.grad for name, p in network.named_parameters()}


@pytest.mark.parametrize("recurrence", ["fast", "plain"])
def test_a_training_step_of_tacotron2_is_that_of_the_cpu(recurrence):
    here, there = (tacotron2(recurrence=recurrence) for _ in range(2))
    expected = acoustic_step(here, acoustic_batch())
    with FakeDevice():
        there.to("cuda")
        loss = acoustic_step(there, tuple(x.to("cuda") for x in acoustic_batch()))
        found = {name: grad.cpu() for name, grad in gradients(there).items()}
    torch.testing.assert_close(loss.host, expected)
    for name, grad in gradients(here).items():
        torch.testing.assert_close(found[name], grad, rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.parametrize("constant_memory", [False, True])
def test_a_training_step_of_waveglow_is_that_of_the_cpu(waveglow, constant_memory):
    here, there = (waveglow(constant_memory=constant_memory) for _ in range(2))
    waveglow_loss(here(*sound()))["total"].backward()
    with FakeDevice():
        there.to("cuda")
        waveglow_loss(there(*(x.to("cuda") for x in sound())))["total"].backward()
        found = {name: grad.cpu() for name, grad in gradients(there).items()}
    for name, grad in gradients(here).items():
        torch.testing.assert_close(found[name], grad, rtol=1e-3, atol=1e-5, msg=name)


def test_mixing_is_exact_although_ampere_rounds_convolutions(waveglow):
    network = waveglow()
    _, wave = sound()
    with FakeDevice(tf32=True), torch.no_grad():
        network.to("cuda")
        x = network.front(wave.to("cuda"))
        mix = network.flows[0].mix
        mixed, _ = mix(x)
        error = (mix.inverse(mixed) - x).abs().max().cpu()
        unfronted = (network.front.inverse(x).cpu() - wave).abs().max()
    assert error < 2e-6
    assert unfronted < 2e-6


def test_log_determinants_are_computed_by_the_cpu_for_apple():
    """Apple's GPUs have no kernel for their gradient."""

    class Sent(torch.Tensor):
        def to(self, device):
            return device.type, self.item()

    matrix = 3 * torch.eye(2)
    on_mps = SimpleNamespace(device=torch.device("mps"), cpu=lambda: matrix.as_subclass(Sent))
    assert _log_abs_det(on_mps) == ("mps", pytest.approx(2 * math.log(3)))


@pytest.mark.parametrize("front", FRONTS)
def test_waveglow_trains_deterministically(front):
    network = WaveGlow(**FRONTS[front])
    torch.use_deterministic_algorithms(True)
    try:
        with FakeDevice():
            network.to("cuda")
            waveglow_loss(network(*(x.to("cuda") for x in sound())))["total"].backward()
    finally:
        torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize("rate", [1, 2, 3, 4, 5, 32])
def test_both_interpolations_are_one(rate):
    x = torch.randn(2, 3, 7, dtype=torch.float64)
    ours, theirs = (x.clone().requires_grad_() for _ in range(2))
    result, expected = interpolate_frames(ours, rate), interpolate_by_torch(theirs, rate)
    weight = torch.randn_like(result)
    (result * weight).sum().backward()
    (expected * weight).sum().backward()
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-13)
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=1e-13)


def test_the_mel_front_end_is_exact_although_products_are_rounded():
    wave = 0.1 * torch.randn(1, 8000)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        with FakeDevice(tf32=True):
            found = LogMel().to("cuda")(wave.to("cuda")).cpu()
    finally:
        torch.set_float32_matmul_precision(before)
    torch.testing.assert_close(found, LogMel()(wave), rtol=0, atol=2e-5)


def test_distances_are_computed_in_float64_on_the_cpu_only():
    """Apple's GPUs have no float64."""
    with FakeDevice() as gpu:
        mel = torch.randn(8, 5).to("cuda")
        gpu.clear()
        assert frame_distances(mel, mel).diagonal().abs().max() == 0
        assert aligned_mel_distance(mel, mel) == 0
        assert torch.float64 not in {dtype for _, dtype in gpu.operations}


def test_constant_memory_goes_back_in_the_type_of_the_forward_pass(waveglow):
    """The default type of autocast is another on a GPU than on a CPU, so it must be handed on."""
    network = waveglow(constant_memory=True)
    types = set()
    for conv in network.flows[0].coupling.dilated:
        conv.register_forward_hook(lambda module, inputs, output: types.add(output.dtype))
    with torch.autocast("cpu", torch.float16):
        loss = waveglow_loss(network(*sound()))["total"]
    loss.backward()
    assert types == {torch.float16}


@pytest.mark.skipif(HOST != DEVICE, reason="needs the compiled stub")
def test_constant_memory_under_autocast_of_the_gpu_never_uses_float16(waveglow):
    network = waveglow(constant_memory=True)
    with FakeDevice() as gpu:
        network.to("cuda")
        mel, wave = (x.to("cuda") for x in sound())
        with torch.autocast("cuda", torch.bfloat16):
            loss = waveglow_loss(network(mel, wave))["total"]
        loss.backward()
        assert torch.float16 not in {dtype for _, dtype in gpu.operations}


def spoken(network, device="cpu", **options):
    text, lengths = torch.arange(18).view(2, 9) + 1, torch.tensor([9, 4])
    options = {"max_steps": 20, "gate_threshold": 0.5, **options}
    generator = torch.Generator().manual_seed(5)
    out = network.generate(text.to(device), lengths.to(device), generator=generator, **options)
    return out, generator.get_state()


@pytest.mark.parametrize("options", [{}, {"end_steps": 2}, {"attention_window": 2}], ids=str)
def test_speech_and_the_generator_after_it_are_those_of_the_cpu(options):
    network = tacotron2(prenet_dropout=0.5).eval()
    here, state_here = spoken(network, **options)
    with FakeDevice():
        there, state_there = spoken(network.to("cuda"), "cuda", **options)
        assert there.mel_lengths.tolist() == here.mel_lengths.tolist()
        torch.testing.assert_close(there.mel_post.cpu(), here.mel_post, rtol=1e-4, atol=1e-4)
    assert there.stop_reason == here.stop_reason
    assert torch.equal(state_there, state_here)


def test_speaking_waits_once_in_eight_steps():
    network = tacotron2(prenet_dropout=0.5).eval()
    waits = {}
    with FakeDevice() as gpu:
        network.to("cuda")
        # a new graph waits once more, for the comparison of its results
        spoken(network, "cuda", max_steps=8, gate_threshold=1.0)
        for n_steps in (8, 72):
            gpu.clear()
            spoken(network, "cuda", max_steps=n_steps, gate_threshold=1.0)
            waits[n_steps] = sum(gpu.waits.values())
    assert waits[72] - waits[8] == 8


def test_a_stream_on_a_gpu_is_the_speech():
    network = tacotron2(prenet_dropout=0.5).eval()
    text = torch.arange(1, 10)
    options = {"max_steps": 30, "gate_threshold": 0.45}
    generators = [torch.Generator().manual_seed(5) for _ in range(2)]
    with FakeDevice():
        network.to("cuda")
        whole = network.generate(
            text[None].to("cuda"), torch.tensor([9]).to("cuda"), generator=generators[0], **options
        )
        stream = MelStream(network, text.to("cuda"), generator=generators[1], **options)
        chunks = torch.cat([chunk.cpu() for chunk in stream], 1)
        torch.testing.assert_close(chunks, whole.mel_post[0].cpu(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("options", [{}, {"texture_weight": 1.0}], ids=str)
def test_a_training_step_of_tacotron2_does_not_wait(options):
    network = tacotron2()
    with FakeDevice() as gpu:
        network.to("cuda")
        batch = tuple(x.to("cuda") for x in acoustic_batch())
        acoustic_step(network, batch, **options)
        gpu.clear()
        acoustic_step(network, batch, **options)
        assert gpu.waits == {}


@pytest.mark.parametrize("constant_memory", [False, True])
def test_a_training_step_of_waveglow_does_not_wait(waveglow, constant_memory):
    network = waveglow(constant_memory=constant_memory)
    with FakeDevice() as gpu:
        network.to("cuda")
        batch = [x.to("cuda") for x in sound()]
        gpu.clear()
        waveglow_loss(network(*batch))["total"].backward()
        assert gpu.waits == {}


@pytest.mark.parametrize("chunk_frames", [1000, 7])
def test_the_inverse_waits_for_its_noise_alone(waveglow, chunk_frames):
    network, mel = waveglow(), sound()[0]
    here = network.inverse(mel, generator=torch.Generator().manual_seed(1))
    with FakeDevice() as gpu:
        network.to("cuda")
        on_gpu = mel.to("cuda")
        gpu.clear()
        generator = torch.Generator().manual_seed(1)
        there = network.inverse(on_gpu, generator=generator, chunk_frames=chunk_frames)
        assert sum(gpu.waits.values()) == 1
        torch.testing.assert_close(there.cpu(), here, rtol=1e-3, atol=1e-4)


def test_texts_are_read_alike_with_and_without_packing():
    lstm = torch.nn.LSTM(6, 5, batch_first=True, bidirectional=True).double()
    x, lengths = torch.randn(3, 9, 6, dtype=torch.float64), torch.tensor([4, 9, 1])
    torch.testing.assert_close(read_padded(lstm, x, lengths), read_packed(lstm, x, lengths))
