"""Tests of 8-bit recurrent weights: equal up to rounding, and the original does not change."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tts.models import Tacotron2
from tts.models.tacotron2.int8_decoder import (
    Int8LSTMCell,
    add_dequantized_product,
    int8_decoder,
    quantized_rows,
)


@pytest.fixture
def network():
    torch.manual_seed(0)
    sizes = {"symbols_embedding_dim": 16, "encoder_embedding_dim": 16, "attention_rnn_dim": 32}
    sizes |= {"decoder_rnn_dim": 32, "prenet_dim": 16, "postnet_embedding_dim": 16}
    return Tacotron2(n_symbols=12, n_mels=8, attention_dim=8, **sizes).eval()


@pytest.mark.parametrize("shape", [(1, 5), (7, 64), (32, 33)])
def test_rows_are_rounded_by_half_a_unit_at_most(shape):
    weight = torch.randn(*shape)
    rounded, scale = quantized_rows(weight)
    assert rounded.dtype == torch.int8
    assert rounded.abs().amax(1).tolist() == [127] * shape[0]
    assert ((rounded * scale[:, None] - weight).abs() <= 0.501 * scale[:, None]).all()


def test_a_row_of_zeros_stays_zero():
    rounded, scale = quantized_rows(torch.zeros(2, 3))
    assert not rounded.any()
    assert torch.isfinite(scale).all()


@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("columns", [1, 33, 256])
def test_the_product_is_that_of_the_rounded_weights(batch, columns):
    weight, scale = quantized_rows(torch.randn(40, columns))
    x, before = torch.randn(batch, columns), torch.randn(batch, 40)
    out = before.clone()
    add_dequantized_product(out, x, weight, scale)
    torch.testing.assert_close(out, before + x @ (weight * scale[:, None]).T)


def test_a_slice_of_a_wider_tensor_gives_the_right_product():
    weight, scale = quantized_rows(torch.randn(4, 6))
    wide, out = torch.randn(2, 12), torch.zeros(2, 4)
    add_dequantized_product(out, wide[:, ::2], weight, scale)
    torch.testing.assert_close(out, wide[:, ::2] @ (weight * scale[:, None]).T)


def test_a_cell_is_the_cell_of_its_rounded_weights():
    torch.manual_seed(0)
    cell = nn.LSTMCell(10, 6)
    rounded = Int8LSTMCell(cell)
    with torch.no_grad():
        for name in ("ih", "hh"):
            weight = getattr(rounded, f"weight_{name}") * getattr(rounded, f"scale_{name}")[:, None]
            getattr(cell, f"weight_{name}").copy_(weight)
    inputs, state = torch.randn(3, 10), (torch.randn(3, 6), torch.randn(3, 6))
    for found, expected in zip(rounded(inputs, state), cell(inputs, state), strict=True):
        torch.testing.assert_close(found, expected)


def speak(network, **options):
    text = torch.tensor([[1, 2, 3, 4, 5, 6], [7, 8, 9, 0, 0, 0]])
    seed = torch.Generator().manual_seed(1)
    return network.generate(text, torch.tensor([6, 3]), generator=seed, max_steps=20, **options)


def test_int8_changes_the_mel_only_a_little(network):
    exact, rounded = speak(network), speak(int8_decoder(network))
    assert not torch.equal(rounded.mel_post, exact.mel_post)
    torch.testing.assert_close(rounded.mel_post, exact.mel_post, rtol=0, atol=0.02)
    torch.testing.assert_close(rounded.alignments, exact.alignments, rtol=0, atol=0.01)


def test_the_original_network_does_not_change(network):
    before = speak(network)
    rounded = int8_decoder(network)
    torch.testing.assert_close(speak(network).mel_post, before.mel_post, rtol=0, atol=0)
    assert rounded.encoder is network.encoder
    assert isinstance(network.decoder.attention_rnn, nn.LSTMCell)
    assert network.decoder.config is rounded.decoder.config


def test_other_precisions_are_refused(network):
    with pytest.raises(
        ValueError, match=r"^int8 needs a float32 network on a CPU, not torch\.float64 on cpu$"
    ):
        int8_decoder(network.double())
