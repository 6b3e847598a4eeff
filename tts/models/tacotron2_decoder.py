"""Decoder of Tacotron 2 (Shen et al., 2018, §2.2): pre-net, location-sensitive attention, LSTMs.

:meth:`Decoder.step` is the definition, one step at a time; :meth:`Decoder.forward` computes the
same for given frames, with only the true recurrences left in the loop. State is a value that goes
in and comes out.

Shapes: ``B`` batch, ``T_text`` symbols, ``S`` decoder steps (``T_mel`` divided by
``n_frames_per_step``, rounded up).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tts.models.layers import sequence_mask, xavier_conv, xavier_linear
from tts.models.tacotron2_config import Tacotron2Config

Generators = torch.Generator | Sequence[torch.Generator] | None


class Prenet(nn.Module):
    """Bottleneck through which the decoder sees its last frame; its dropout is never off (§2.2)."""

    def __init__(self, config: Tacotron2Config) -> None:
        super().__init__()
        dims = [config.n_mels, config.prenet_dim, config.prenet_dim]
        self.layers = nn.ModuleList(
            xavier_linear(n_in, n_out, bias=False) for n_in, n_out in pairwise(dims)
        )
        self.dropout = config.prenet_dropout

    def forward(self, frames: Tensor) -> Tensor:
        """``(S, B, n_mels)`` -> ``(S, B, prenet_dim)``, an own dropout mask for each utterance."""
        for layer in self.layers:
            frames = F.dropout(F.relu(layer(frames)), p=self.dropout, training=True)
        return frames

    def step(self, frame: Tensor, generator: Generators) -> Tensor:
        """One frame ``(B, n_mels)`` -> ``(B, prenet_dim)``.

        The utterances of a batch share one mask (or have one generator each), so that what is said
        depends on the seed and not on the neighbours in the batch.
        """
        for layer in self.layers:
            frame = F.relu(layer(frame))
            frame = frame * self._dropout_scale(frame, generator)
        return frame

    def _dropout_scale(self, x: Tensor, generator: Generators) -> Tensor:
        """``(1, dim)`` or, with a generator for each utterance, ``(B, dim)``: 0 or 1 / (1 - p)."""
        if generator is None or self.dropout == 0.0:
            return F.dropout(x.new_ones(1, x.shape[1]), p=self.dropout, training=True)
        generators = [generator] if isinstance(generator, torch.Generator) else generator
        # drawn where the generator lives: a seed then means the same on every device
        rows = [
            torch.empty(1, x.shape[1], device=g.device).bernoulli_(1 - self.dropout, generator=g)
            for g in generators
        ]
        return torch.cat(rows).to(x) / (1 - self.dropout)


class LocationAttention(nn.Module):
    """Additive attention that also sees where it looked before (Chorowski et al., 2015, §2.1).

    ``e = v . tanh(W h + V m + U f)`` with ``f`` a convolution over the last and the accumulated
    weights. Convolution and its dense layer ``U`` are both linear: they are applied as one.
    """

    def __init__(self, config: Tacotron2Config) -> None:
        super().__init__()
        dim, n_filters = config.attention_dim, config.attention_location_n_filters
        self.query = xavier_linear(config.attention_rnn_dim, dim, bias=False, gain="tanh")
        self.memory = xavier_linear(config.encoder_embedding_dim, dim, bias=False, gain="tanh")
        self.score = xavier_linear(dim, 1, bias=False)
        self.location_conv = xavier_conv(
            2, n_filters, config.attention_location_kernel_size, bias=False
        )
        self.location_dense = xavier_linear(n_filters, dim, bias=False, gain="tanh")

    def location_kernel(self) -> Tensor:
        """``(attention_dim, 2, kernel)``: the location convolution followed by its dense layer."""
        conv = self.location_conv.weight
        return (self.location_dense.weight @ conv.flatten(1)).view(-1, *conv.shape[1:])

    def forward(
        self, query: Tensor, keys: Tensor, bias: Tensor, kernel: Tensor, weights: Tensor
    ) -> Tensor:
        """Attention weights of one step.

        Args:
            query: ``(B, attention_rnn_dim)``.
            keys: ``(B, attention_dim, T_text)``, the memory after its linear layer.
            bias: ``(B, T_text)``: 0 where real, minus infinity on the padding.
            kernel: from :meth:`location_kernel`.
            weights: ``(B, 2, T_text)``, the last and the accumulated weights.

        Returns:
            ``(B, T_text)``, summing to 1 over the real symbols.
        """
        location = F.conv1d(weights, kernel, padding=kernel.shape[2] // 2)
        hidden = torch.tanh(location + keys + self.query(query)[:, :, None])
        energies = torch.matmul(self.score.weight, hidden).squeeze(1)
        return torch.softmax(energies + bias, dim=1)


class Memory(NamedTuple):
    """What the decoder reads at every step: encoder outputs and what is derived from them once."""

    values: Tensor  # (B, T_text, encoder_embedding_dim)
    keys: Tensor  # (B, attention_dim, T_text)
    bias: Tensor  # (B, T_text): 0 or minus infinity
    kernel: Tensor  # (attention_dim, 2, attention_location_kernel_size)


class AttentionState(NamedTuple):
    """Recurrent state of the attention LSTM and of the attention itself."""

    hidden: Tensor  # (B, attention_rnn_dim)
    cell: Tensor  # (B, attention_rnn_dim)
    context: Tensor  # (B, encoder_embedding_dim)
    weights: Tensor  # (B, 2, T_text): the last and the accumulated


class DecoderState(NamedTuple):
    """All that one step of the decoder hands to the next."""

    attention: AttentionState
    hidden: Tensor  # (B, decoder_rnn_dim)
    cell: Tensor  # (B, decoder_rnn_dim)


def _lstm_update(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """LSTM nonlinearities: ``(B, 4 H)`` gates in the order i, f, g, o -> new hidden and cell."""
    i, f, g, o = gates.chunk(4, dim=1)
    cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(cell), cell


def _lstm_sequence(cell: nn.LSTMCell, inputs: Tensor) -> Tensor:
    """All steps of an LSTM from a zero state: ``(S, B, input_size)`` -> ``(S, B, hidden_size)``."""
    state = inputs.new_zeros(1, inputs.shape[1], cell.hidden_size)
    weights = [cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh]
    if inputs.device.type != "cpu":
        return torch.lstm(inputs, [state, state], weights, True, 1, 0.0, False, False, False)[0]
    # most processors have no LSTM in half precision; oneDNN then fails instead of converting
    with torch.autocast("cpu", enabled=False):
        inputs, state = inputs.to(weights[0].dtype), state.to(weights[0].dtype)
        return torch.lstm(inputs, [state, state], weights, True, 1, 0.0, False, False, False)[0]


class Decoder(nn.Module):
    """Pre-net, attention LSTM, attention, decoder LSTM, and the projections to frames and gate."""

    def __init__(self, config: Tacotron2Config) -> None:
        super().__init__()
        self.config = config
        n_frames, memory_dim = config.n_frames_per_step, config.encoder_embedding_dim
        self.prenet = Prenet(config)
        self.attention_rnn = nn.LSTMCell(config.prenet_dim + memory_dim, config.attention_rnn_dim)
        self.attention = LocationAttention(config)
        self.decoder_rnn = nn.LSTMCell(
            config.attention_rnn_dim + memory_dim, config.decoder_rnn_dim
        )
        out_dim = config.decoder_rnn_dim + memory_dim
        self.projection = xavier_linear(out_dim, config.n_mels * n_frames)
        self.gate = xavier_linear(out_dim, n_frames, gain="sigmoid")

    def prepare(self, values: Tensor, text_lengths: Tensor) -> Memory:
        """Encoder outputs ``(B, T_text, encoder_embedding_dim)`` -> what every step reads."""
        mask = sequence_mask(text_lengths, values.shape[1])
        bias = torch.zeros_like(mask, dtype=values.dtype).masked_fill_(~mask, float("-inf"))
        keys = self.attention.memory(values).transpose(1, 2).contiguous()
        return Memory(values, keys, bias, self.attention.location_kernel())

    def initial_state(self, memory: Memory) -> DecoderState:
        """Zeros."""
        n_batch, n_text, memory_dim = memory.values.shape
        zeros = memory.values.new_zeros
        attention = AttentionState(
            zeros(n_batch, self.config.attention_rnn_dim),
            zeros(n_batch, self.config.attention_rnn_dim),
            zeros(n_batch, memory_dim),
            zeros(n_batch, 2, n_text),
        )
        dim = self.config.decoder_rnn_dim
        return DecoderState(attention, zeros(n_batch, dim), zeros(n_batch, dim))

    def step(
        self, frame: Tensor, state: DecoderState, memory: Memory, generator: Generators = None
    ) -> tuple[Tensor, Tensor, DecoderState]:
        """One step: the last frame ``(B, n_mels)`` in, the next group of frames out.

        Returns:
            Frames ``(B, n_frames_per_step, n_mels)``, gate logits ``(B, n_frames_per_step)``, and
            the new state, whose ``attention.weights[:, 0]`` are this step's alignment.
        """
        inputs = self.prenet.step(frame, generator)
        last = state.attention
        hidden, cell = self.attention_rnn(
            torch.cat((inputs, last.context), 1), (last.hidden, last.cell)
        )
        attention = self._attend(hidden, cell, last.weights, memory)
        inputs = torch.cat((attention.hidden, attention.context), 1)
        hidden, cell = self.decoder_rnn(inputs, (state.hidden, state.cell))
        hidden = F.dropout(hidden, self.config.p_decoder_dropout, self.training)
        frames, gate_logits = self._project(hidden, attention.context)
        return frames, gate_logits, DecoderState(attention, hidden, cell)

    def forward(
        self, frames: Tensor, n_steps: int, memory: Memory
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Teacher-forced pass.

        Args:
            frames: ``(S or more, B, n_mels)``, the frame that each step sees (the first: zeros).
                All of them pass the pre-net, so that a seed draws the dropout that it draws in
                NVIDIA's implementation, which has one frame too many.
            n_steps: ``S``.
            memory: from :meth:`prepare`.

        Returns:
            Frames ``(S, B, n_frames_per_step, n_mels)``, gate logits ``(S, B, n_frames_per_step)``
            and alignments ``(S, B, T_text)``.
        """
        hidden, context, alignments = self._attention_pass(self.prenet(frames)[:n_steps], memory)
        inputs = torch.cat((hidden, context), 2)
        predicted, gate_logits = self._project(self._decoder_pass(inputs), context)
        return predicted, gate_logits, alignments

    def _attend(
        self, hidden: Tensor, cell: Tensor, weights: Tensor, memory: Memory
    ) -> AttentionState:
        hidden = F.dropout(hidden, self.config.p_attention_dropout, self.training)
        new = self.attention(hidden, memory.keys, memory.bias, memory.kernel, weights)
        context = torch.bmm(new[:, None], memory.values).squeeze(1)
        return AttentionState(hidden, cell, context, torch.stack((new, weights[:, 1] + new), 1))

    def _project(self, hidden: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        outputs = torch.cat((hidden, context), -1)
        frames = self.projection(outputs)
        shape = (*frames.shape[:-1], self.config.n_frames_per_step, self.config.n_mels)
        return frames.view(shape), self.gate(outputs)

    def _attention_pass(self, inputs: Tensor, memory: Memory) -> tuple[Tensor, Tensor, Tensor]:
        """``(S, B, prenet_dim)`` -> hidden ``(S, B, ·)``, context ``(S, B, ·)``, alignments."""
        rnn, state = self.attention_rnn, self.initial_state(memory).attention
        n_in = inputs.shape[2]
        # the pre-net's share of the gates is known for all steps: one product instead of S
        known = F.linear(inputs, rnn.weight_ih[:, :n_in], rnn.bias_ih + rnn.bias_hh)
        recurrent = torch.cat((rnn.weight_ih[:, n_in:], rnn.weight_hh), 1).t()
        states = []
        for gates in known.unbind():
            recurred = torch.cat((state.context, state.hidden), 1)
            hidden, cell = _lstm_update(torch.addmm(gates, recurred, recurrent), state.cell)
            state = self._attend(hidden, cell, state.weights, memory)
            states.append(state)
        hidden = torch.stack([s.hidden for s in states])
        context = torch.stack([s.context for s in states])
        return hidden, context, torch.stack([s.weights[:, 0] for s in states])

    def _decoder_pass(self, inputs: Tensor) -> Tensor:
        """``(S, B, attention_rnn_dim + memory)`` -> hidden states ``(S, B, decoder_rnn_dim)``."""
        rnn, dropout = self.decoder_rnn, self.config.p_decoder_dropout
        if dropout == 0.0 or not self.training:
            # nothing but the LSTM itself recurs: the library's sequence kernel is the fastest loop
            return _lstm_sequence(rnn, inputs)
        hidden = cell = inputs.new_zeros(inputs.shape[1], self.config.decoder_rnn_dim)
        known = F.linear(inputs, rnn.weight_ih, rnn.bias_ih + rnn.bias_hh)
        recurrent = rnn.weight_hh.t()
        states = []
        for gates in known.unbind():
            hidden, cell = _lstm_update(torch.addmm(gates, hidden, recurrent), cell)
            hidden = F.dropout(hidden, dropout, True)
            states.append(hidden)
        return torch.stack(states)
