"""Defines Tacotron 2, which turns text into log-mel spectrograms.

Source: Shen et al., 2018, arXiv 1712.05884, §2.2. The network has an encoder (3 convolutions and a
bidirectional LSTM), location-sensitive attention (Chorowski et al., 2015), a decoder of a pre-net
and two LSTMs that predicts ``n_frames_per_step`` frames in each step, and a convolutional post-net
that adds a residual. Sizes, gate and dropout follow NVIDIA's implementation. The same weights give
the same output in both. The differences, each with its option, are:

- Padding is masked in convolutions and batch norm. With ``mask_convolutions=False`` it leaks, as
  in NVIDIA's implementation.
- In the teacher-forced pass only the true recurrences run in a loop over frames, with gradients
  written by hand. In generation the decoder uses compiled loops on a CPU, and computes a few steps
  at once on a GPU. With ``recurrence="plain"`` all run step by step in torch.
- The decoder can predict the pitch of a frame before the frame (``pitch_bins``).
- With ``n_frames_per_step`` above 1 the pre-net gets the last frame of the group, and the gate has
  one output for each frame.

Shapes: ``B`` batch, ``T_text`` symbols, ``T_mel`` frames, ``S`` decoder steps (``T_mel`` divided by
``n_frames_per_step``, rounded up). Masks are True where real.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from math import sqrt
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tts.models.layers import sequence_mask
from tts.models.tacotron2.attention import Memory
from tts.models.tacotron2.compiled_decoder import compiled_steps
from tts.models.tacotron2.config import (
    GeneratedMel,
    PitchedOutput,
    Tacotron2Config,
    Tacotron2Output,
)
from tts.models.tacotron2.decoder import Decoder
from tts.models.tacotron2.encoder import Encoder
from tts.models.tacotron2.pitch import PitchEstimator
from tts.models.tacotron2.postnet import Postnet
from tts.models.tacotron2.prenet import Generators
from tts.models.tacotron2.prenet_dropout import FactorsAhead
from tts.models.tacotron2.stepped_decoder import can_step, stepped_steps
from tts.models.tacotron2.stopping import (
    GATE_THRESHOLD,
    MAX_STEPS,
    STEPS_PER_LOOK,
    GivenUp,
    StopCriterion,
    mask_outside_window,
)


class Tacotron2(nn.Module):
    """Predicts log-mel spectrograms from symbol ids.

    Args:
        config: sizes; NVIDIA's when omitted.
        **overrides: fields of :class:`Tacotron2Config` that replace those of ``config``.
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
        """Predict every frame from the true frames before it (teacher forcing).

        Args:
            text: ``(B, T_text)`` symbol ids, padded with any valid id.
            text_lengths: ``(B,)``, in any order.
            mel: ``(B, n_mels, T_mel)`` target.
            mel_lengths: ``(B,)`` numbers of frames.
            speakers: ``(B,)``, or ``(1,)`` for one speaker; see :meth:`encode`.

        Returns:
            See :class:`Tacotron2Output`; with ``pitch_bins``, :class:`PitchedOutput`.
        """
        memory = self.encode(text, text_lengths, speakers)
        n_steps = -(-mel.shape[2] // self.config.n_frames_per_step)
        inputs = self._teacher_frames(mel)
        shape: dict[str, Any] = {"lengths": mel_lengths, "n_frames": mel.shape[2]}
        if not self.config.pitch_bins:
            return self._assemble(*self.decoder(inputs, n_steps, memory), **shape)
        pitch = self.pitch_estimator(mel, sequence_mask(mel_lengths, mel.shape[2]))
        codes = self._group_by_steps(pitch, n_steps)
        *predicted, logits = self.decoder(inputs, n_steps, memory, codes)
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
        given_up: GivenUp | None = None,
    ) -> GeneratedMel:
        """Predict every frame from the predicted frames before it (free-running decoding).

        Args:
            text: ``(B, T_text)`` symbol ids.
            text_lengths: ``(B,)``, in any order; the results have the same order.
            max_steps: decoder steps after which an utterance is cut off.
            gate_threshold: probability of the gate above which an utterance ends.
            generator: source of the pre-net's dropout. With one generator for the batch every
                utterance gets the same masks, alone or in a batch; there can also be one for each
                utterance.
            speakers: ``(B,)``, or ``(1,)`` for one speaker; see :meth:`encode`.
            attention_window: the attention of a step is limited to symbols at most this far from
                the symbol where it was strongest in the step before; None means no limit.
            end_steps: end an utterance after its attention was strongest at the last symbol for
                this many steps; None leaves the end to the gate.
            given_up: called after each step (on a GPU after every ``STEPS_PER_LOOK`` steps), tells
                for each utterance whether nobody waits for it any more. It ends there.

        Returns:
            See :class:`GeneratedMel`.

        Raises:
            ValueError: ``max_steps``, ``attention_window`` or ``end_steps`` is below 1, or there
                are several generators, but not ``B``.
        """
        limits = {"attention_window": attention_window, "end_steps": end_steps}
        for name, value in {"max_steps": max_steps, **limits}.items():
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
        if isinstance(generator, Sequence) and len(generator) != len(text):
            raise ValueError(
                f"{len(generator)} generators for {len(text)} utterances: give one generator for "
                "each utterance, or one that is not in a list"
            )
        memory = self._encode_for_speaking(text, text_lengths, speakers)
        criterion = StopCriterion(text_lengths, gate_threshold, end_steps, given_up)
        steps = zip(
            *self.steps(memory, max_steps, criterion, generator, attention_window), strict=True
        )
        frames, gates, alignments = (torch.stack(parts) for parts in steps)
        n_frames = len(frames) * self.config.n_frames_per_step
        lengths, reasons = criterion.result(n_frames)
        longest = criterion.longest(n_frames)
        out = self._assemble(frames, gates, alignments, lengths, longest, self._residual_alone)
        return GeneratedMel(out.mel_post, lengths, out.gate_logits, out.alignments, reasons)

    def encode(self, text: Tensor, text_lengths: Tensor, speakers: Tensor | None = None) -> Memory:
        """Encode texts into what the decoder reads.

        Args:
            text: ``(B, T_text)`` symbol ids.
            text_lengths: ``(B,)`` numbers of symbols.
            speakers: ``(B,)`` or ``(1,)`` numbers below ``n_speakers``, int64; a network with one
                speaker ignores them.

        Raises:
            ValueError: the network has several speakers, and ``speakers`` is None.
        """
        values = self.encoder(self.embedding(text), text_lengths)
        if self.config.n_speakers > 1:
            if speakers is None:
                raise ValueError(
                    f"speakers: the network has {self.config.n_speakers} speakers, "
                    "so give the number of one for each utterance"
                )
            embedded = self.speaker_embedding(speakers.to(text.device))[:, None]
            values = torch.cat((values, embedded.expand(*values.shape[:2], -1).to(values)), 2)
        return self.decoder.prepare(values, text_lengths)

    def _encode_for_speaking(
        self, text: Tensor, text_lengths: Tensor, speakers: Tensor | None
    ) -> Memory:
        """Encode texts so that on a CPU the last digits do not depend on the other texts."""
        if text.device.type != "cpu" or len(text) == 1:
            return self.encode(text, text_lengths, speakers)
        memories = []
        for row, length in enumerate(text_lengths.tolist()):
            who = speakers if speakers is None or len(speakers) == 1 else speakers[row : row + 1]
            here = slice(row, row + 1)
            memories.append(self.encode(text[here, :length], text_lengths[here], who))
        return Memory.joined(memories)

    def _teacher_frames(self, mel: Tensor) -> Tensor:
        """Return the input frame of each step: zeros, then the last frame of each group.

        Args:
            mel: ``(B, n_mels, T_mel)`` target.

        Returns:
            ``(S or S + 1, B, n_mels)``, normalised.
        """
        r = self.config.n_frames_per_step
        first, last = mel.new_zeros(*mel.shape[:2], 1), mel[:, :, r - 1 :: r]
        last = (last - self.config.mel_mean) / self.config.mel_std
        return torch.cat((first, last), 2).permute(2, 0, 1)

    def _group_by_steps(self, pitch: Tensor, n_steps: int) -> Tensor:
        """Map pitch codes ``(B, T_mel, ·)`` to ``(S, B, r, ·)``, padded with zeros."""
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
        """Decode step by step until all utterances have ended.

        Args:
            memory: from :meth:`encode`.
            max_steps: decoder steps after which decoding stops.
            criterion: decides when an utterance has ended; updated after each step.
            generator: source of the pre-net's dropout.
            attention_window: see :meth:`generate`.

        Yields:
            Frames ``(B, n_frames_per_step, n_mels)`` before the post-net, gate logits
            ``(B, n_frames_per_step)`` and alignment ``(B, T_text)`` of each step.
        """
        decoder, on_gpu = self.decoder, memory.values.device.type != "cpu"
        ahead, in_chunks = None, can_step(decoder, memory)
        if on_gpu or in_chunks:
            ahead = decoder.prenet.draw_ahead(generator, memory.values)
        arguments = memory, ahead or generator, attention_window
        decoded: Iterator[tuple[Tensor, Tensor, Tensor]] | None
        if in_chunks:
            decoded = stepped_steps(decoder, *arguments)
        else:
            decoded = compiled_steps(
                decoder, memory, generator, attention_window, criterion.lengths
            ) or self._plain_steps(*arguments)
        decoded = islice(decoded, max_steps)
        # A GPU works on while the host looks at the gates of several steps together
        group, n_used = STEPS_PER_LOOK if on_gpu or in_chunks else 1, 0
        try:
            while not criterion.all_stopped and (steps := list(islice(decoded, group))):
                n_new = criterion.update([gate for _, gate, _ in steps], [w for *_, w in steps])
                n_used += n_new
                yield from steps[:n_new]
        finally:
            if ahead is not None:
                ahead.rewind(ahead.n_steps - n_used)

    def _plain_steps(
        self,
        memory: Memory,
        generator: Generators | FactorsAhead,
        attention_window: int | None,
    ) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield steps as :meth:`steps` does, without an end; defines :func:`compiled_steps`."""
        state = self.decoder.initial_state(memory)
        frame = memory.values.new_zeros(len(memory.values), self.config.n_mels)
        while True:
            visible = memory
            if attention_window is not None:
                weights = state.attention.weights[:, 0]
                visible = memory._replace(
                    bias=mask_outside_window(memory.bias, weights, attention_window)
                )
            frames, gate, state = self.decoder.step(frame, state, visible, generator)
            frame = frames[:, -1]
            yield frames, gate, state.attention.weights[:, 0]

    def _residual(self, mel: Tensor, mask: Tensor) -> Tensor:
        """Return what the post-net adds to spectrograms ``(B, n_mels, T_mel)``."""
        out: Tensor = self.postnet(mel, mask[:, None] if self.config.mask_convolutions else None)
        return out

    def _residual_alone(self, mel: Tensor, mask: Tensor) -> Tensor:
        """Return the same, on a CPU with last digits that do not depend on the other rows."""
        if mel.device.type != "cpu" or len(mel) == 1:
            return self._residual(mel, mask)
        residual = torch.zeros_like(mel)
        for row, length in enumerate(mask.sum(1).tolist()):
            here = slice(row, row + 1)
            residual[here, :, :length] = self._residual(mel[here, :, :length], mask[here, :length])
        return residual

    def _assemble(
        self,
        frames: Tensor,
        gates: Tensor,
        alignments: Tensor,
        lengths: Tensor,
        n_frames: int,
        residual: Callable[[Tensor, Tensor], Tensor] | None = None,
    ) -> Tacotron2Output:
        """Join the steps of a batch into utterances, and apply the post-net.

        Args:
            frames: ``(S, B, n_frames_per_step, n_mels)``.
            gates: ``(S, B, n_frames_per_step)`` logits.
            alignments: ``(S, B, T_text)``.
            lengths: ``(B,)`` numbers of frames.
            n_frames: ``T_mel`` of the result.
            residual: applies the post-net; :meth:`_residual` by default.
        """
        r = self.config.n_frames_per_step
        mel = frames.permute(1, 3, 0, 2).flatten(2)[:, :, :n_frames]
        gate_logits = gates.permute(1, 0, 2).flatten(1)[:, :n_frames]
        alignments = alignments.transpose(0, 1)
        if r > 1:
            alignments = alignments.repeat_interleave(r, 1)[:, :n_frames]
        mask = sequence_mask(lengths, n_frames)
        mel_post = mel + (residual or self._residual)(mel, mask)
        mean, std = self.config.mel_mean, self.config.mel_std
        return Tacotron2Output(
            (mel * std + mean).masked_fill(~mask[:, None], 0.0),
            (mel_post * std + mean).masked_fill(~mask[:, None], 0.0),
            gate_logits.masked_fill(~mask, 1e3),
            alignments,
        )
