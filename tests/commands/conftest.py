"""Makes a tiny acoustic model and a corpus that it follows by teacher forcing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tts import pretrained
from tts.audio import MelConfig
from tts.models import Tacotron2
from tts.text import Tokenizer

LJSPEECH = MelConfig()
SIZES = {
    **{"symbols_embedding_dim": 8, "encoder_n_convolutions": 1, "encoder_embedding_dim": 8},
    **{"attention_rnn_dim": 12, "attention_dim": 8, "attention_location_n_filters": 4},
    **{"decoder_rnn_dim": 12, "prenet_dim": 8, "postnet_embedding_dim": 8},
    **{"postnet_n_convolutions": 2, "mel_mean": -5.5, "n_frames_per_step": 3},
}


@pytest.fixture
def write_acoustic(tmp_path):
    """Write a tiny Tacotron 2."""

    def write(name="a.safetensors", seed=0, speakers=None, mel=LJSPEECH, **sizes) -> Path:
        torch.manual_seed(seed)
        network = Tacotron2(**{**SIZES, "n_mels": mel.n_mels, **sizes}).eval()
        about = {"mel": mel.to_dict(), "tokenizer": Tokenizer().to_dict(), "speakers": speakers}
        pretrained.save(network, tmp_path / name, description=about)
        return tmp_path / name

    return write


@pytest.fixture
def options(write_corpus, tmp_path):
    root = write_corpus("abcdef", seconds=0.3)
    paths = [f"paths.{name}_dir={tmp_path}/{name}" for name in ("data", "log", "output")]
    loading = ["data.batch_size=2", "data.num_workers=0", "data.val_fraction=0.3"]
    return ["data=ljspeech", f"data.root={root}", *paths, *loading, "trainer.accelerator=cpu"]
