"""Tacotron 2: text to log-mel spectrogram (Shen et al., 2018, arXiv 1712.05884, §2.2).

Encoder (3 convolutions, bidirectional LSTM), location-sensitive attention (Chorowski et al., 2015),
a decoder of pre-net and two LSTMs that predicts ``n_frames_per_step`` frames at a time, and a
convolutional post-net that adds a residual. Sizes, gate and dropout follow NVIDIA's
implementation, whose weights give the same output here. Deviations, each with its switch:

- padding is masked in convolutions and batch norm (``mask_convolutions=False`` lets it leak, as
  theirs does);
- the teacher-forced pass moves everything that is not recurrent out of the loop over frames, and
  has gradients of its own for the rest, and speaking on a CPU takes compiled loops
  (``recurrence="plain"`` goes step by step in torch, both times);
- the decoder may say the pitch of a frame before it draws it (``pitch_bins``);
- with a reduction factor above 1 the pre-net sees the last frame of the group, and the gate has
  one output for each frame.

Shapes: ``B`` batch, ``T_text`` symbols, ``T_mel`` frames, ``S`` decoder steps (``T_mel`` divided by
``n_frames_per_step``, rounded up). Masks are True where real.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from math import sqrt
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from tts.models.layers import ConvBlock, sequence_mask
from tts.models.tacotron2.compiled_decoder import compiled_steps
from tts.models.tacotron2.config import (
    GeneratedMel,
    PitchedOutput,
    Tacotron2Config,
    Tacotron2Output,
)
from tts.models.tacotron2.decoder import Decoder, Generators, Memory
from tts.models.tacotron2.pitch import PitchEstimator
from tts.models.tacotron2.stopping import (
    GATE_THRESHOLD,
    MAX_STEPS,
    StopCriterion,
    mask_outside_window,
)


class Encoder(nn.Module):
    """Symbol embeddings to the memory that attention reads: convolutions, then a BiLSTM."""

    def __init__(self, config: Tacotron2Config) -> None:
        super().__init__()
        width = config.encoder_embedding_dim
        inputs = [config.symbols_embedding_dim] + [width] * (config.encoder_n_convolutions - 1)
        self.convolutions = nn.ModuleList(
            ConvBlock(
                n_in,
                width,
                config.encoder_kernel_size,
                activation="relu",
                dropout=config.encoder_dropout,
            )
            for n_in in inputs
        )
        self.lstm = nn.LSTM(width, width // 2, batch_first=True, bidirectional=True)
        self.mask_convolutions = config.mask_convolutions

    def forward(self, embedded: Tensor, lengths: Tensor) -> Tensor:
        """``(B, T_text, symbols_embedding_dim)`` -> ``(B, T_text, encoder_embedding_dim)``."""
        x = embedded.transpose(1, 2)
        mask = sequence_mask(lengths, x.shape[2])[:, None] if self.mask_convolutions else None
        for block in self.convolutions:
            x = block(x, mask)
        packed = pack_padded_sequence(
            x.transpose(1, 2), lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        memory, _ = pad_packed_sequence(
            self.lstm(packed)[0], batch_first=True, total_length=embedded.shape[1]
        )
        return memory


class Postnet(nn.Module):
    """Five convolutions that predict what to add to the decoder's spectrogram (§2.2)."""

    def __init__(self, config: Tacotron2Config) -> None:
        super().__init__()
        n_layers, width = config.postnet_n_convolutions, config.postnet_embedding_dim
        dims = [config.n_mels, *[width] * (n_layers - 1), config.n_mels]
        self.convolutions = nn.ModuleList(
            ConvBlock(
                dims[i],
                dims[i + 1],
                config.postnet_kernel_size,
                activation="tanh" if i < n_layers - 1 else "linear",
                dropout=config.postnet_dropout,
            )
            for i in range(n_layers)
        )

    def forward(self, mel: Tensor, mask: Tensor | None) -> Tensor:
        """``(B, n_mels, T_mel)`` -> residual of the same shape."""
        for block in self.convolutions:
            mel = block(mel, mask)
        return mel


class Tacotron2(nn.Module):
    """The whole network: symbol ids in, log-mel spectrogram out.

    Args:
        config: sizes; NVIDIA's when omitted.
        **overrides: single fields of :class:`Tacotron2Config`, on top of ``config``.
    """

    def __init__(self, config: Tacotron2Config | None = None, **overrides: Any) -> None:
        super().__init__()
        self.config = config = replace(config or Tacotron2Config(), **overrides)
        self.embedding = nn.Embedding(config.n_symbols, config.symbols_embedding_dim)
        bound = sqrt(3.0) * sqrt(2.0 / (config.n_symbols + config.symbols_embedding_dim))
        nn.init.uniform_(self.embedding.weight, -bound, bound)
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.postnet = Postnet(config)
        if config.n_speakers > 1:
            self.speaker_embedding = nn.Embedding(config.n_speakers, config.speaker_embedding_dim)
        if config.pitch_bins:
            self.pitch_estimator = PitchEstimator(config)

    def forward(
        self,
        text: Tensor,
        text_lengths: Tensor,
        mel: Tensor,
        mel_lengths: Tensor,
        speakers: Tensor | None = None,
    ) -> Tacotron2Output | PitchedOutput:
        """Predict every frame from the true frames before it.

        Args:
            text: ``(B, T_text)`` symbol ids, padded with anything valid.
            text_lengths: ``(B,)``, in any order.
            mel: ``(B, n_mels, T_mel)`` the target.
            mel_lengths: ``(B,)``.
            speakers: ``(B,)``, or ``(1,)`` for all; see :meth:`encode`.

        Returns:
            See :class:`Tacotron2Output`; with ``pitch_bins``, :class:`PitchedOutput`.
        """
        memory = self.encode(text, text_lengths, speakers)
        n_steps = -(-mel.shape[2] // self.config.n_frames_per_step)
        given = self._teacher_frames(mel)
        shape: dict[str, Any] = {"lengths": mel_lengths, "n_frames": mel.shape[2]}
        if not self.config.pitch_bins:
            return self._assemble(*self.decoder(given, n_steps, memory), **shape)
        pitch = self.pitch_estimator(mel, sequence_mask(mel_lengths, mel.shape[2]))
        codes = self._by_steps(pitch, n_steps)
        *predicted, logits = self.decoder(given, n_steps, memory, codes)
        logits = logits.transpose(0, 1).flatten(1, 2)[:, : mel.shape[2]]
        return PitchedOutput(*self._assemble(*predicted, **shape), logits, pitch)

    @torch.inference_mode()
    def generate(
        self,
        text: Tensor,
        text_lengths: Tensor,
        *,
        max_steps: int = MAX_STEPS,
        gate_threshold: float = GATE_THRESHOLD,
        generator: Generators = None,
        speakers: Tensor | None = None,
        attention_window: int | None = None,
        end_steps: int | None = None,
    ) -> GeneratedMel:
        """Speak: every frame is predicted from the predicted frames before it.

        Args:
            text: ``(B, T_text)`` symbol ids.
            text_lengths: ``(B,)``, in any order; results keep it.
            max_steps: decoder steps after which an utterance is given up.
            gate_threshold: probability at which the gate ends an utterance.
            generator: seeds the pre-net's dropout; one for the whole batch (every utterance sees
                the same masks, alone or in company), or one for each utterance.
            speakers: ``(B,)``, or ``(1,)`` for all; see :meth:`encode`.
            attention_window: the attention of a step sees the symbols at most so far from where
                it was strongest in the step before; None lets it see all.
            end_steps: end an utterance whose attention was strongest at its last symbol for so
                many steps; None leaves that to the gate.

        Returns:
            See :class:`GeneratedMel`.

        Raises:
            ValueError: ``max_steps``, ``attention_window`` or ``end_steps`` below 1, or a number
                of generators that is not ``B``.
        """
        limits = {"attention_window": attention_window, "end_steps": end_steps}
        for name, value in {"max_steps": max_steps, **limits}.items():
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
        if isinstance(generator, Sequence) and len(generator) != len(text):
            raise ValueError(f"{len(generator)} generators for {len(text)} utterances")
        memory = self.encode(text, text_lengths, speakers)
        criterion = StopCriterion(text_lengths, gate_threshold, end_steps)
        steps = zip(
            *self.steps(memory, max_steps, criterion, generator, attention_window), strict=True
        )
        frames, gates, alignments = (torch.stack(parts) for parts in steps)
        lengths, reasons = criterion.result(len(frames) * self.config.n_frames_per_step)
        out = self._assemble(frames, gates, alignments, lengths, int(lengths.max()))
        return GeneratedMel(out.mel_post, lengths, out.gate_logits, out.alignments, reasons)

    def encode(self, text: Tensor, text_lengths: Tensor, speakers: Tensor | None = None) -> Memory:
        """What the decoder reads.

        Args:
            text: ``(B, T_text)`` symbol ids.
            text_lengths: ``(B,)``.
            speakers: ``(B,)`` or ``(1,)`` numbers below ``n_speakers``, int64; of no use to a
                network with one speaker.

        Raises:
            ValueError: the network has several speakers, and none is named.
        """
        values = self.encoder(self.embedding(text), text_lengths)
        if self.config.n_speakers > 1:
            if speakers is None:
                raise ValueError(f"speakers: say which of {self.config.n_speakers} speak")
            embedded = self.speaker_embedding(speakers.to(text.device))[:, None]
            values = torch.cat((values, embedded.expand(*values.shape[:2], -1).to(values)), 2)
        return self.decoder.prepare(values, text_lengths)

    def _teacher_frames(self, mel: Tensor) -> Tensor:
        """``(B, n_mels, T_mel)`` -> ``(S or S + 1, B, n_mels)``: zeros, each group's last frame."""
        r = self.config.n_frames_per_step
        first, last = mel.new_zeros(*mel.shape[:2], 1), mel[:, :, r - 1 :: r]
        last = (last - self.config.mel_mean) / self.config.mel_std
        return torch.cat((first, last), 2).permute(2, 0, 1)

    def _by_steps(self, pitch: Tensor, n_steps: int) -> Tensor:
        """Codes ``(B, T_mel, ·)`` -> ``(S, B, r, ·)``, zeros beyond the last frame."""
        r = self.config.n_frames_per_step
        padded = F.pad(pitch, (0, 0, 0, n_steps * r - pitch.shape[1]))
        return padded.view(len(pitch), n_steps, r, -1).transpose(0, 1)

    def steps(
        self,
        memory: Memory,
        max_steps: int,
        criterion: StopCriterion,
        generator: Generators,
        attention_window: int | None,
    ) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Decode until all have ended: frames, gate logits and alignment of each step.

        Yields:
            ``(B, n_frames_per_step, n_mels)`` before the post-net, ``(B, n_frames_per_step)``,
            ``(B, T_text)``.
        """
        walk = compiled_steps(self.decoder, memory, generator, attention_window)
        if walk is None:
            walk = self._plain_steps(memory, generator, attention_window)
        for frames, gate, weights in islice(walk, max_steps):
            criterion.update(gate, weights)
            yield frames, gate, weights
            if criterion.all_stopped:
                return

    def _plain_steps(
        self, memory: Memory, generator: Generators, attention_window: int | None
    ) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """As :meth:`steps`, without an end; the definition of :func:`compiled_steps`."""
        state = self.decoder.initial_state(memory)
        frame = memory.values.new_zeros(len(memory.values), self.config.n_mels)
        while True:
            seen = memory
            if attention_window is not None:
                weights = state.attention.weights[:, 0]
                seen = memory._replace(
                    bias=mask_outside_window(memory.bias, weights, attention_window)
                )
            frames, gate, state = self.decoder.step(frame, state, seen, generator)
            frame = frames[:, -1]
            yield frames, gate, state.attention.weights[:, 0]

    def _assemble(
        self, frames: Tensor, gates: Tensor, alignments: Tensor, lengths: Tensor, n_frames: int
    ) -> Tacotron2Output:
        """Steps ``(S, B, ...)`` -> utterances ``(B, ..., T_mel)``, with the post-net."""
        r = self.config.n_frames_per_step
        mel = frames.permute(1, 3, 0, 2).flatten(2)[:, :, :n_frames]
        gate_logits = gates.permute(1, 0, 2).flatten(1)[:, :n_frames]
        alignments = alignments.transpose(0, 1)
        if r > 1:
            alignments = alignments.repeat_interleave(r, 1)[:, :n_frames]
        mask = sequence_mask(lengths, n_frames)
        mel_post = mel + self.postnet(mel, mask[:, None] if self.config.mask_convolutions else None)
        mean, std = self.config.mel_mean, self.config.mel_std
        return Tacotron2Output(
            (mel * std + mean).masked_fill(~mask[:, None], 0.0),
            (mel_post * std + mean).masked_fill(~mask[:, None], 0.0),
            gate_logits.masked_fill(~mask, 1e3),
            alignments,
        )
