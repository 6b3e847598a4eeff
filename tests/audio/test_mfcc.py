"""MFCC equals the discrete cosine transform of LogMel."""

import pytest
import torch
from scipy.fft import dct

from tts.audio import MFCC, LogMel
from tts.core.errors import InputError


@pytest.mark.parametrize("n_mfcc", [1, 13, 20])
def test_equals_the_cosine_transform_of_log_mel(small, voice, n_mfcc):
    wave = torch.from_numpy(voice[:4000])
    expected = dct(LogMel(small)(wave).numpy(), axis=1, norm="ortho")[:, :n_mfcc]
    torch.testing.assert_close(
        MFCC(small, n_mfcc)(wave), torch.from_numpy(expected), atol=1e-4, rtol=0
    )


@pytest.mark.parametrize("n_mfcc", [0, 21])
def test_more_coefficients_than_bands_are_refused(small, n_mfcc):
    with pytest.raises(InputError, match=f"n_mfcc is {n_mfcc}; it must be 1 to n_mels=20"):
        MFCC(small, n_mfcc)


def test_state_dict_is_empty(small):
    assert MFCC(small).state_dict() == {}
