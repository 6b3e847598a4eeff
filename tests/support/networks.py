"""Defines sizes of small networks, and makes their weights and batches for several tests."""

from __future__ import annotations

from dataclasses import replace

import torch

from tts.models import Tacotron2Config, WaveGlowConfig, sequence_mask

SMALL_WAVEGLOW = WaveGlowConfig(
    n_mels=3,
    n_flows=3,
    n_group=8,
    n_early_every=2,
    n_early_size=2,
    n_layers=2,
    n_channels=6,
)
#: The same with a small up-sampler.
TINY_WAVEGLOW = replace(SMALL_WAVEGLOW, hop_length=32, win_length=64)
#: Sizes that all differ, so that no dimension can be mistaken for another one.
TACOTRON2_SIZES = {
    "n_symbols": 20,
    "n_mels": 6,
    "symbols_embedding_dim": 12,
    "encoder_embedding_dim": 10,
    "attention_rnn_dim": 14,
    "attention_dim": 8,
    "attention_location_n_filters": 4,
    "attention_location_kernel_size": 5,
    "decoder_rnn_dim": 16,
    "prenet_dim": 8,
    "postnet_embedding_dim": 8,
}
#: A Tacotron 2 without dropout, which gives the same output in training and evaluation mode.
TACOTRON2_WITHOUT_DROPOUT = Tacotron2Config(
    n_symbols=10,
    n_mels=4,
    symbols_embedding_dim=8,
    encoder_n_convolutions=1,
    encoder_embedding_dim=8,
    attention_rnn_dim=12,
    attention_dim=8,
    attention_location_n_filters=4,
    attention_location_kernel_size=5,
    decoder_rnn_dim=12,
    prenet_dim=8,
    postnet_embedding_dim=8,
    postnet_n_convolutions=2,
    encoder_dropout=0.0,
    prenet_dropout=0.0,
    p_attention_dropout=0.0,
    p_decoder_dropout=0.0,
    postnet_dropout=0.0,
    speaker_embedding_dim=6,
)


def add_noise(network: torch.nn.Module) -> None:
    """Change all weights, also those that are 0 in a new network."""
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.1 * torch.randn_like(weight))


def tacotron2_batch(
    text_lengths: tuple[int, ...] = (6, 4, 5), mel_lengths: tuple[int, ...] = (9, 7, 5)
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return text, its lengths, mel and its lengths, for ``TACOTRON2_WITHOUT_DROPOUT``."""
    config = TACOTRON2_WITHOUT_DROPOUT
    generator = torch.Generator().manual_seed(5)
    text = torch.randint(
        1, config.n_symbols, (len(text_lengths), max(text_lengths)), generator=generator
    )
    mel = torch.randn(len(mel_lengths), config.n_mels, max(mel_lengths), generator=generator)
    n_text, n_mel = torch.tensor(text_lengths), torch.tensor(mel_lengths)
    text = text * sequence_mask(n_text, text.shape[1])
    return text, n_text, mel * sequence_mask(n_mel, mel.shape[2])[:, None], n_mel
