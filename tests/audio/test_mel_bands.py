"""The mel bands are exactly those of librosa."""

import numpy as np
import pytest

from tts.audio import MelConfig
from tts.audio.mel_bands import band_edges, mel_filter_bank

CONTRACTS = {
    "published": MelConfig(),
    "high": MelConfig(f_min=80.0, f_max=7600.0),
    "all": MelConfig(f_max=11025.0),
    "low": MelConfig(f_max=900.0, n_mels=10),
    "44k": MelConfig(sample_rate=44100, n_fft=2048, win_length=2048, hop_length=512, n_mels=128),
}


@pytest.fixture(params=CONTRACTS, ids=str)
def contract(request):
    return CONTRACTS[request.param]


def test_edges_equal_librosas(contract):
    from librosa import mel_frequencies

    expected = mel_frequencies(n_mels=contract.n_mels + 2, fmin=contract.f_min, fmax=contract.f_max)
    np.testing.assert_allclose(band_edges(contract), expected, rtol=1e-13, atol=1e-11)


def test_filters_equal_librosas(contract):
    from librosa import filters

    expected = filters.mel(
        sr=contract.sample_rate,
        n_fft=contract.n_fft,
        n_mels=contract.n_mels,
        fmin=contract.f_min,
        fmax=contract.f_max,
    )
    basis = mel_filter_bank(contract)
    assert basis.dtype == np.float32
    np.testing.assert_array_equal(basis, expected)


def test_a_band_peaks_between_its_edges(contract):
    edges = band_edges(contract)
    peaks = mel_filter_bank(contract).argmax(1) * contract.sample_rate / contract.n_fft
    assert ((peaks > edges[:-2]) & (peaks < edges[2:])).all()
