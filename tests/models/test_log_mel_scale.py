"""Tests that the mean and deviation of log-mels agree in code and configuration."""

from tts.config import compose
from tts.models.log_mel_statistics import LOG_MEL_MEAN, LOG_MEL_STD


def test_the_compact_tacotron2_is_scaled_by_the_constants():
    network = compose(["model=tacotron2_compact"]).model.network
    assert (network.mel_mean, network.mel_std) == (LOG_MEL_MEAN, LOG_MEL_STD)


def test_the_constants_never_change():
    # trained weights of WaveGlow and of the critic depend on them
    assert (LOG_MEL_MEAN, LOG_MEL_STD) == (-5.5, 2.1)
