"""Tests of the fast activations and of dropout: equal to torch's."""

from __future__ import annotations

import pytest
import torch

from tts.models.kernels.activations import dropout_factors, gated_activation, tanh, tanh_


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 2e-7), (torch.float64, 4e-16), (torch.bfloat16, 0.0)]
)
def test_tanh(dtype, tolerance):
    x = torch.linspace(-20, 20, 100_001).to(dtype)
    expected = x.tanh()
    out = torch.empty_like(x)
    assert tanh(x, out=out) is out
    torch.testing.assert_close(out, expected, rtol=0, atol=tolerance)
    torch.testing.assert_close(tanh_(x.clone()), expected, rtol=0, atol=tolerance)


def test_tanh_of_nan_and_infinity():
    x = torch.tensor([float("nan"), float("inf"), float("-inf"), 0.0])
    torch.testing.assert_close(tanh_(x.clone()), x.tanh(), equal_nan=True, rtol=0, atol=0)


def test_tanh_between_precisions():
    x, out = torch.linspace(-3, 3, 101), torch.empty(101, dtype=torch.bfloat16)
    assert torch.equal(tanh(x, out=out), x.tanh().bfloat16())


def test_gradients_of_the_gated_activation():
    torch.manual_seed(0)
    x = torch.randn(2, 6, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(gated_activation, x)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 5e-7), (torch.bfloat16, 0.02)])
def test_gated_activation_is_tanh_times_sigmoid(dtype, tolerance):
    torch.manual_seed(0)
    x = (3 * torch.randn(2, 64, 50)).to(dtype).requires_grad_()
    a, b = x.chunk(2, dim=1)
    d = torch.randn(2, 32, 50).to(dtype)
    for ours, plain in (
        (gated_activation(x), torch.tanh(a) * torch.sigmoid(b)),
        (
            torch.autograd.grad(gated_activation(x), x, d)[0],
            torch.autograd.grad(torch.tanh(a) * torch.sigmoid(b), x, d)[0],
        ),
    ):
        torch.testing.assert_close(ours, plain, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_factors(rate):
    torch.manual_seed(0)
    shape = (97, 53, 61)  # the number of elements is no multiple of 4
    factors = dropout_factors(torch.empty(0), shape, rate)
    assert factors.shape == shape
    dropped = (factors == 0).double()
    # five standard deviations of a count
    spread = 5 * (rate * (1 - rate) / factors.numel()) ** 0.5
    assert abs(dropped.mean() - rate) < spread
    assert set(factors[factors > 0].tolist()) == {factors.max().item()}
    assert abs(factors.max() - 1 / (1 - rate)) < 2e-3 * rate
    # neighbours in every direction are independent
    for axis in range(3):
        first, second = dropped.narrow(axis, 0, 50), dropped.narrow(axis, 1, 50)
        both = (first * second).mean()
        assert abs(both - rate**2) < 0.01


def test_dropout_follows_the_seed():
    like = torch.empty(0)
    draws = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        draws.append((dropout_factors(like, (40,), 0.5), dropout_factors(like, (40,), 0.5)))
    assert torch.equal(draws[0][0], draws[1][0])
    assert torch.equal(draws[0][1], draws[1][1])
    assert not torch.equal(draws[0][0], draws[0][1])
    assert not torch.equal(draws[0][0], draws[2][0])


def test_a_rate_of_one_drops_everything():
    assert not dropout_factors(torch.empty(0), (5,), 1.0).any()
