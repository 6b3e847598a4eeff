"""Tests of norm, activation and dropout in one function: gradients, equality with autograd."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tts.models.kernels import masked_norm
from tts.models.kernels.masked_norm import ACTIVATIONS, NormActivation, activate, masked_statistics
from tts.models.layers import ConvBlock, MaskedBatchNorm1d, sequence_mask

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


class TwoRanks:
    """Lets two ranks take turns in one process: what they exchange is noted first, used then."""

    def __init__(self, monkeypatch):
        self.sent: dict[int, list[Tensor]] = {0: [], 1: []}
        self.rank, self.turn, self.is_known = 0, 0, False
        monkeypatch.setattr(masked_norm, "n_ranks", lambda: 2)
        monkeypatch.setattr(masked_norm, "gather_over_ranks", self.exchange)
        monkeypatch.setattr(masked_norm, "sum_over_ranks", lambda x: self.exchange(x).sum(0))

    def exchange(self, x: Tensor) -> Tensor:
        mine = self.sent[self.rank]
        if len(mine) == self.turn:
            mine.append(x)
        mine[self.turn] = x
        others = self.sent[1 - self.rank]
        other = others[self.turn] if len(others) > self.turn else torch.zeros_like(x)
        self.turn += 1
        return torch.stack((x, other))

    def run(self, work):
        """Return what the ranks compute when all exchanges are complete."""
        for _ in range(3):  # each pass completes one more of the exchanges that follow each other
            results = []
            for self.rank in (0, 1):
                self.turn = 0
                results.append(work(self.rank))
        return results


@pytest.mark.parametrize("mask", [None, MASK])
def test_gradients_of_ranks_add_up_to_those_of_the_whole_batch(monkeypatch, mask):
    (x, weight, bias), _ = operands(False)
    x, factors = x[:2], torch.randn(2, 4, 7, dtype=torch.float64)

    def half(part: slice) -> list[Tensor]:
        own = None if mask is None else mask[part]
        out = apply(x[part], weight, bias, own, "tanh", None)
        return list(torch.autograd.grad((out * factors[part]).sum(), [x, weight, bias]))

    whole = half(slice(0, 2))
    ranks = TwoRanks(monkeypatch)
    parts = ranks.run(lambda rank: half(slice(rank, rank + 1)))
    for one, other, both in zip(*parts, whole, strict=True):
        torch.testing.assert_close(one + other, both)
    # statistics in one exchange, those of the gradient in another
    assert [len(sent) for sent in ranks.sent.values()] == [2, 2]


def test_a_rank_with_statistics_of_its_own_exchanges_nothing(monkeypatch):
    ranks = TwoRanks(monkeypatch)
    norm = MaskedBatchNorm1d(4)
    norm.over_ranks = False
    norm(torch.randn(3, 4, 7, requires_grad=True), MASK).square().sum().backward()
    assert ranks.sent == {0: [], 1: []}


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
