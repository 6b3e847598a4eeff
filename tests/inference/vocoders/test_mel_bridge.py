from __future__ import annotations

import math

import pytest
import torch

from tts.audio import LogMel, MelConfig
from tts.core.errors import InputError
from tts.inference import Synthesizer
from tts.inference.vocoders.griffin_lim import GriffinLimVocoder
from tts.inference.vocoders.mel_bridge import find_bridge
from tts.models import Tacotron2
from tts.text import Tokenizer

LOW = MelConfig(sample_rate=16000, n_fft=512, hop_length=128, win_length=512, f_max=6000.0)
HIGH = MelConfig(sample_rate=32000, n_fft=1024, hop_length=256, win_length=1024, f_max=6000.0)


def tones(rate: int, seconds: float = 1.0) -> torch.Tensor:
    """Make the same sound at any rate."""
    time = torch.arange(int(rate * seconds), dtype=torch.float64) / rate
    parts = [torch.sin(2 * torch.pi * f * time + f) / f**0.5 for f in range(150, 6000, 300)]
    return 2.0 * sum(parts)


@pytest.mark.parametrize(
    ("source", "target"),
    [(HIGH, LOW), (LOW, MelConfig(**{**HIGH.to_dict(), "log_floor": 2e-5}))],
    ids=["down", "up"],
)
def test_same_mel_at_another_rate_is_exact(source, target):
    bridge = find_bridge(source, target)
    converted = bridge(LogMel(source)(tones(source.sample_rate)))[0]
    expected = LogMel(target)(tones(target.sample_rate))[0]
    # each rate mirrors its own samples at the ends
    torch.testing.assert_close(converted[:, 4:-4], expected[:, 4:-4], atol=5e-3, rtol=0)
    assert expected.std() > 0.5


def test_higher_floor_is_exact():
    source, target = MelConfig(), MelConfig(log_floor=1e-3)
    wave = 0.01 * torch.randn(8000)
    converted = find_bridge(source, target)(LogMel(source)(wave))
    torch.testing.assert_close(converted, LogMel(target)(wave))
    assert float(converted.min()) == pytest.approx(math.log(1e-3))


@pytest.mark.parametrize(
    "target",
    [
        MelConfig(log_floor=1e-7),
        MelConfig(f_max=7000.0),
        MelConfig(hop_length=200),
        MelConfig(sample_rate=24000),
        MelConfig(sample_rate=44100, n_fft=2048, hop_length=512, win_length=2048),
    ],
    ids=["lower floor", "bands", "hop", "rate alone", "floor below the other rate's"],
)
def test_nothing_else_is_bridged(target):
    assert find_bridge(MelConfig(), target) is None


@pytest.fixture
def acoustic() -> Tacotron2:
    torch.manual_seed(0)
    sizes = {"encoder_embedding_dim": 6, "attention_rnn_dim": 6, "decoder_rnn_dim": 6}
    network = Tacotron2(symbols_embedding_dim=6, prenet_dim=4, postnet_embedding_dim=4, **sizes)
    network.decoder.gate.bias.data.fill_(-50.0)  # the gate never fires
    return network


def test_exact_bridge_is_offered_and_used(acoustic):
    vocoder = GriffinLimVocoder(LOW, n_iter=2)
    with pytest.raises(InputError, match=r"sample_rate: 32000 here, 16000 .*; bridge=true"):
        Synthesizer(acoustic, vocoder, Tokenizer(), HIGH)
    spoken = Synthesizer(acoustic, vocoder, Tokenizer(), HIGH, bridge=True).speak("a", max_steps=20)
    assert spoken.sample_rate == 16000
    assert len(spoken.wave) == 19 * 128


def test_different_mels_are_refused_with_bridge_true(acoustic):
    vocoder = GriffinLimVocoder(MelConfig(f_max=7000.0))
    with pytest.raises(InputError, match=r"f_max: 8000\.0 here, 7000\.0 there") as caught:
        Synthesizer(acoustic, vocoder, Tokenizer(), MelConfig(), bridge=True)
    assert "bridge" not in str(caught.value)
