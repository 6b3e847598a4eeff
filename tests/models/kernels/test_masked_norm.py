"""Tests of norm, activation and dropout in one function: gradients, equality with autograd."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tts.models.kernels import masked_norm
from tts.models.kernels.masked_norm import ACTIVATIONS, NormActivation, activate, masked_statistics
from tts.models.layers import ConvBlock, sequence_mask

EPS = 1e-5
MASK = sequence_mask(torch.tensor([5, 7, 2]), 7)[:, None]
CASES = [(mask, dropped) for mask in (None, MASK) for dropped in (False, True)]


def apply(x, weight, bias, mask, activation, kept):
    found = masked_statistics(x.detach(), mask)
    return NormActivation.apply(x, weight, bias, mask, found, EPS, activation, kept, 1.6)


def plain(x, weight, bias, mask, activation, kept):
    """Compute the same with autograd."""
    real = torch.ones_like(x[:, :1]) if mask is None else mask.to(x.dtype)
    mean = (x * real).sum((0, 2), keepdim=True) / real.sum()
    var = ((x - mean).square() * real).sum((0, 2), keepdim=True) / real.sum()
    y = (x - mean) / (var + EPS).sqrt() * weight[:, None] + bias[:, None]
    y = activate(y, activation)
    return y if kept is None else y * kept * 1.6


def operands(dropped: bool, dtype=torch.float64) -> tuple[list[Tensor], Tensor | None]:
    torch.manual_seed(0)
    x, weight, bias = 2 + torch.randn(3, 4, 7), 1 + 0.3 * torch.randn(4), torch.randn(4)
    kept = torch.rand(3, 4, 7) > 0.4 if dropped else None
    return [t.to(dtype).requires_grad_() for t in (x, weight, bias)], kept


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("mask", "dropped"), CASES)
def test_gradients(activation, mask, dropped):
    leaves, kept = operands(dropped)
    assert torch.autograd.gradcheck(
        lambda *leaves: apply(*leaves, mask, activation, kept), leaves, atol=1e-7
    )


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("mask", "dropped"), CASES)
def test_it_equals_norm_activation_and_dropout_in_turn(activation, mask, dropped):
    leaves, kept = operands(dropped, torch.float32)
    factors = torch.randn(3, 4, 7)
    found = []
    for function in (apply, plain):
        out = function(*leaves, mask, activation, kept)
        found.append([out, *torch.autograd.grad((out * factors).sum(), leaves)])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_gradients_of_ranks_add_up_to_those_of_the_whole_batch(monkeypatch):
    """Run two halves of a batch in one process, with the sums over ranks taken from the whole."""
    (x, weight, bias), _ = operands(False)
    x, factors = x[:2], torch.randn(2, 4, 7, dtype=torch.float64)
    sums: list[Tensor] = []

    def record(value: Tensor) -> Tensor:
        sums.append(value.clone())
        return value

    def half(part: slice) -> list[Tensor]:
        out = apply(x[part], weight, bias, MASK[part], "tanh", None)
        return list(torch.autograd.grad((out * factors[part]).sum(), [x, weight, bias]))

    monkeypatch.setattr(masked_norm, "_sum_over_ranks", record)
    whole = half(slice(0, 2))
    expected = iter(sums * 2)
    monkeypatch.setattr(masked_norm, "_sum_over_ranks", lambda value: next(expected))
    parts = [half(slice(0, 1)), half(slice(1, 2))]
    for one, other, both in zip(*parts, whole, strict=True):
        torch.testing.assert_close(one + other, both)


def test_a_retained_graph_allows_another_backward_pass():
    leaves, kept = operands(True)
    loss = apply(*leaves, MASK, "tanh", kept).square().sum()
    first = torch.autograd.grad(loss, leaves, retain_graph=True)
    for one, other in zip(first, torch.autograd.grad(loss, leaves), strict=True):
        assert torch.equal(one, other)


def test_everything_dropped_gives_no_gradient():
    (x, weight, bias), _ = operands(False)
    kept = torch.zeros(3, 4, 7, dtype=torch.bool)
    found = masked_statistics(x.detach(), MASK)
    out = NormActivation.apply(x, weight, bias, MASK, found, EPS, "tanh", kept, 0.0)
    for gradient in torch.autograd.grad(out.sum(), [x, weight, bias]):
        assert not gradient.any()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_block_stores_two_tensors_and_a_byte_for_each_element(activation):
    block = ConvBlock(64, 64, 5, activation=activation, dropout=0.5)
    x = torch.randn(4, 64, 100, requires_grad=True)
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    mask = sequence_mask(torch.tensor([100, 90, 80, 50]))[:, None]
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        block(x, mask)
    weights = sum(p.nbytes for p in block.parameters())
    assert sum(kept.values()) - weights < 2.3 * x.nbytes


def test_dropout_depends_on_the_mode_of_the_block_not_of_its_norm():
    block = ConvBlock(8, 8, 5, activation="relu", dropout=0.5)
    x = torch.randn(2, 8, 20)
    block.norm.eval()
    assert not torch.equal(block(x, None), block(x, None))
    block.eval()
    assert torch.equal(block(x, None), block(x, None))
