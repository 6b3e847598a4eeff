"""Tests of speaking by a few steps at once: it gives what the plain steps give.

On a CPU ``runner=graphs`` runs the same functions on the same buffers. On the fake device a graph
is recorded and replayed.
"""

from __future__ import annotations

import pytest
import torch

from tests.support.fake_device import FakeDevice
from tests.support.gpu_batches import tacotron2
from tts.models.tacotron2.stream import MelStream

PITCH = {"pitch_bins": 4, "n_mels": 40, "sample_rate": 8000, "f_max": 4000.0, "pitch_high": 400.0}
NETWORKS = {
    "default": {},
    "three frames": {"n_frames_per_step": 3},
    "speakers": {"n_speakers": 3, "speaker_embedding_dim": 4},
    "pitch": {**PITCH, "n_frames_per_step": 2},
    "no dropout": {"prenet_dropout": 0.0},
}
SPEECH = {
    "limit": {"max_steps": 20},
    "gate": {"max_steps": 80, "gate_threshold": 0.7},
    "end steps": {"max_steps": 40, "end_steps": 2},
    "window": {"max_steps": 20, "attention_window": 1},
}


def network(**options):
    net = tacotron2(**{"prenet_dropout": 0.5, **options}).double().eval()
    with torch.no_grad():
        for name, weight in net.named_parameters():
            if name.startswith("decoder"):
                weight *= 3  # so that frames differ, and the gate moves
    return net


def speak(net, n_batch=2, device="cpu", n_text=9, **options):
    text = torch.arange(n_batch * n_text).view(n_batch, n_text) % 19 + 1
    lengths = torch.tensor([n_text, 4, 7][:n_batch])
    generators = [torch.Generator().manual_seed(5 + row) for row in range(n_batch)]
    if options.pop("shared", False):
        generators = generators[0]
    inputs = (text.to(device), lengths.to(device))
    speakers = torch.arange(n_batch).to(device)
    options = {"gate_threshold": 1.0, **options}
    out = net.generate(*inputs, generator=generators, speakers=speakers, **options)
    first = generators if isinstance(generators, torch.Generator) else generators[0]
    return out, first.get_state()


def assert_same(ours, theirs):
    assert ours[0].stop_reason == theirs[0].stop_reason
    for found, expected in zip(ours[0][:-1], theirs[0][:-1], strict=True):
        torch.testing.assert_close(found.cpu(), expected, rtol=1e-8, atol=1e-9, check_dtype=False)
    assert torch.equal(ours[1], theirs[1])


@pytest.mark.parametrize("options", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("limits", SPEECH.values(), ids=SPEECH)
def test_steps_in_chunks_are_the_plain_steps(options, limits):
    chunks, plain = network(runner="graphs", **options), network(recurrence="plain", **options)
    assert_same(speak(chunks, **limits), speak(plain, **limits))
    assert len(chunks.decoder.runner._graphs) == 1


@pytest.mark.parametrize("n_batch", [1, 3])
def test_batches_of_several_sizes_take_turns(n_batch):
    chunks, plain = network(runner="graphs"), network(recurrence="plain")
    for n_text in (9, 20, 9):
        sizes = {"n_batch": n_batch, "n_text": n_text, "max_steps": 12, "shared": True}
        assert_same(speak(chunks, **sizes), speak(plain, **sizes))
    assert len(chunks.decoder.runner._graphs) == 2


def test_the_weights_of_now_are_used():
    chunks, plain = network(runner="graphs"), network(recurrence="plain")
    speak(chunks, max_steps=8)
    for net in (chunks, plain):
        with torch.no_grad():
            net.decoder.projection.weight.mul_(2.0)
            net.decoder.attention_rnn.weight_hh.mul_(0.5)
    assert_same(speak(chunks, max_steps=8), speak(plain, max_steps=8))


def test_an_utterance_that_nobody_waits_for_ends_at_the_next_look():
    out, _ = speak(network(runner="graphs"), max_steps=24, given_up=lambda: [True, False])
    assert out.mel_lengths.tolist() == [8, 24]
    assert out.stop_reason[0] == "given_up"


def stream(net, n_text, device="cpu", **options):
    text = torch.arange(1, n_text + 1).to(device)
    return MelStream(net, text, generator=torch.Generator().manual_seed(1), **options)


def test_streams_of_one_network_do_not_disturb_each_other():
    chunks, plain = network(runner="graphs"), network(recurrence="plain")
    options = {"max_steps": 40, "gate_threshold": 1.0}
    expected = [torch.cat(list(stream(plain, n, **options)), 1) for n in (9, 9, 20)]
    streams = [iter(stream(chunks, n, **options)) for n in (9, 9, 20)]
    found = [[], [], []]
    for parts in zip(*streams, strict=True):
        for mels, part in zip(found, parts, strict=True):
            mels.append(part)
    for mels, mel in zip(found, expected, strict=True):
        torch.testing.assert_close(torch.cat(mels, 1), mel, rtol=1e-8, atol=1e-9)


def test_training_between_two_chunks_of_a_stream_does_not_disturb_it():
    chunks, plain = network(runner="graphs"), network(recurrence="plain")
    options = {"max_steps": 40, "gate_threshold": 1.0}
    expected = torch.cat(list(stream(plain, 9, **options)), 1)
    found = []
    for part in stream(chunks, 9, **options):
        found.append(part)
        with torch.inference_mode(False), torch.enable_grad():
            mel = torch.randn(1, 16, 40, dtype=torch.float64)
            text = torch.ones(1, 9, dtype=torch.int64)
            out = chunks(text, torch.tensor([9]), mel, torch.tensor([40]))
            out.mel.sum().backward()
    torch.testing.assert_close(torch.cat(found, 1), expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("options", [NETWORKS["default"], NETWORKS["pitch"]], ids=["", "pitch"])
@pytest.mark.parametrize("limits", [SPEECH["limit"], SPEECH["window"]], ids=["limit", "window"])
@pytest.mark.parametrize("choice", ["auto", "eager"])
def test_speech_of_a_gpu_is_that_of_the_plain_steps(options, limits, choice):
    plain, net = network(recurrence="plain", **options), network(runner=choice, **options)
    with FakeDevice() as gpu:
        found = speak(net.to("cuda"), device="cuda", **limits)
        assert (gpu.launches["graph"] > 0) is (choice == "auto")
        assert_same(found, speak(plain, **limits))


@pytest.mark.parametrize("change", ["hook", "autocast"])
def test_a_changed_decoder_speaks_by_the_plain_steps(change):
    net, plain = network(runner="graphs"), network(recurrence="plain")
    seen = []
    if change == "hook":
        net.decoder.attention.register_forward_hook(lambda *_: seen.append(1))
        assert_same(speak(net, max_steps=8), speak(plain, max_steps=8))
        assert len(seen) == 8
    else:
        with torch.autocast("cpu", torch.bfloat16):
            speak(net.float(), max_steps=8)
    assert len(net.decoder.runner._graphs) == 0
