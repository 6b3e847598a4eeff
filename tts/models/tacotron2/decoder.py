"""Decoder of Tacotron 2 (Shen et al., 2018, §2.2): pre-net, location-sensitive attention, LSTMs.

:meth:`Decoder.advance` is the definition, one step at a time. When all frames are given,
:meth:`Decoder.forward` walks it step by step with ``recurrence="plain"``, and otherwise computes
the same with only the true recurrences in a loop (:mod:`tts.models.kernels.recurrence`). What
:meth:`Decoder.step` says may be done in compiled loops on a CPU
(:mod:`tts.models.tacotron2.compiled_decoder`). State is a value that goes in and comes out.

Shapes: ``B`` batch, ``T_text`` symbols, ``S`` decoder steps (``T_mel`` divided by
``n_frames_per_step``, rounded up).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tts.models.kernels.activations import dropout_factors, dropout_mask
from tts.models.kernels.products import dense
from tts.models.kernels.recurrence import AttentionRecurrence, LstmRecurrence
from tts.models.layers import sequence_mask, xavier_conv, xavier_linear
from tts.models.tacotron2.config import Tacotron2Config
from tts.models.tacotron2.pitch import PitchHead

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
            frames = F.dropout(F.relu(dense(layer, frames)), p=self.dropout, training=True)
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
        self.memory = xavier_linear(config.memory_dim, dim, bias=False, gain="tanh")
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

    values: Tensor  # (B, T_text, memory_dim)
    keys: Tensor  # (B, attention_dim, T_text)
    bias: Tensor  # (B, T_text): 0 or minus infinity
    kernel: Tensor  # (attention_dim, 2, attention_location_kernel_size)


class AttentionState(NamedTuple):
    """Recurrent state of the attention LSTM and of the attention itself."""

    hidden: Tensor  # (B, attention_rnn_dim)
    cell: Tensor  # (B, attention_rnn_dim)
    context: Tensor  # (B, memory_dim)
    weights: Tensor  # (B, 2, T_text): the last and the accumulated


class DecoderState(NamedTuple):
    """All that one step of the decoder hands to the next."""

    attention: AttentionState
    hidden: Tensor  # (B, decoder_rnn_dim)
    cell: Tensor  # (B, decoder_rnn_dim)
    pitch: Tensor | None = None  # (B, pitch_bins + 1), the code of the last frame


class StepDropout(NamedTuple):
    """Factors of both LSTMs' hidden states, for all steps ``(S, B, ·)`` or one; None: untouched."""

    attention: Tensor | None = None
    decoder: Tensor | None = None

    def at(self, t: int) -> StepDropout:
        """The factors of one step."""
        return StepDropout(*(None if part is None else part[t] for part in self))


class Decoder(nn.Module):
    """Pre-net, attention LSTM, attention, decoder LSTM, and the projections to frames and gate."""

    def __init__(self, config: Tacotron2Config) -> None:
        super().__init__()
        self.config = config
        n_frames, memory_dim = config.n_frames_per_step, config.memory_dim
        self.prenet = Prenet(config)
        self.attention_rnn = nn.LSTMCell(config.prenet_dim + memory_dim, config.attention_rnn_dim)
        self.attention = LocationAttention(config)
        self.decoder_rnn = nn.LSTMCell(
            config.attention_rnn_dim + memory_dim, config.decoder_rnn_dim
        )
        out_dim = config.decoder_rnn_dim + memory_dim
        self.projection = xavier_linear(out_dim, config.n_mels * n_frames)
        self.gate = xavier_linear(out_dim, n_frames, gain="sigmoid")
        if config.pitch_bins:
            self.pitch = PitchHead(config)

    def prepare(self, values: Tensor, text_lengths: Tensor) -> Memory:
        """What attention reads, ``(B, T_text, memory_dim)`` -> what every step reads."""
        mask = sequence_mask(text_lengths, values.shape[1])
        bias = torch.zeros_like(mask, dtype=values.dtype).masked_fill_(~mask, float("-inf"))
        keys = dense(self.attention.memory, values).transpose(1, 2).contiguous()
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
        dim, n_bins = self.config.decoder_rnn_dim, self.config.pitch_bins
        pitch = zeros(n_batch, n_bins + 1) if n_bins else None
        return DecoderState(attention, zeros(n_batch, dim), zeros(n_batch, dim), pitch)

    def step(
        self, frame: Tensor, state: DecoderState, memory: Memory, generator: Generators = None
    ) -> tuple[Tensor, Tensor, DecoderState]:
        """One step of speaking: the last frame ``(B, n_mels)`` in, the next group of frames out.

        Returns:
            As :meth:`advance`.
        """
        return self.advance(self.prenet.step(frame, generator), state, memory)

    def advance(
        self,
        inputs: Tensor,
        state: DecoderState,
        memory: Memory,
        dropout: StepDropout = StepDropout(),  # noqa: B008  immutable
    ) -> tuple[Tensor, Tensor, DecoderState]:
        """What happens at every step: ``inputs`` ``(B, prenet_dim)`` is the last frame's.

        A network that tells the pitch draws its frames for the most probable one.

        Returns:
            Frames ``(B, n_frames_per_step, n_mels)``, gate logits ``(B, n_frames_per_step)``, and
            the new state, whose ``attention.weights[:, 0]`` are this step's alignment.
        """
        outputs, state = self._recur(inputs, state, memory, dropout)
        frames, gate_logits = self._project(outputs)
        if state.pitch is not None:
            codes = self.pitch.best_code(self.pitch.pitch_logits(outputs))
            frames = frames + self.pitch.frame_offset(outputs, codes)
            state = state._replace(pitch=codes[:, -1])
        return frames, gate_logits, state

    def _recur(
        self, inputs: Tensor, state: DecoderState, memory: Memory, dropout: StepDropout
    ) -> tuple[Tensor, DecoderState]:
        """One step up to the projections: ``(B, decoder_rnn_dim + memory)`` and the new state."""
        last = state.attention
        if state.pitch is not None:
            inputs = inputs + self.pitch.prenet_input(state.pitch)
        inputs = torch.cat((inputs, last.context), 1)
        hidden, cell = self.attention_rnn(inputs, (last.hidden, last.cell))
        hidden = hidden if dropout.attention is None else hidden * dropout.attention
        weights = self.attention(hidden, memory.keys, memory.bias, memory.kernel, last.weights)
        context = torch.bmm(weights[:, None], memory.values).squeeze(1)
        weights = torch.stack((weights, last.weights[:, 1] + weights), 1)
        attention = AttentionState(hidden, cell, context, weights)
        inputs = torch.cat((hidden, context), 1)
        hidden, cell = self.decoder_rnn(inputs, (state.hidden, state.cell))
        hidden = hidden if dropout.decoder is None else hidden * dropout.decoder
        return torch.cat((hidden, context), 1), DecoderState(attention, hidden, cell, state.pitch)

    def forward(
        self, frames: Tensor, n_steps: int, memory: Memory, codes: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """Teacher-forced pass.

        Args:
            frames: ``(S or more, B, n_mels)``, the frame that each step sees (the first: zeros).
                All of them pass the pre-net, so that a seed draws the dropout that it draws in
                NVIDIA's implementation, which has one frame too many.
            n_steps: ``S``.
            memory: from :meth:`prepare`.
            codes: ``(S, B, n_frames_per_step, pitch_bins + 1)``, the true pitch of each frame, for
                a network that tells it.

        Returns:
            Frames ``(S, B, n_frames_per_step, n_mels)``, gate logits ``(S, B, n_frames_per_step)``,
            alignments ``(S, B, T_text)``, and with ``codes`` the logits of the pitch, of their
            shape.
        """
        inputs = self.prenet(frames)[:n_steps]
        if codes is not None:
            inputs = inputs + self._last_pitches(codes)
        dropout = self._draw_dropout(inputs)
        passes = self._step_by_step if self.config.recurrence == "plain" else self._by_recurrences
        outputs, alignments = passes(inputs, memory, dropout)
        predicted, gate_logits = self._project(outputs)
        if codes is None:
            return predicted, gate_logits, alignments
        predicted = predicted + self.pitch.frame_offset(outputs, codes)
        return predicted, gate_logits, alignments, self.pitch.pitch_logits(outputs)

    def _last_pitches(self, codes: Tensor) -> Tensor:
        """What each step sees of the pitch before it, ``(S, B, prenet_dim)``; some see none."""
        last = torch.cat((torch.zeros_like(codes[:1, :, -1]), codes[:-1, :, -1]))
        # or the decoder would carry on the last pitch, and not listen to the text
        rate = self.config.pitch_dropout if self.training else 0.0
        kept, _ = dropout_mask((*last.shape[:2], 1), rate, last.device)
        seen: Tensor = self.pitch.prenet_input(last * kept)
        return seen

    def _by_recurrences(
        self, inputs: Tensor, memory: Memory, dropout: StepDropout
    ) -> tuple[Tensor, Tensor]:
        """Outputs ``(S, B, decoder_rnn_dim + memory)`` and alignments, with the fast loops."""
        states, alignments = self._attention_pass(inputs, memory, dropout.attention)
        hidden = self._decoder_pass(states, dropout.decoder)
        context = states[..., self.config.attention_rnn_dim :]
        return torch.cat((hidden, context), 2), alignments

    def _step_by_step(
        self, inputs: Tensor, memory: Memory, dropout: StepDropout
    ) -> tuple[Tensor, Tensor]:
        """The same as the steps are defined."""
        # the inputs hold the true pitches already
        state, steps = self.initial_state(memory)._replace(pitch=None), []
        for t, given in enumerate(inputs):
            outputs, state = self._recur(given, state, memory, dropout.at(t))
            steps.append((outputs, state.attention.weights[:, 0]))
        outputs, alignments = (torch.stack(part) for part in zip(*steps, strict=True))
        return outputs, alignments

    def _draw_dropout(self, inputs: Tensor) -> StepDropout:
        """The masks of a whole sequence at once, so that both ways of computing it share them."""

        def draw(rate: float, n_hidden: int) -> Tensor | None:
            if rate == 0.0 or not self.training:
                return None
            return dropout_factors(inputs, (*inputs.shape[:2], n_hidden), rate)

        return StepDropout(
            draw(self.config.p_attention_dropout, self.config.attention_rnn_dim),
            draw(self.config.p_decoder_dropout, self.config.decoder_rnn_dim),
        )

    def _project(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """``(..., decoder_rnn_dim + memory)`` -> groups of frames, gate logits."""
        frames = dense(self.projection, outputs)
        shape = (*frames.shape[:-1], self.config.n_frames_per_step, self.config.n_mels)
        return frames.view(shape), dense(self.gate, outputs)

    def _attention_pass(
        self, inputs: Tensor, memory: Memory, dropout: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """``(S, B, prenet_dim)`` -> hidden state and context ``(S, B, ·)``, alignments."""
        rnn, attention = self.attention_rnn, self.attention
        states, alignments = _apply(
            AttentionRecurrence,
            inputs,
            rnn.weight_ih,
            rnn.weight_hh,
            rnn.bias_ih + rnn.bias_hh,
            attention.query.weight,
            memory.keys.transpose(1, 2).contiguous(),
            memory.bias,
            memory.kernel,
            attention.score.weight.squeeze(0),
            memory.values,
            dropout,
        )
        return states, alignments

    def _decoder_pass(self, inputs: Tensor, dropout: Tensor | None) -> Tensor:
        """``(S, B, attention_rnn_dim + memory)`` -> hidden states ``(S, B, decoder_rnn_dim)``."""
        rnn = self.decoder_rnn
        if dropout is None and inputs.device.type != "cpu":
            # nothing but the LSTM itself recurs, and the library's kernel is the fastest loop
            return _library_lstm(rnn, inputs)
        bias = rnn.bias_ih + rnn.bias_hh
        hidden: Tensor = _apply(LstmRecurrence, inputs, rnn.weight_ih, rnn.weight_hh, bias, dropout)
        return hidden


def _apply(function: type[torch.autograd.Function], *tensors: Tensor | None) -> Any:
    """Call a recurrence; under autocast in its precision, as a matrix product would be."""
    device = next(t.device.type for t in tensors if t is not None)
    if not torch.is_autocast_enabled(device):
        return function.apply(*tensors)  # type: ignore[no-untyped-call]
    dtype = torch.get_autocast_dtype(device)
    with torch.autocast(device, enabled=False):
        low = (None if t is None else t.to(dtype) for t in tensors)
        return function.apply(*low)  # type: ignore[no-untyped-call]


def _library_lstm(cell: nn.LSTMCell, inputs: Tensor) -> Tensor:
    """All steps of an LSTM from a zero state: ``(S, B, input_size)`` -> ``(S, B, hidden_size)``."""
    state = inputs.new_zeros(1, inputs.shape[1], cell.hidden_size)
    weights = [cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh]
    return torch.lstm(inputs, [state, state], weights, True, 1, 0.0, True, False, False)[0]
