"""Sharpening raises the contrast across the bands, and leaves level and length alone."""

import pytest
import torch

from tts.audio import MelConfig, sharpen
from tts.core.errors import InputError
from tts.inference import GriffinLimVocoder

PEAK = torch.full((80, 6), -6.0)
PEAK[40] = -2.0


def test_zero_changes_nothing():
    assert sharpen(PEAK, 0.0) is PEAK


@pytest.mark.parametrize("shape", [(80, 6), (2, 80, 6)])
def test_peaks_rise_and_valleys_sink(shape):
    sharp = sharpen(PEAK.expand(shape), 0.5)
    assert sharp.shape == shape
    assert (sharp[..., 40, :] > -2.0).all()
    assert (sharp[..., 38, :] < -6.0).all()
    assert torch.allclose(sharp[..., :30, :], PEAK[:30].expand(*shape[:-2], 30, 6))


def test_level_and_length_do_not_matter():
    assert torch.allclose(sharpen(PEAK + 3, 0.3), sharpen(PEAK, 0.3) + 3, atol=1e-5)
    assert torch.allclose(sharpen(PEAK[:, :1], 0.3), sharpen(PEAK, 0.3)[:, :1])
    flat = torch.full((80, 4), -11.5)
    assert torch.allclose(sharpen(flat, 1.0), flat, atol=1e-5)


def test_griffin_lim_gets_the_sharpened_mel():
    def wave(sharpness, mel):
        vocoder = GriffinLimVocoder(MelConfig(), 2, sharpness)
        return vocoder(mel, generator=torch.Generator().manual_seed(0))

    assert torch.equal(wave(0.3, PEAK), wave(0.0, sharpen(PEAK, 0.3)))
    assert not torch.equal(wave(0.3, PEAK), wave(0.0, PEAK))


def test_negative_sharpness_is_refused():
    with pytest.raises(InputError, match=r"sharpness=-1.0: must be 0 or more"):
        GriffinLimVocoder(MelConfig(), sharpness=-1.0)
