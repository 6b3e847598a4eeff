"""The fake device refuses what a GPU refuses, and counts what makes the host wait.

Each fault below is planted on purpose. A tool that did not notice one of them would prove nothing.
"""

from __future__ import annotations

import pytest
import torch

from tests.support.fake_device import FakeDevice
from tests.support.gpu_batches import LAPPED, WAVEGLOW, acoustic_batch, acoustic_step, tacotron2
from tts.models import WaveGlow, layers, waveglow_loss
from tts.models.kernels import products
from tts.models.kernels.stepped_attention import SteppedAttention
from tts.models.tacotron2 import decoder, encoder, network


def mask_on_the_cpu(monkeypatch):
    def sequence_mask(lengths, max_length=None):
        return torch.arange(int(max_length)) < lengths[:, None]

    for module in (layers, encoder, network, decoder):
        monkeypatch.setattr(module, "sequence_mask", sequence_mask, raising=False)


def lengths_on_the_gpu(monkeypatch):
    pack = torch.nn.utils.rnn.pack_padded_sequence

    def packed_there(x, n, **options):
        return pack(x, n.to(x.device), **options)

    class Reader(torch.nn.LSTM):
        def forward(self, x):
            return super().forward(packed_there(x, torch.tensor([9, 4]), batch_first=True))

    def forward(self, embedded, lengths):
        return Reader(16, 8, batch_first=True).to("cuda")(embedded)

    monkeypatch.setattr(encoder.Encoder, "forward", forward)


def products_by_onednn(monkeypatch):
    monkeypatch.setattr(products, "_uses_onednn", lambda rows, weight: True)


def generator_of_the_cpu(monkeypatch):
    def draw(shape, rate, device):
        kept = torch.empty(shape, dtype=torch.bool, device=device)
        return kept.bernoulli_(1 - rate, generator=torch.Generator()), 1 / (1 - rate)

    monkeypatch.setattr(layers, "dropout_mask", draw)


def numpy_of_the_gpu(monkeypatch):
    monkeypatch.setattr(encoder.Encoder, "forward", lambda self, x, n: x.detach().numpy())


PLANTED = {
    mask_on_the_cpu: "same device",
    lengths_on_the_gpu: "CPU int64",
    products_by_onednn: "no kernel for cuda",
    generator_of_the_cpu: "'cuda' device type for generator",
    numpy_of_the_gpu: "device type tensor to numpy",
}


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_a_planted_fault_is_refused(plant, monkeypatch):
    there = tacotron2(encoder_dropout=0.5)
    batch = acoustic_batch()
    plant(monkeypatch)
    with FakeDevice():
        there.to("cuda")
        on_gpu = tuple(x.to("cuda") for x in batch)
        with pytest.raises((RuntimeError, TypeError), match=PLANTED[plant]):
            acoustic_step(there, on_gpu)


def test_a_planted_wait_is_counted_once_a_decoder_step(monkeypatch):
    forward = SteppedAttention.forward

    def waiting(ctx, runner, inputs, *rest):
        for frame in inputs:
            frame.sum().item()
        return forward(ctx, runner, inputs, *rest)

    monkeypatch.setattr(SteppedAttention, "forward", staticmethod(waiting))
    # a new graph would wait as well, for the comparison of its results
    there, batch = tacotron2(runner="eager"), acoustic_batch()
    with FakeDevice() as gpu:
        there.to("cuda")
        on_gpu = tuple(x.to("cuda") for x in batch)
        gpu.clear()
        acoustic_step(there, on_gpu)
        assert sum(n for (what, _), n in gpu.syncs.items() if "scalar" in what) == 12


def test_a_kernel_without_a_deterministic_form_is_refused():
    frames = torch.randn(2, 3, 8)
    torch.use_deterministic_algorithms(True)
    try:
        with FakeDevice():
            x = frames.to("cuda").requires_grad_()
            y = torch.nn.functional.interpolate(x, scale_factor=4.0, mode="linear")
            with pytest.raises(RuntimeError, match="upsample_linear1d_backward"):
                y.sum().backward()
    finally:
        torch.use_deterministic_algorithms(False)


def test_convolutions_in_float32_are_rounded_as_ampere_does():
    x, weight = torch.randn(2, 8, 40), torch.randn(8, 8, 1)
    with FakeDevice(tf32=True):
        narrow = torch.nn.functional.conv1d(x.to("cuda"), weight.to("cuda")).cpu()
        wide = torch.nn.functional.conv1d(x.to("cuda").double(), weight.to("cuda").double()).cpu()
    exact = torch.nn.functional.conv1d(x, weight)
    assert (narrow - exact).abs().max() > 1e-4
    torch.testing.assert_close(wide.float(), exact)


def test_a_collective_of_a_tensor_of_the_cpu_is_refused(tmp_path):
    import torch.distributed as dist

    store = dist.FileStore(str(tmp_path / "store"), 1)
    dist.init_process_group("gloo", rank=0, world_size=1, store=store)
    try:
        with FakeDevice() as gpu:
            dist.all_reduce(torch.ones(2, device="cuda"))
            with pytest.raises(
                RuntimeError, match="No backend type associated with device type cpu"
            ):
                dist.all_reduce(torch.ones(2))
            assert sum(gpu.collectives.values()) == 2
    finally:
        dist.destroy_process_group()


def test_a_wait_while_a_graph_is_captured_is_refused():
    with FakeDevice() as gpu:
        x = torch.ones(3).to("cuda")
        gpu.capturing = True
        with pytest.raises(RuntimeError, match="not permitted when stream is capturing"):
            x.sum().item()
        gpu.capturing = False
        assert x.sum().item() == 3


def test_the_debug_mode_of_torch_refuses_waits():
    with FakeDevice() as gpu:
        x = torch.ones(3).to("cuda")
        torch.cuda.set_sync_debug_mode("error")
        for wait in (x.sum().item, x.cpu, lambda: torch.ones(2).to("cuda")):
            with pytest.raises(RuntimeError, match="called a synchronizing CUDA operation"):
                wait()
        torch.ones(2).pin_memory().to("cuda", non_blocking=True)
        torch.cuda.set_sync_debug_mode("warn")
        with pytest.warns(UserWarning, match="called a synchronizing CUDA operation"):
            assert x.sum().item() == 3
        assert gpu.sync_debug_mode == torch.cuda.get_sync_debug_mode() == 1


def test_a_spectrum_has_the_gradient_of_the_cpu():
    """torch.stft transposes its result in place, which changes the shape of a tensor."""
    here = torch.randn(2, 64).requires_grad_()
    there, window = here.detach().clone(), torch.hann_window(16)
    torch.view_as_real(torch.stft(here, 16, window=window, return_complex=True)).sum().backward()
    with FakeDevice():
        there = there.to("cuda").requires_grad_()
        spectrum = torch.stft(there, 16, window=window.to("cuda"), return_complex=True)
        assert spectrum.shape == (2, 9, 17)
        torch.view_as_real(spectrum).sum().backward()
        torch.testing.assert_close(there.grad.cpu(), here.grad)


def test_a_copy_of_pageable_memory_is_refused_while_a_graph_is_captured():
    host = torch.ones(3)
    with FakeDevice():
        x = torch.zeros(3).to("cuda")
        with (
            pytest.raises(RuntimeError, match=r"capturing .*pageable"),
            torch.cuda.graph(torch.cuda.CUDAGraph()),
        ):
            x.copy_(host, non_blocking=True)
        with torch.cuda.graph(graph := torch.cuda.CUDAGraph()):
            x.copy_(host.pin_memory(), non_blocking=True)
        graph.replay()
        assert x.tolist() == [1, 1, 1]


def test_a_replay_runs_the_captured_kernels_on_the_captured_memory():
    ran = []
    with FakeDevice() as gpu:
        x = torch.ones(3).to("cuda")
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            doubled = x * 2
            ran.append(1)
        assert doubled.isnan().all()  # a capture computes nothing
        x.fill_(5.0)
        gpu.clear()
        graph.replay()
        assert gpu.launches == {"graph": 1}
        assert doubled.tolist() == [10, 10, 10]
        assert ran == [1]


def test_a_tensor_that_is_bound_anew_is_not_seen_by_a_replay():
    with FakeDevice():
        x = torch.ones(3).to("cuda")
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            doubled = x * 2
        x = torch.full((3,), 5.0).to("cuda")  # another tensor under the same name
        graph.replay()
        assert doubled.tolist() == [2, 2, 2]


@pytest.mark.parametrize("options", [WAVEGLOW, {**WAVEGLOW, **LAPPED}], ids=["squeeze", "lapped"])
def test_waits_name_the_line_that_asked(options):
    there = WaveGlow(**options)
    with FakeDevice() as gpu:
        there.to("cuda")
        mel, wave = torch.randn(2, 8, 32, device="cuda"), torch.randn(2, 2048, device="cuda")
        gpu.clear()
        waveglow_loss(there(mel, wave))["total"].item()
        assert [place.split(":")[0] for _, place in gpu.syncs] == ["test_fake_device.py"]
