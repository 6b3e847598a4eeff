"""Compares the estimate of memory with what the tensors of a training step really take."""

import weakref

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tts.data.doctor.memory import training_bytes
from tts.models import Tacotron2, tacotron2_loss
from tts.models.tacotron2.config import Tacotron2Config

SMALL = Tacotron2Config(
    n_symbols=30,
    symbols_embedding_dim=48,
    encoder_embedding_dim=48,
    attention_rnn_dim=64,
    attention_dim=24,
    attention_location_n_filters=8,
    decoder_rnn_dim=64,
    prenet_dim=32,
    postnet_embedding_dim=48,
)


class Peak(TorchDispatchMode):
    """Counts the bytes of all storages that are alive."""

    def __init__(self):
        super().__init__()
        self.alive, self.peak, self.known = 0, 0, weakref.WeakSet()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(out):
            # weights laid out for oneDNN have no storage; they are copies, for a moment
            if isinstance(tensor, torch.Tensor) and not tensor.is_mkldnn:
                self.see(tensor.untyped_storage())
        return out

    def see(self, storage):
        if storage in self.known:
            return
        self.known.add(storage)
        self.alive += storage.nbytes()
        self.peak = max(self.peak, self.alive)
        weakref.finalize(storage, self.forget, storage.nbytes())

    def forget(self, n_bytes):
        self.alive -= n_bytes


def measured(config, n_batch, n_symbols, n_frames):
    with Peak() as peak:
        network = Tacotron2(config)
        optimizer = torch.optim.Adam(network.parameters(), foreach=False)
        text = torch.ones(n_batch, n_symbols, dtype=torch.int64)
        text_lengths = torch.full((n_batch,), n_symbols)
        mel = torch.randn(n_batch, config.n_mels, n_frames)
        mel_lengths = torch.full((n_batch,), n_frames)
        for _ in range(2):
            optimizer.zero_grad()
            output = network(text, text_lengths, mel, mel_lengths)
            tacotron2_loss(output, mel, mel_lengths)["total"].backward()
            optimizer.step()
    return peak.peak


@pytest.mark.slow
@pytest.mark.parametrize(
    ("overrides", "shape"),
    [
        ({}, (2, 30, 120)),
        ({}, (4, 150, 60)),
        (
            {"n_frames_per_step": 3, "p_attention_dropout": 0.0, "p_decoder_dropout": 0.0},
            (2, 30, 120),
        ),
        ({"postnet_embedding_dim": 160}, (2, 20, 100)),
        ({"attention_rnn_dim": 200, "decoder_rnn_dim": 160}, (2, 20, 100)),
        ({"recurrence": "plain"}, (2, 60, 60)),
    ],
)
def test_the_estimate_is_near_what_is_measured(overrides, shape):
    config = Tacotron2Config(**{**SMALL.__dict__, **overrides})
    ratio = training_bytes(config, *shape) / measured(config, *shape)
    assert 0.6 < ratio < 1.7, ratio
