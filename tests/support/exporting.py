"""Makes tiny networks for the tests of exports."""

import torch

from tests.support.tiny_networks import TACOTRON2_SIZES, tiny_waveglow
from tts.audio import MelConfig
from tts.config import compose
from tts.models import Tacotron2
from tts.text import Tokenizer

MEL = MelConfig(sample_rate=8000, n_fft=256, hop_length=64, win_length=200, n_mels=8, f_max=4000.0)
#: All options that the published networks do not have.
OPTIONS = {
    "Tacotron2": {
        **{"n_frames_per_step": 3, "n_speakers": 3, "mel_mean": -5.0, "mel_std": 2.0},
        **{"pitch_bins": 12, "pitch_dim": 8},
    },
    "WaveGlow": {
        **{"front": "lapped", "condition_channels": 8, "envelope": True, "separable": True},
        "n_early_every": 1,
    },
}


def tacotron2(**sizes):
    """Make a network whose utterances differ, and whose batch norm has statistics."""
    torch.manual_seed(0)
    network = Tacotron2(
        **{**TACOTRON2_SIZES, "decoder_rnn_dim": 20, "prenet_dim": 12, **sizes}
    ).eval()
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if name.startswith("decoder"):
                value *= 2
            elif "running" in name:
                value.uniform_(0.5, 1.5)
    return network


def waveglow(**sizes):
    """Make a network whose couplings and whose envelope change their input."""
    network = tiny_waveglow(**{"n_layers": 1, **sizes}).eval()
    with torch.no_grad():
        if network.envelope is not None:
            torch.nn.init.normal_(network.envelope.layer.weight, std=0.1)
    return network


def tiny_description(mel=MEL):
    """Return what a checkpoint says about itself."""
    return {"mel": mel.to_dict(), "tokenizer": Tokenizer().to_dict(), "corpus": "tiny"}


def options(*overrides):
    """Compose the configuration of the command."""
    return compose(list(overrides), "export")
