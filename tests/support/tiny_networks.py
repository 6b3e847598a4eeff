"""Makes small networks with random weights; their babble is repeatable."""

import torch

from tts.audio import MelConfig
from tts.inference import GriffinLimVocoder, Synthesizer, WaveGlowVocoder
from tts.models import Tacotron2, WaveGlow
from tts.text import Tokenizer

TINY_MEL = MelConfig(
    sample_rate=8000, n_fft=256, hop_length=64, win_length=256, n_mels=8, f_max=4000.0
)
TACOTRON2_SIZES = {
    "n_mels": 8,
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
}
WAVEGLOW_SIZES = {
    "n_mels": 8,
    "hop_length": 64,
    "win_length": 256,
    "n_flows": 2,
    "n_layers": 2,
    "n_channels": 8,
}


def tiny_tacotron2(**sizes):
    torch.manual_seed(0)
    network = Tacotron2(**{**TACOTRON2_SIZES, "mel_mean": -5.0, **sizes})
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if name.startswith("decoder"):
                weight *= 2  # larger than at the start of training: utterances differ
        for name, weight in network.named_parameters():
            if "gate" in name and name.endswith("weight"):
                weight *= 4
    return network.eval()


def tiny_waveglow(**sizes):
    """Make a network whose couplings change their input."""
    torch.manual_seed(0)
    network = WaveGlow(**{**WAVEGLOW_SIZES, **sizes})
    with torch.no_grad():
        for flow in network.flows:
            torch.nn.init.normal_(flow.coupling.end.weight, std=0.1)
    return network


def tiny_synthesizer(vocoder="griffin_lim"):
    """Make a synthesizer with a vocoder, given by itself or by its name."""
    if vocoder == "griffin_lim":
        vocoder = GriffinLimVocoder(TINY_MEL, n_iter=4)
    elif vocoder == "waveglow":
        vocoder = WaveGlowVocoder(tiny_waveglow(), TINY_MEL)
    return Synthesizer(tiny_tacotron2(), vocoder, Tokenizer(), TINY_MEL)
