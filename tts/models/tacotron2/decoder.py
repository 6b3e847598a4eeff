"""Defines the decoder of Tacotron 2: pre-net, attention LSTM, attention, decoder LSTM, projections.

Source: Shen et al., 2018, §2.2. :meth:`Decoder.advance` defines one step. In training all frames
are known, and :meth:`Decoder.forward` computes all steps: one after the other with
``recurrence="plain"``, and otherwise with only the true recurrences in a loop
(:mod:`tts.models.kernels`). In generation :meth:`Decoder.step` defines a step. The same is computed
on a CPU by compiled loops (:mod:`tts.models.tacotron2.compiled_decoder`), and on a GPU with few
kernels (:mod:`tts.models.tacotron2.stepped_decoder`). The recurrent state is a value that goes in
and comes out.

Shapes: ``B`` batch, ``T_text`` symbols, ``S`` decoder steps (``T_mel`` divided by
``n_frames_per_step``, rounded up).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from tts.models.kernels.activations import dropout_factors, dropout_mask
from tts.models.kernels.attention_recurrence import AttentionRecurrence
from tts.models.kernels.by_device import apply_recurrence, library_lstm
from tts.models.kernels.lstm_recurrence import LstmRecurrence
from tts.models.kernels.lstm_steps import SteppedLstm
from tts.models.kernels.products import dense
from tts.models.kernels.runner import Runner, round_up
from tts.models.kernels.stepped_attention import SteppedAttention
from tts.models.layers import sequence_mask, xavier_linear
from tts.models.tacotron2.attention import AttentionState, LocationAttention, Memory
from tts.models.tacotron2.config import Tacotron2Config
from tts.models.tacotron2.pitch import PitchHead
from tts.models.tacotron2.prenet import Generators, Prenet
from tts.models.tacotron2.prenet_dropout import FactorsAhead


class DecoderState(NamedTuple):
    """Holds everything that one step of the decoder passes to the next."""

    attention: AttentionState
    hidden: Tensor  # (B, decoder_rnn_dim)
    cell: Tensor  # (B, decoder_rnn_dim)
    pitch: Tensor | None = None  # (B, pitch_bins + 1), the pitch code of the last frame


class StepDropout(NamedTuple):
    """Holds the dropout factors of both LSTMs' hidden states.

    They are ``(S, B, ·)`` for all steps or ``(B, ·)`` for one step; None means no dropout.
    """

    attention: Tensor | None = None
    decoder: Tensor | None = None

    def at(self, t: int) -> StepDropout:
        """Return the factors of step ``t``."""
        return StepDropout(*(None if part is None else part[t] for part in self))


class Decoder(nn.Module):
    """Predicts frames and gate logits from the encoder output and the frames before (§2.2).

    Args:
        config: sizes of the network.
    """

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
        self.runner = Runner(config.runner)

    def prepare(self, values: Tensor, text_lengths: Tensor) -> Memory:
        """Compute once what every step reads.

        Args:
            values: ``(B, T_text, memory_dim)`` encoder outputs, with speakers if there are any.
            text_lengths: ``(B,)``.
        """
        mask = sequence_mask(text_lengths, values.shape[1])
        bias = torch.zeros_like(mask, dtype=values.dtype).masked_fill_(~mask, float("-inf"))
        keys = dense(self.attention.memory, values).transpose(1, 2).contiguous()
        return Memory(values, keys, bias, self.attention.location_kernel())

    def initial_state(self, memory: Memory) -> DecoderState:
        """Return the all-zero state of the decoder for the batch of ``memory``."""
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
        self,
        frame: Tensor,
        state: DecoderState,
        memory: Memory,
        generator: Generators | FactorsAhead = None,
    ) -> tuple[Tensor, Tensor, DecoderState]:
        """Compute one step of generation.

        Args:
            frame: ``(B, n_mels)`` the last frame.
            state: from :meth:`initial_state` or the step before.
            memory: from :meth:`prepare`.
            generator: source of the pre-net's dropout.

        Returns:
            See :meth:`advance`.
        """
        return self.advance(self.prenet.step(frame, generator), state, memory)

    def advance(
        self,
        inputs: Tensor,
        state: DecoderState,
        memory: Memory,
        dropout: StepDropout = StepDropout(),  # noqa: B008  immutable
    ) -> tuple[Tensor, Tensor, DecoderState]:
        """Compute one step from the pre-net's output.

        A network with pitch predicts its frames for the most probable pitch.

        Args:
            inputs: ``(B, prenet_dim)``, the last frame after the pre-net.
            state: from :meth:`initial_state` or the step before.
            memory: from :meth:`prepare`.
            dropout: factors of this step.

        Returns:
            Frames ``(B, n_frames_per_step, n_mels)``, gate logits ``(B, n_frames_per_step)``, and
            the new state, whose ``attention.weights[:, 0]`` are the alignment of this step.
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
        """Compute one step up to the projections.

        Arguments are those of :meth:`advance`.

        Returns:
            ``(B, decoder_rnn_dim + memory_dim)`` outputs and the new state.
        """
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
        """Compute all steps of the teacher-forced pass.

        Args:
            frames: ``(S or more, B, n_mels)``, the input frame of each step; the first is zeros.
                All of them go through the pre-net, because NVIDIA's implementation passes one frame
                too many, and a seed must draw the same dropout here as there.
            n_steps: ``S``.
            memory: from :meth:`prepare`.
            codes: ``(S, B, n_frames_per_step, pitch_bins + 1)``, the true pitch of each frame, for
                a network with pitch.

        Returns:
            Frames ``(S, B, n_frames_per_step, n_mels)``, gate logits ``(S, B, n_frames_per_step)``,
            alignments ``(S, B, T_text)``, and, if ``codes`` are given, pitch logits of their shape.
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
        """Return what each step's input gets from the pitch before it.

        In training a random part of the steps gets nothing. Otherwise the decoder would continue
        the last pitch and would not learn to follow the text.

        Args:
            codes: ``(S, B, n_frames_per_step, pitch_bins + 1)`` of the true pitch.

        Returns:
            ``(S, B, prenet_dim)``.
        """
        last = torch.cat((torch.zeros_like(codes[:1, :, -1]), codes[:-1, :, -1]))
        rate = self.config.pitch_dropout if self.training else 0.0
        kept, _ = dropout_mask((*last.shape[:2], 1), rate, last.device)
        return self.pitch.prenet_input(last * kept)

    def _by_recurrences(
        self, inputs: Tensor, memory: Memory, dropout: StepDropout
    ) -> tuple[Tensor, Tensor]:
        """Compute all steps with only the true recurrences in a loop.

        Args:
            inputs: ``(S, B, prenet_dim)``.
            memory: from :meth:`prepare`.
            dropout: factors of all steps.

        Returns:
            Outputs ``(S, B, decoder_rnn_dim + memory_dim)`` and alignments ``(S, B, T_text)``.
        """
        states, alignments = self._attention_pass(inputs, memory, dropout.attention)
        hidden = self._decoder_pass(states, dropout.decoder)
        context = states[..., self.config.attention_rnn_dim :]
        return torch.cat((hidden, context), 2), alignments

    def _step_by_step(
        self, inputs: Tensor, memory: Memory, dropout: StepDropout
    ) -> tuple[Tensor, Tensor]:
        """Compute what :meth:`_by_recurrences` computes by the definition, one step at a time."""
        # the inputs already contain the true pitches
        state, steps = self.initial_state(memory)._replace(pitch=None), []
        for t, step_inputs in enumerate(inputs):
            outputs, state = self._recur(step_inputs, state, memory, dropout.at(t))
            steps.append((outputs, state.attention.weights[:, 0]))
        outputs, alignments = (torch.stack(part) for part in zip(*steps, strict=True))
        return outputs, alignments

    def _draw_dropout(self, inputs: Tensor) -> StepDropout:
        """Draw the factors of all steps for inputs ``(S, B, ·)``.

        They are drawn at once, so that both ways to compute a sequence get the same factors.
        """

        def draw(rate: float, n_hidden: int) -> Tensor | None:
            if rate == 0.0 or not self.training:
                return None
            return dropout_factors(inputs, (*inputs.shape[:2], n_hidden), rate)

        return StepDropout(
            draw(self.config.p_attention_dropout, self.config.attention_rnn_dim),
            draw(self.config.p_decoder_dropout, self.config.decoder_rnn_dim),
        )

    def _project(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Map outputs ``(..., decoder_rnn_dim + memory_dim)`` to frames and gate logits.

        Returns:
            ``(..., n_frames_per_step, n_mels)`` and ``(..., n_frames_per_step)``.
        """
        frames = dense(self.projection, outputs)
        shape = (*frames.shape[:-1], self.config.n_frames_per_step, self.config.n_mels)
        return frames.view(shape), dense(self.gate, outputs)

    def _attention_pass(
        self, inputs: Tensor, memory: Memory, dropout: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Run the attention LSTM and the attention over all steps.

        Args:
            inputs: ``(S, B, prenet_dim)``.
            memory: from :meth:`prepare`.
            dropout: ``(S, B, attention_rnn_dim)`` or None.

        Returns:
            ``(S, B, attention_rnn_dim + memory_dim)``, hidden states and contexts next to each
            other, and alignments ``(S, B, T_text)``.
        """
        rnn, attention = self.attention_rnn, self.attention
        n_text = memory.values.shape[1]
        if self.runner.uses_graphs(inputs.device):
            memory = memory.padded_to(round_up(n_text))
        states, alignments = apply_recurrence(
            AttentionRecurrence,
            SteppedAttention,
            self.runner,
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
        return states, alignments[:, :, :n_text]

    def _decoder_pass(self, inputs: Tensor, dropout: Tensor | None) -> Tensor:
        """Run the decoder LSTM over all steps.

        Args:
            inputs: ``(S, B, attention_rnn_dim + memory_dim)``.
            dropout: ``(S, B, decoder_rnn_dim)`` or None.

        Returns:
            Hidden states ``(S, B, decoder_rnn_dim)``.
        """
        rnn = self.decoder_rnn
        if dropout is None and inputs.device.type != "cpu":
            # a plain LSTM remains, and the GPU library has the fastest loop for it
            return library_lstm(rnn, inputs)
        weights = rnn.weight_ih, rnn.weight_hh, rnn.bias_ih + rnn.bias_hh
        hidden: Tensor = apply_recurrence(
            LstmRecurrence, SteppedLstm, self.runner, inputs, *weights, dropout
        )
        return hidden
