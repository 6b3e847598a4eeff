"""Tests of length masks and of the batch norm without padding."""

import torch

from tts.models.layers import MaskedBatchNorm1d, sequence_mask


def test_sequence_mask():
    mask = sequence_mask(torch.tensor([2, 0, 3]), 4)
    assert mask.int().tolist() == [[1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 0]]


def pair(n_channels=3):
    ours, theirs = MaskedBatchNorm1d(n_channels), torch.nn.BatchNorm1d(n_channels)
    for norm in (ours, theirs):
        with torch.no_grad():
            norm.weight.copy_(torch.linspace(0.5, 2, n_channels))
            norm.bias.copy_(torch.linspace(-1, 1, n_channels))
    return ours, theirs


def test_without_padding_it_is_batch_norm():
    ours, theirs = pair()
    for _ in range(3):
        x = torch.randn(4, 3, 9) * 2 + 1
        torch.testing.assert_close(ours(x, None), theirs(x))
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    torch.testing.assert_close(ours.running_var, theirs.running_var)
    torch.testing.assert_close(ours.eval()(x, None), theirs.eval()(x))


def test_padding_is_not_counted():
    ours, theirs = pair()
    mask = sequence_mask(torch.tensor([5, 9, 2]), 9)[:, None]
    x = torch.randn(3, 3, 9).masked_fill(~mask, 100.0)
    real = mask[:, 0]
    y = ours(x, mask).transpose(1, 2)[real]
    torch.testing.assert_close(y, theirs(x.transpose(1, 2)[real]))
    torch.testing.assert_close(ours.running_var, theirs.running_var)
