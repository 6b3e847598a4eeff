"""Tests of the runner: chunks of steps in buffers that never move give what the plain steps give.

On a CPU a chunk is the same function on the same buffers. On the fake device it is recorded as a
graph, and a replay runs the recorded kernels alone.
"""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace

import pytest
import torch

from tests.support.fake_device import FakeDevice
from tests.support.gpu_batches import tacotron2
from tts.models import Tacotron2, tacotron2_loss
from tts.models.kernels import runner as runner_module
from tts.models.kernels.runner import Runner
from tts.models.tacotron2.config import Tacotron2Config
from tts.pretrained import load, save

DROPOUT = {"p_attention_dropout": 0.3, "p_decoder_dropout": 0.2, "prenet_dropout": 0.5}
PITCH = {"pitch_bins": 4, "n_mels": 40, "sample_rate": 8000, "f_max": 4000.0, "pitch_high": 400.0}
OPTIONS = {
    "without dropout": {},
    "dropout": DROPOUT,
    "three frames": {**DROPOUT, "n_frames_per_step": 3},
    "speakers": {**DROPOUT, "n_speakers": 3, "speaker_embedding_dim": 4},
    "pitch": {**DROPOUT, **PITCH, "n_frames_per_step": 2},
}


def batch(network: Tacotron2, n_text: int = 9, n_frames: int = 70, n_batch: int = 2):
    """Return text, its lengths, mel, its lengths and speakers."""
    generator = torch.Generator().manual_seed(n_text + n_frames)
    text = torch.randint(1, 20, (n_batch, n_text), generator=generator)
    mel = torch.randn(n_batch, network.config.n_mels, n_frames, generator=generator).double()
    text_lengths = torch.tensor([n_text, n_text - 5, n_text - 2][:n_batch])
    mel_lengths = torch.tensor([n_frames, n_frames - 30, n_frames - 7][:n_batch])
    return text, text_lengths, mel, mel_lengths, torch.arange(n_batch)


def in_double(**options):
    network = tacotron2(**options).double()
    if network.config.pitch_bins:
        # it works in float32, whatever the network has
        network.pitch_estimator.float().register_forward_hook(lambda *call: call[2].double())
    return network


def step(network: Tacotron2, *sizes: int, guided: float = 1.0):
    """Return outputs and gradients of a training step, with dropout from a fixed seed."""
    text, text_lengths, mel, mel_lengths, speakers = batch(network, *sizes)
    network.zero_grad()
    torch.manual_seed(7)
    out = network(text, text_lengths, mel, mel_lengths, speakers)
    lengths = {"text_lengths": text_lengths, "guided_weight": guided}
    tacotron2_loss(out, mel, mel_lengths, **lengths)["total"].backward()
    return out, {name: p.grad.clone() for name, p in network.named_parameters()}


def assert_equal_steps(ours, theirs):
    for found, expected in zip(ours[0], theirs[0], strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)
    for name, gradient in theirs[1].items():
        torch.testing.assert_close(ours[1][name], gradient, rtol=1e-9, atol=1e-11, msg=name)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_chunks_give_what_plain_steps_give(options):
    plain = in_double(recurrence="plain", **options)
    chunks = in_double(runner="graphs", **options)
    assert_equal_steps(step(chunks), step(plain))
    assert len(chunks.decoder.runner._graphs) == 4


def test_batches_of_several_sizes_take_turns():
    plain, chunks = tacotron2(recurrence="plain").double(), tacotron2(runner="graphs").double()
    sizes = [(9, 33, 2), (20, 64, 2), (9, 33, 3), (9, 33, 2), (12, 40, 2)]
    expected = [step(plain, *size) for size in sizes]
    for size, theirs in zip(sizes, expected, strict=True):
        assert_equal_steps(step(chunks, *size), theirs)
    # 9 and 12 symbols share a graph, and the decoder's LSTM depends on the batch size alone
    assert len(chunks.decoder.runner._graphs) == 2 * 3 + 2 * 2


def test_buffers_never_move():
    network = tacotron2(runner="graphs").double()
    step(network)
    places = [buffers_of(chunk) for chunk in network.decoder.runner._graphs.values()]
    step(network)
    assert [buffers_of(chunk) for chunk in network.decoder.runner._graphs.values()] == places


def buffers_of(chunk):
    return {name: (id(buffer), buffer.data_ptr()) for name, buffer in chunk.buffers.items()}


def test_the_graph_that_was_used_longest_ago_is_dropped(monkeypatch):
    monkeypatch.setattr(runner_module, "MOST_GRAPHS", 5)
    network, plain = tacotron2(runner="graphs").double(), tacotron2(recurrence="plain").double()
    for n_text in (9, 20, 40, 9):
        assert_equal_steps(step(network, n_text, 33), step(plain, n_text, 33))
        assert len(network.decoder.runner._graphs) <= 5
    widths = {
        b.shape[1] for (name, *_), b in network.decoder.runner._buffers.items() if name == "keys"
    }
    assert 48 in widths
    assert 32 not in widths


def test_chunks_go_back_twice_if_the_graph_of_autograd_is_kept():
    network = tacotron2(runner="graphs").double()
    text, text_lengths, mel, mel_lengths, _ = batch(network)
    loss = network(text, text_lengths, mel, mel_lengths).mel_post.square().mean()
    weights = list(network.decoder.parameters())
    first = torch.autograd.grad(loss, weights, retain_graph=True, allow_unused=True)
    second = torch.autograd.grad(loss, weights, allow_unused=True)
    for one, other in zip(first, second, strict=True):
        assert one is None or torch.equal(one, other)


def test_chunks_under_autocast_give_what_the_same_steps_give_one_by_one():
    found = []
    for choice in ("eager", "graphs"):
        network = tacotron2(runner=choice, **DROPOUT)
        text, text_lengths, mel, mel_lengths, _ = batch(network)
        torch.manual_seed(7)
        with torch.autocast("cpu", torch.bfloat16):
            out = network(text, text_lengths, mel.float(), mel_lengths)
        (out.mel_post.square().mean() + out.alignments.square().sum()).backward()
        found.append(
            torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None])
        )
    assert torch.cosine_similarity(*found, 0) > 0.99


def gpu_step(choice: str):
    """Return gradients of a step on the fake device, and the device with its waits."""
    network = tacotron2(runner=choice, **DROPOUT).double()
    text, text_lengths, mel, mel_lengths, _ = batch(network, n_frames=40)
    with FakeDevice() as gpu:
        network.to("cuda")
        on_gpu = [x.to("cuda") for x in (text, text_lengths, mel, mel_lengths)]
        gpu.clear()
        torch.manual_seed(7)
        out = network(*on_gpu)
        (out.mel_post.square().mean() + out.alignments.square().sum()).backward()
        gpu.during_step = gpu.waits
        weights = network.named_parameters()
        return {name: p.grad.cpu() for name, p in weights if p.grad is not None}, gpu


@pytest.fixture(scope="module")
def steps_one_by_one():
    gradients, gpu = gpu_step("eager")
    assert gpu.launches["graph"] == 0
    return gradients


def test_a_gpu_records_graphs_and_replays_them(steps_one_by_one):
    gradients, gpu = gpu_step("auto")
    assert gpu.launches["graph"] == 2 * 4  # chunks of 32 steps; two loops forward, two back
    waits = {place: n for (_, place), n in gpu.during_step.items()}
    assert [place.partition(":")[0] for place in waits] == ["models/kernels/runner.py"]
    assert list(waits.values()) == [4]  # each graph is compared once
    for name, gradient in steps_one_by_one.items():
        torch.testing.assert_close(gradients[name], gradient, rtol=1e-10, atol=1e-12, msg=name)


def test_a_graph_with_other_results_is_not_used(steps_one_by_one, monkeypatch, caplog):
    graph = Runner._graph

    def forgetting(self, run, device):
        graph(self, run, device)
        return lambda: None

    monkeypatch.setattr(Runner, "_graph", forgetting)
    gradients, _ = gpu_step("auto")
    (message,) = [record.getMessage() for record in caplog.records]
    assert "(its results differ from those of the single steps)" in message
    for name, gradient in steps_one_by_one.items():
        torch.testing.assert_close(gradients[name], gradient, rtol=1e-10, atol=1e-12, msg=name)


def test_a_wait_inside_the_steps_is_refused_by_the_capture_and_the_run_goes_on(
    steps_one_by_one, monkeypatch, caplog
):
    from tts.models.kernels import attention_steps

    read_memory = attention_steps.read_memory

    def waiting(energies, values, weights, context):
        read_memory(energies, values, weights, context)
        weights.sum().item()

    monkeypatch.setattr(attention_steps, "read_memory", waiting)
    gradients, gpu = gpu_step("auto")
    (message,) = [record.getMessage() for record in caplog.records]
    assert message.startswith("model.network.runner=auto: the decoder could not be recorded")
    assert "\n" not in message
    assert gpu.launches["graph"] == 0
    for name, gradient in steps_one_by_one.items():
        torch.testing.assert_close(gradients[name], gradient, rtol=1e-10, atol=1e-12, msg=name)


def test_graphs_are_used_by_default_on_cuda_only():
    assert Tacotron2Config().runner == "auto"
    devices = [torch.device(name) for name in ("cpu", "mps")]
    assert [Runner("auto").uses_graphs(device) for device in devices] == [False, False]
    assert Runner("graphs").uses_graphs(devices[0])
    with FakeDevice():
        assert Runner("auto").uses_graphs(torch.device("cuda"))
        assert Runner("auto").uses_graphs(torch.device("cuda:0"))
        assert not Runner("auto").uses_graphs(torch.device("cuda:1"))
        assert not Runner("eager").uses_graphs(torch.device("cuda"))


@pytest.mark.parametrize("again", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_of_a_network_has_no_graphs(again):
    network = tacotron2(runner="graphs").double()
    step(network, 9, 8)
    copied = again(network)
    assert len(copied.decoder.runner._graphs) == 0
    assert copied.decoder.runner.choice == "graphs"
    assert_equal_steps(step(copied, 9, 8), step(network, 9, 8))


def test_checkpoints_do_not_store_the_runner(tmp_path):
    network = tacotron2(runner="graphs")
    path = tmp_path / "voice.safetensors"
    save(network, path, description={"mel": None, "tokenizer": None, "corpus": "made"})
    loaded = load(path)
    assert "runner" not in loaded.description["network_config"]
    assert loaded.config == replace(network.config, runner="auto")


def test_an_unknown_runner_is_refused():
    with pytest.raises(ValueError, match="runner=fast: it must be one of auto, eager, graphs"):
        Tacotron2Config(runner="fast")
