"""Tests of the decoder's recurrences: gradients, and equality with the decoder step by step."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from tests.support.networks import TACOTRON2_SIZES
from tts.models import Tacotron2, tacotron2_loss
from tts.models.kernels.attention_recurrence import AttentionRecurrence
from tts.models.kernels.lstm_recurrence import LstmRecurrence, PackedWeight
from tts.models.kernels.lstm_steps import SteppedLstm
from tts.models.kernels.runner import Runner
from tts.models.kernels.stepped_attention import SteppedAttention


def random(*shape: int) -> torch.Tensor:
    return (torch.randn(*shape, dtype=torch.float64) * 0.5).requires_grad_()


def dropout_factors(rate: float, *shape: int) -> torch.Tensor | None:
    if not rate:
        return None
    return (torch.rand(*shape) > rate).double() / (1 - rate)


def applied(function):
    return (
        function.apply if "Recurrence" in function.__name__ else partial(function.apply, Runner())
    )


@pytest.mark.parametrize("steps", [4, 10])
@pytest.mark.parametrize("rate", [0.0, 0.4])
@pytest.mark.parametrize("function", [AttentionRecurrence, SteppedAttention])
def test_gradients_of_the_attention_recurrence(function, rate, steps):
    torch.manual_seed(0)
    batch, symbols, inputs, hidden, memory, units, kernel = 2, 5, 3, 3, 4, 3, 3
    padding = torch.zeros(batch, symbols, dtype=torch.float64)
    padding[1, 3:] = float("-inf")
    arguments = (
        random(steps, batch, inputs),
        random(4 * hidden, inputs + memory),
        random(4 * hidden, hidden),
        random(4 * hidden),
        random(units, hidden),
        random(batch, symbols, units),
        padding,
        random(units, 2, kernel),
        random(units),
        random(batch, symbols, memory),
        dropout_factors(rate, steps, batch, hidden),
    )
    assert torch.autograd.gradcheck(applied(function), arguments)


@pytest.mark.parametrize("steps", [5, 10])
@pytest.mark.parametrize("rate", [0.0, 0.4])
@pytest.mark.parametrize("function", [LstmRecurrence, SteppedLstm])
def test_gradients_of_the_lstm_recurrence(function, rate, steps):
    torch.manual_seed(0)
    batch, inputs, hidden = 2, 3, 4
    arguments = (
        random(steps, batch, inputs),
        random(4 * hidden, inputs),
        random(4 * hidden, hidden),
        random(4 * hidden),
        dropout_factors(rate, steps, batch, hidden),
    )
    assert torch.autograd.gradcheck(applied(function), arguments)


def trained_step(
    recurrence: str, autocast: bool = False, seed: int = 2, dtype=torch.float32, **options
):
    """Return outputs and gradients of a training step, with dropout from a fixed seed."""
    torch.manual_seed(1)
    net = Tacotron2(recurrence=recurrence, **{**TACOTRON2_SIZES, **options}).train().to(dtype)
    text = torch.randint(0, 20, (3, 7))
    text_lengths, mel_lengths = torch.tensor([5, 7, 3]), torch.tensor([11, 8, 9])
    mel = torch.randn(3, 6, 11).to(dtype)
    torch.manual_seed(seed)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        out = net(text, text_lengths, mel, mel_lengths)
        loss = tacotron2_loss(out, mel, mel_lengths, text_lengths=text_lengths, guided_weight=1.0)[
            "total"
        ]
    loss.backward()
    return out, {name: p.grad for name, p in net.named_parameters()}


@pytest.mark.parametrize("r", [1, 2])
@pytest.mark.parametrize("rate", [0.0, 0.3])
def test_fast_equals_plain_with_its_gradients(r, rate):
    options = {"n_frames_per_step": r, "p_attention_dropout": rate, "p_decoder_dropout": rate}
    exact, exact_gradients = trained_step("plain", dtype=torch.float64, **options)
    wide, wide_gradients = trained_step("fast", dtype=torch.float64, **options)
    for ours, theirs in zip(wide, exact, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)
    fast, fast_gradients = trained_step("fast", **options)
    plain, plain_gradients = trained_step("plain", **options)
    for ours, theirs in zip(fast, plain, strict=True):
        torch.testing.assert_close(ours, theirs)
    for name, gradient in exact_gradients.items():
        torch.testing.assert_close(wide_gradients[name], gradient, rtol=1e-10, atol=1e-12, msg=name)
        # in float32 both differ from it by rounding errors, which some sums magnify
        fast_error = (fast_gradients[name] - gradient).norm()
        plain_error = (plain_gradients[name] - gradient).norm()
        assert fast_error <= 3 * plain_error + 1e-6 * gradient.norm() + 1e-7, name


def test_fast_is_close_to_plain_in_half_precision():
    # several draws of dropout together: a gradient of a single one can be mostly rounding error
    found, expected = [], []
    for seed in (2, 3, 4):
        fast, fast_gradients = trained_step("fast", autocast=True, seed=seed)
        exact, exact_gradients = trained_step("plain", seed=seed)
        torch.testing.assert_close(fast.alignments.float(), exact.alignments, rtol=0, atol=0.02)
        found.append(fast_gradients)
        expected.append(exact_gradients)
    for name in expected[0]:
        if "decoder" in name:
            ours, theirs = (
                torch.cat([gradients[name].flatten() for gradients in draws])
                for draws in (found, expected)
            )
            close = torch.cosine_similarity(ours, theirs, 0)
            assert close > 0.98, (name, close)


def test_dropout_is_drawn_in_training_only():
    net = Tacotron2(**TACOTRON2_SIZES, p_attention_dropout=0.5).eval()
    inputs = torch.zeros(2, 1, TACOTRON2_SIZES["prenet_dim"])
    assert net.decoder._draw_dropout(inputs).attention is None
    factors = net.train().decoder._draw_dropout(inputs).attention
    assert set(factors.unique().tolist()) == {0.0, 2.0}


def lstm(dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, list[torch.Tensor]]:
    torch.manual_seed(0)
    arguments = [
        random(5, 2, 3),
        random(16, 3),
        random(16, 4),
        random(16),
    ]
    leaves = [argument.detach().to(dtype).requires_grad_() for argument in arguments]
    return LstmRecurrence.apply(*leaves, None).square().sum(), leaves


def test_a_retained_graph_allows_another_backward_pass():
    loss, leaves = lstm()
    first = torch.autograd.grad(loss, leaves, retain_graph=True)
    second = torch.autograd.grad(loss, leaves, retain_graph=True)
    last = torch.autograd.grad(loss, leaves)
    for one, other, third in zip(first, second, last, strict=True):
        assert torch.equal(one, other)
        assert torch.equal(one, third)


def test_a_graph_that_is_not_retained_allows_one_backward_pass():
    loss, leaves = lstm()
    torch.autograd.grad(loss, leaves)
    with pytest.raises(RuntimeError, match="second time"):
        torch.autograd.grad(loss, leaves)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("transposed", [False, True])
def test_packed_weights_give_the_same_product(dtype, transposed):
    torch.manual_seed(0)
    rows, weight = torch.randn(3, 40, dtype=dtype), torch.randn(24, 40, dtype=dtype)
    weight = weight.t().contiguous().t() if transposed else weight
    packed = PackedWeight(weight, len(rows))
    torch.testing.assert_close(packed(rows), rows @ weight.t())
