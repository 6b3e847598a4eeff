"""Streams an utterance of Tacotron 2: yields frames before the later ones are decoded.

The decoder works frame by frame in any case. The post-net depends on a few later frames, so it is
applied in chunks (:mod:`tts.models.chunking`). The frames are those of ``Tacotron2.generate``.

Shapes: ``T_text`` symbols, ``T_mel`` frames.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from tts.models.chunking import apply_in_chunks
from tts.models.tacotron2.network import Tacotron2
from tts.models.tacotron2.stopping import GATE_THRESHOLD, MAX_STEPS, GivenUp, StopCriterion


class MelStream:
    """Decodes one utterance while the caller iterates over it; the caller can do so once.

    Args:
        network: network in evaluation mode.
        text: ``(T_text,)`` symbol ids.
        max_steps: see :meth:`Tacotron2.generate`, also for the next five.
        gate_threshold: probability of the gate above which the utterance ends.
        generator: source of the pre-net's dropout.
        speaker: number of the speaker.
        attention_window: symbols by which the attention can move in one step.
        end_steps: steps at the last symbol after which the utterance ends.
        given_up: as in :meth:`Tacotron2.generate`, for the one utterance.
        chunk_frames: least number of frames in a chunk; the last chunk can be shorter.

    Attributes:
        gate_logits: ``(T_mel,)`` of the frames decoded so far.
        alignments: ``(T_mel, T_text)`` of the frames decoded so far.
        stop_reason: what ended the utterance (see ``GeneratedMel``); None while it is decoded.
    """

    def __init__(
        self,
        network: Tacotron2,
        text: Tensor,
        *,
        max_steps: int = MAX_STEPS,
        gate_threshold: float = GATE_THRESHOLD,
        generator: torch.Generator | None = None,
        speaker: int = 0,
        attention_window: int | None = None,
        end_steps: int | None = None,
        given_up: GivenUp | None = None,
        chunk_frames: int = 16,
    ) -> None:
        lengths = torch.tensor([len(text)], device=text.device)
        self._network, self._text, self._lengths = network, text[None], lengths
        self._criterion = StopCriterion(lengths, gate_threshold, end_steps, given_up)
        self._step_arguments = (max_steps, self._criterion, generator, attention_window)
        self._speaker = torch.tensor([speaker], device=text.device)
        self._chunk_frames = chunk_frames
        self._gates: list[Tensor] = []
        self._alignments: list[Tensor] = []
        self.stop_reason: str | None = None

    @property
    def gate_logits(self) -> Tensor:
        """Return the gate logits of the frames decoded so far, ``(T_mel,)``."""
        return torch.cat(self._gates)

    @property
    def alignments(self) -> Tensor:
        """Return the alignments of the frames decoded so far, ``(T_mel, T_text)``."""
        return torch.cat(self._alignments)

    @torch.inference_mode()
    def __iter__(self) -> Iterator[Tensor]:
        """Yield log-mel frames ``(n_mels, t)``, chunk by chunk."""
        yield from apply_in_chunks(
            self._decode(),
            self._add_postnet,
            reach=self._network.config.postnet_reach,
            sizes=[self._chunk_frames],
        )

    def _decode(self) -> Iterator[Tensor]:
        """Yield the decoder's frames ``(n_mels, r)`` up to the end of the utterance."""
        memory = self._network.encode(self._text, self._lengths, self._speaker)
        n_frames = 0
        for frames, gates, weights in self._network.steps(memory, *self._step_arguments):
            r = frames.shape[1]
            left = r
            if self._criterion.all_stopped:
                # The criterion may have looked at later steps of the same group already
                left = min(r, self._criterion.lengths[0] - n_frames)
            n_frames += left
            self._gates.append(gates[0, :left].float())
            self._alignments.append(weights.float().expand(left, -1))
            yield frames[0, :left].T
        self.stop_reason = self._criterion.result(n_frames)[1][0]

    def _add_postnet(self, frames: Tensor, first: int, last: bool) -> Tensor:
        """Return ``(n_mels, t)`` frames with the post-net's residual, in natural log units."""
        config = self._network.config
        frames = frames + self._network.postnet(frames[None], None)[0]
        return frames * config.mel_std + config.mel_mean
