"""Small networks with random weights: they babble, but they babble repeatably."""

from types import SimpleNamespace

import pytest
import torch

from tts import pretrained
from tts.audio import MelConfig
from tts.models import Tacotron2, WaveGlow
from tts.text import Tokenizer

TINY_MEL = MelConfig(
    sample_rate=8000, n_fft=256, hop_length=64, win_length=256, n_mels=8, f_max=4000.0
)


def tiny_tacotron2(**sizes):
    torch.manual_seed(0)
    network = Tacotron2(
        **{
            "n_mels": 8,
            "mel_mean": -5.0,
            "symbols_embedding_dim": 16,
            "encoder_n_convolutions": 1,
            "encoder_embedding_dim": 16,
            "attention_rnn_dim": 16,
            "attention_dim": 8,
            "attention_location_n_filters": 4,
            "attention_location_kernel_size": 5,
            "decoder_rnn_dim": 16,
            "prenet_dim": 16,
            "postnet_embedding_dim": 16,
            "postnet_n_convolutions": 2,
            **sizes,
        }
    )
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if name.startswith("decoder"):
                weight *= 2  # livelier than at the start of training: utterances differ
        for name, weight in network.named_parameters():
            if "gate" in name and name.endswith("weight"):
                weight *= 4
    return network.eval()


def tiny_waveglow(**sizes):
    torch.manual_seed(0)
    network = WaveGlow(
        **{
            "n_mels": 8,
            "hop_length": 64,
            "win_length": 256,
            "n_flows": 2,
            "n_layers": 2,
            "n_channels": 8,
            **sizes,
        }
    )
    with torch.no_grad():
        for flow in network.flows:
            torch.nn.init.normal_(flow.coupling.end.weight, std=0.1)
    return network


def describe(mel=TINY_MEL, tokenizer=True, corpus="LJ Speech"):
    return {
        "mel": mel.to_dict() if mel else None,
        "tokenizer": Tokenizer().to_dict() if tokenizer else None,
        "corpus": corpus,
    }


@pytest.fixture
def acoustic_file(tmp_path):
    """Write a tiny Tacotron 2: acoustic_file(mel=..., corpus=..., **sizes) -> path."""

    def write(name="acoustic.safetensors", sizes=None, **description):
        network = tiny_tacotron2(**(sizes or {}))
        pretrained.save(network, tmp_path / name, description=describe(**description))
        return tmp_path / name

    return write


@pytest.fixture
def vocoder_file(tmp_path):
    """Write a tiny WaveGlow."""

    def write(name="vocoder.safetensors", sizes=None, **description):
        network = tiny_waveglow(**(sizes or {}))
        description = describe(**{"tokenizer": False, **description})
        pretrained.save(network, tmp_path / name, description=description)
        return tmp_path / name

    return write


@pytest.fixture
def tiny():
    """The parts, for tests that put them together themselves."""
    return SimpleNamespace(mel=TINY_MEL, tacotron2=tiny_tacotron2, waveglow=tiny_waveglow)
