"""An estimate of the memory that a training of Tacotron 2 takes, from the sizes of its activations.

Counted are numbers of 32 bits that live until the backward pass needs them, and what that pass adds
at its widest; nothing is said of what a device, its libraries or a fragmented pool take on top.
Mixed precision takes less.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from tts.data.doctor.findings import Finding, utterance_finding
from tts.data.doctor.options import DoctorOptions
from tts.data.doctor.utterances import ExaminedUtterance
from tts.data.loading.speech_datamodule import SpeechDataModule
from tts.models import Tacotron2
from tts.models.tacotron2.config import Tacotron2Config

_BYTES = 4
# Weights, gradients, and the two moments of Adam
_PER_WEIGHT = 4


def training_bytes(config: Tacotron2Config, n_batch: int, n_symbols: int, n_frames: int) -> int:
    """Estimate the memory at the peak of a training step, in bytes.

    Args:
        config: sizes of the network.
        n_batch: utterances.
        n_symbols: of the longest text.
        n_frames: of the longest mel.
    """
    n_steps = -(-n_frames // config.n_frames_per_step)
    activations = n_batch * (
        n_symbols * per_symbol(config)
        + n_frames * per_frame(config)
        + n_steps * (per_step(config) + n_symbols * per_step_and_symbol(config))
    )
    return _BYTES * (_PER_WEIGHT * n_weights(config) + activations)


def per_symbol(config: Tacotron2Config) -> int:
    """Numbers for each symbol: embedding, convolutions, BiLSTM (gates, cells, states), memory."""
    width, memory = config.encoder_embedding_dim, config.memory_dim
    blocks = config.encoder_n_convolutions * _block(width, width)
    return 2 * config.symbols_embedding_dim + blocks + 8 * width + 3 * memory


def per_frame(config: Tacotron2Config) -> int:
    """Numbers for each frame: post-net, predictions, target and the parts of the loss."""
    width, n_mels = config.postnet_embedding_dim, config.n_mels
    inner = (config.postnet_n_convolutions - 2) * _block(width, width)
    return _block(n_mels, width) + inner + _block(width, n_mels) + 8 * n_mels


def per_step(config: Tacotron2Config) -> int:
    """Numbers for each step of the decoder: pre-net, both LSTMs, context, and their gradients."""
    attention, decoder, memory = config.attention_rnn_dim, config.decoder_rnn_dim, config.memory_dim
    # gates, cells, states, dropout, what is handed on; then the gradients of the gates and states
    forward = 8 * attention + 8 * decoder + 3 * memory
    backward = 6 * attention + 2 * decoder + 3 * memory
    return forward + backward + 6 * config.prenet_dim


def per_step_and_symbol(config: Tacotron2Config) -> int:
    """Numbers for each step and symbol: alignments; step by step, all of the attention as well."""
    alignments = 4
    return alignments if config.recurrence == "fast" else alignments + 4 * config.attention_dim


def n_weights(config: Tacotron2Config) -> int:
    """Parameters of a network, counted without making them."""
    with torch.device("meta"):
        return sum(weight.numel() for weight in Tacotron2(config).parameters())


def check_memory(
    cases: Sequence[ExaminedUtterance],
    datamodule: SpeechDataModule,
    network: Any,
    options: DoctorOptions,
) -> Iterator[Finding]:
    """Tell what a batch of the longest utterances takes.

    Args:
        cases: those that are trained on.
        datamodule: knows the size of a batch.
        network: sizes of Tacotron 2; segments of WaveGlow are equally long, whatever the corpus.
        options: know the memory of the device.
    """
    lengths = [(case.sound.seconds, case) for case in cases if case.sound and case.reading]
    if not isinstance(network, Tacotron2Config) or not lengths:
        return
    seconds, longest = max(lengths, key=lambda length: length[0])
    n_frames = int(seconds * datamodule.mel.sample_rate) // datamodule.mel.hop_length + 1
    n_symbols = max(case.reading.n_symbols for _, case in lengths if case.reading)
    n_batch = _batch(datamodule, n_frames)
    estimate = training_bytes(network, n_batch, max(n_symbols, 1), n_frames) / 1e9
    what = (
        f"about {_rounded(estimate)} GB for {n_batch} utterances of {n_frames} frames "
        f"({seconds:.1f} s) and {n_symbols} symbols, in 32 bits"
    )
    too_much = options.memory_gb is not None and estimate > options.memory_gb
    what += f"; there are {options.memory_gb} GB" if too_much else ""
    yield utterance_finding("memory", "warning" if too_much else "note", longest.utterance, what)


def _block(n_in: int, n_out: int) -> int:
    """A convolution's masked input, what it centres, its activation, and two for dropout."""
    return n_in + 4 * n_out


def _batch(datamodule: SpeechDataModule, n_frames: int) -> int:
    budget = datamodule.frames_per_batch
    by_frames = None if budget is None else max(budget // n_frames, 1)
    return min(n for n in (datamodule.batch_size, by_frames) if n is not None)


def _rounded(value: float) -> str:
    """Two digits: an estimate has no more."""
    return f"{float(f'{value:.2g}'):g}"
