"""Makes tiny voices: as files, as parts, and as synthesizers."""

from types import SimpleNamespace

import pytest

from tests.support.tiny_networks import (
    TINY_MEL,
    tiny_synthesizer,
    tiny_tacotron2,
    tiny_waveglow,
)
from tts import pretrained
from tts.text import Tokenizer


def describe(mel=TINY_MEL, tokenizer=True, corpus="LJ Speech"):
    return {
        "mel": mel.to_dict() if mel else None,
        "tokenizer": Tokenizer().to_dict() if tokenizer else None,
        "corpus": corpus,
    }


@pytest.fixture
def acoustic_file(tmp_path):
    """Write a tiny Tacotron 2: acoustic_file(mel=..., corpus=..., sizes={...}) -> path."""

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
    """Return the parts, for tests that build their own synthesizer."""
    return SimpleNamespace(mel=TINY_MEL, tacotron2=tiny_tacotron2, waveglow=tiny_waveglow)


@pytest.fixture(params=["griffin_lim", "waveglow"])
def synthesizer(request):
    """Make a tiny synthesizer with each of the two vocoders."""
    return tiny_synthesizer(request.param)
