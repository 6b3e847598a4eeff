"""Estimates the memory that a training of Tacotron 2 takes, from the sizes of its activations.

It counts the 32-bit numbers that are kept for the backward pass, and those that the backward pass
adds at its peak. It leaves out the overhead of the device, of its libraries and of a fragmented
memory pool. Mixed precision takes less.
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
    """Estimate the peak memory of a training step, in bytes.

    Args:
        config: sizes of the network.
        n_batch: number of utterances in the batch.
        n_symbols: length of the longest text.
        n_frames: length of the longest mel.
    """
    n_steps = -(-n_frames // config.n_frames_per_step)
    activations = n_batch * (
        n_symbols * per_symbol(config)
        + n_frames * per_frame(config)
        + n_steps * (per_step(config) + n_symbols * per_step_and_symbol(config))
    )
    return _BYTES * (_PER_WEIGHT * n_weights(config) + activations)


def per_symbol(config: Tacotron2Config) -> int:
    """Count the numbers for each symbol: embedding, convolutions, BiLSTM and encoder memory.

    The BiLSTM keeps gates, cells and states.
    """
    width, memory = config.encoder_embedding_dim, config.memory_dim
    blocks = config.encoder_n_convolutions * _block(width, width)
    return 2 * config.symbols_embedding_dim + blocks + 8 * width + 3 * memory


def per_frame(config: Tacotron2Config) -> int:
    """Count the numbers for each frame: post-net, predictions, target and the loss terms."""
    width, n_mels = config.postnet_embedding_dim, config.n_mels
    inner = (config.postnet_n_convolutions - 2) * _block(width, width)
    return _block(n_mels, width) + inner + _block(width, n_mels) + 8 * n_mels


def per_step(config: Tacotron2Config) -> int:
    """Count the numbers for each decoder step: pre-net, both LSTMs, context and gradients."""
    attention, decoder, memory = config.attention_rnn_dim, config.decoder_rnn_dim, config.memory_dim
    # forward: gates, cells, states, dropout, outputs; backward: gradients of gates and states
    forward = 8 * attention + 8 * decoder + 3 * memory
    backward = 6 * attention + 2 * decoder + 3 * memory
    return forward + backward + 6 * config.prenet_dim


def per_step_and_symbol(config: Tacotron2Config) -> int:
    """Count the numbers for each pair of decoder step and symbol.

    These are the alignments; the plain recurrence keeps all of the attention as well.
    """
    alignments = 4
    return alignments if config.recurrence == "fast" else alignments + 4 * config.attention_dim


def n_weights(config: Tacotron2Config) -> int:
    """Count the parameters of a network without allocating them."""
    with torch.device("meta"):
        return sum(weight.numel() for weight in Tacotron2(config).parameters())


def check_memory(
    cases: Sequence[ExaminedUtterance],
    datamodule: SpeechDataModule,
    network: Any,
    options: DoctorOptions,
) -> Iterator[Finding]:
    """Yield a finding with the memory that a batch of the longest utterances takes.

    Args:
        cases: the cases that are trained on.
        datamodule: gives the batch size.
        network: sizes of Tacotron 2. Other networks give no finding: the segments of WaveGlow have
            one length, which does not depend on the corpus.
        options: give the memory of the device.
    """
    lengths = [(case.recording.seconds, case) for case in cases if case.recording and case.reading]
    if not isinstance(network, Tacotron2Config) or not lengths:
        return
    seconds, longest = max(lengths, key=lambda length: length[0])
    n_frames = int(seconds * datamodule.mel.sample_rate) // datamodule.mel.hop_length + 1
    n_symbols = max(case.reading.n_symbols for _, case in lengths if case.reading)
    n_batch = _batch_size(datamodule, n_frames)
    estimate = training_bytes(network, n_batch, max(n_symbols, 1), n_frames) / 1e9
    what = (
        f"about {_rounded(estimate)} GB for {n_batch} utterances of {n_frames} frames "
        f"({seconds:.1f} s) and {n_symbols} symbols, in 32 bits"
    )
    too_much = options.memory_gb is not None and estimate > options.memory_gb
    what += f"; there are {options.memory_gb} GB" if too_much else ""
    yield utterance_finding("memory", "warning" if too_much else "note", longest.utterance, what)


def _block(n_in: int, n_out: int) -> int:
    """Count a convolution's numbers: masked input, centred output, activation, two for dropout."""
    return n_in + 4 * n_out


def _batch_size(datamodule: SpeechDataModule, n_frames: int) -> int:
    budget = datamodule.frames_per_batch
    by_frames = None if budget is None else max(budget // n_frames, 1)
    return min(n for n in (datamodule.batch_size, by_frames) if n is not None)


def _rounded(value: float) -> str:
    """Round to two digits, because the estimate is not more precise."""
    return f"{float(f'{value:.2g}'):g}"
