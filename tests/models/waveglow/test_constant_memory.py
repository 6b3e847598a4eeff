"""Tests of training in constant memory: gradients equal those of the stored version."""

from __future__ import annotations

import pytest
import torch

from tts.models import WaveGlow, waveglow_loss

COMPACT = {"front": "lapped", "condition_channels": 5, "envelope": True}


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    mel = torch.randn(2, 3, 4, generator=generator)
    return mel, 0.5 * torch.randn(2, 4 * 32, generator=generator)


def gradients(network: WaveGlow, autocast: bool = False) -> dict[str, torch.Tensor | None]:
    mel, wave = batch()
    mel.requires_grad_()
    wave.requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        output = network(mel, wave)
    waveglow_loss(output)["total"].backward()
    found = {name: p.grad for name, p in network.named_parameters()}
    return {**found, "mel": mel.grad, "wave": wave.grad}


@pytest.mark.parametrize("options", [{}, {"alternate_halves": True}, COMPACT], ids=str)
def test_gradients_equal_those_of_the_stored_version(trained_waveglow, options):
    stored = gradients(trained_waveglow(**options))
    recomputed = gradients(trained_waveglow(constant_memory=True, **options))
    assert stored.keys() == recomputed.keys()
    for name, gradient in stored.items():
        torch.testing.assert_close(recomputed[name], gradient, rtol=1e-3, atol=1e-5, msg=name)


def test_gradients_in_float64_are_those_of_the_stored_version_exactly(trained_waveglow):
    mel, wave = (x.double() for x in batch())
    found = []
    for constant_memory in (False, True):
        network = trained_waveglow(constant_memory=constant_memory).double()
        # the loss is float32, so this test sums the outputs in float64
        output = network(mel, wave)
        total = output.z.square().sum() - sum(s.sum() for s in output.log_s) - output.log_det.sum()
        total.backward()
        found.append([p.grad for p in network.parameters()])
    for stored, recomputed in zip(*found, strict=True):
        torch.testing.assert_close(recomputed, stored, rtol=1e-8, atol=1e-10)


def test_outputs_equal_those_of_the_stored_version(trained_waveglow):
    stored, recomputed = (
        trained_waveglow(constant_memory=option)(*batch()) for option in (False, True)
    )
    assert torch.equal(recomputed.z, stored.z)
    assert torch.equal(recomputed.log_det, stored.log_det)
    assert all(torch.equal(a, b) for a, b in zip(recomputed.log_s, stored.log_s, strict=True))


def test_frozen_flows_get_no_gradient(trained_waveglow):
    network = trained_waveglow(constant_memory=True)
    network.flows[1].requires_grad_(False)
    found = gradients(network)
    assert [name for name, gradient in found.items() if gradient is None] == [
        name for name, _ in network.named_parameters() if name.startswith("flows.1.")
    ]


def test_gradients_under_autocast_are_close(trained_waveglow):
    exact, low = (
        gradients(trained_waveglow()),
        gradients(trained_waveglow(constant_memory=True), autocast=True),
    )
    for name, gradient in exact.items():
        close = torch.cosine_similarity(low[name].flatten().float(), gradient.flatten(), 0)
        assert close > 0.95, name


def stored_bytes(network: WaveGlow) -> int:
    """Return the bytes that autograd stores for the backward pass."""
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    mel, wave = batch()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = network(mel, wave)
    # both versions store the parameters
    del output
    return sum(kept.values())


def test_stored_activations_do_not_grow_with_the_flows(tiny_waveglow):
    def growth(constant_memory):
        sizes = []
        for n_flows in (4, 12):
            network = tiny_waveglow(
                n_flows=n_flows, n_early_every=99, constant_memory=constant_memory
            )
            network.remove_weight_norm()
            sizes.append(stored_bytes(network))
        return sizes[1] / sizes[0]

    assert growth(True) < 1.05
    assert growth(False) > 2
