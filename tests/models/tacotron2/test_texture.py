"""Tests of the texture loss: which differences it counts, and which it ignores."""

import pytest
import torch
from torch.nn import functional as F

from tts.models import tacotron2_loss
from tts.models.layers import sequence_mask
from tts.models.tacotron2.config import Tacotron2Output
from tts.models.tacotron2.texture import texture_loss

LENGTHS = torch.tensor([40, 25])
MASK = sequence_mask(LENGTHS)


def spectrogram(seed=0):
    return torch.randn(2, 20, 40, generator=torch.Generator().manual_seed(seed)) - 5


def blurred(mel, axis):
    kernel = torch.tensor([0.25, 0.5, 0.25])
    shape, padding = ((3, 1), (1, 0)) if axis == 1 else ((1, 3), (0, 1))
    wide = F.pad(mel[:, None], (padding[1],) * 2 + (padding[0],) * 2, mode="replicate")
    return F.conv2d(wide, kernel.view(1, 1, *shape))[:, 0]


def test_a_perfect_prediction_has_no_loss():
    assert texture_loss(spectrogram(), spectrogram(), MASK) == 0


@pytest.mark.parametrize("axis", [1, 2])
def test_a_smaller_blur_has_a_smaller_loss(axis):
    mel = spectrogram()
    smooth = blurred(mel, axis)
    half, whole = (texture_loss(x, mel, MASK) for x in ((mel + smooth) / 2, smooth))
    assert 0 < half < 0.5 * whole


def test_other_detail_of_the_same_strength_has_a_small_loss():
    mel, flat = spectrogram(), torch.full((2, 20, 40), -5.0)
    other = texture_loss(spectrogram(1), mel, MASK)
    assert other < 0.1 * texture_loss(flat, mel, MASK)


def test_the_gradient_sharpens_the_prediction():
    mel = spectrogram()
    smooth = blurred(mel, 2).requires_grad_()
    loss = texture_loss(smooth, mel, MASK)
    (gradient,) = torch.autograd.grad(loss, smooth)
    sharper = (smooth - 0.2 * gradient).detach()
    assert texture_loss(sharper, mel, MASK) < 0.8 * loss
    assert sharper[0].std() > smooth[0].std()


def test_the_level_does_not_matter():
    mel = spectrogram()
    assert texture_loss(mel + 3, mel, MASK) < 1e-6


def test_padding_and_neighbours_do_not_matter():
    predicted, target = spectrogram(), spectrogram(1)
    together = texture_loss(predicted, target, MASK)
    noisy = texture_loss(
        predicted.masked_fill(~MASK[:, None], 7.0), target.masked_fill(~MASK[:, None], -9.0), MASK
    )
    alone = sum(
        texture_loss(predicted[i : i + 1, :, :n], target[i : i + 1, :, :n], MASK[i : i + 1, :n])
        for i, n in enumerate(LENGTHS.tolist())
    )
    assert torch.allclose(noisy, together)
    assert torch.allclose(alone, together)


def test_texture_is_part_of_the_loss_by_its_weight():
    mel, mel_post = spectrogram(), blurred(spectrogram(), 1)
    alignments = torch.full((2, 40, 5), 0.2)
    output = Tacotron2Output(mel, mel_post, torch.zeros(2, 40), alignments)
    without = tacotron2_loss(output, mel, LENGTHS)
    with_texture = tacotron2_loss(output, mel, LENGTHS, texture_weight=2.0)
    expected = texture_loss(mel_post, mel, MASK) / (LENGTHS.sum() * 20)
    assert "texture" not in without
    assert torch.allclose(with_texture["texture"], expected)
    assert torch.allclose(with_texture["total"], without["total"] + 2 * expected)


def test_autocast_does_not_change_the_precision_of_the_loss():
    predicted, target = spectrogram(), spectrogram(1)
    expected = texture_loss(predicted, target, MASK)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(texture_loss(predicted, target, MASK), expected)
        assert texture_loss(predicted.bfloat16(), target, MASK).dtype == torch.float32
