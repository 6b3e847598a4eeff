"""An utterance of Tacotron 2 as it comes: frames are given while later ones are still unspoken.

The decoder goes from frame to frame anyway; the post-net looks a few frames ahead, and is applied
piece by piece (:mod:`tts.models.chunking`). What comes out is what ``generate`` gives.

Shapes: ``T_text`` symbols, ``T_mel`` frames.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from tts.models.chunking import apply_in_chunks
from tts.models.tacotron2.network import Tacotron2
from tts.models.tacotron2.stopping import GATE_THRESHOLD, MAX_STEPS, StopCriterion


class MelStream:
    """One utterance that is spoken while it is iterated over, once.

    Args:
        network: in evaluation mode.
        text: ``(T_text,)`` symbol ids.
        max_steps: as in :meth:`Tacotron2.generate`, like the others.
        gate_threshold: probability that ends it.
        generator: seeds the pre-net's dropout.
        speaker: number of who speaks.
        attention_window: how far the attention may go in a step.
        end_steps: steps at the last symbol that end it.
        chunk_frames: least length of a piece, but for the last.

    Attributes:
        gate_logits: ``(T_mel,)`` so far.
        alignments: ``(T_mel, T_text)`` so far.
        stop_reason: what ended it; None before.
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
        chunk_frames: int = 16,
    ) -> None:
        lengths = torch.tensor([len(text)], device=text.device)
        self._network, self._text, self._lengths = network, text[None], lengths
        self._criterion = StopCriterion(lengths, gate_threshold, end_steps)
        self._walk = (max_steps, self._criterion, generator, attention_window)
        self._speaker = torch.tensor([speaker], device=text.device)
        self._chunk_frames = chunk_frames
        self._gates: list[Tensor] = []
        self._alignments: list[Tensor] = []
        self.stop_reason: str | None = None

    @property
    def gate_logits(self) -> Tensor:
        """``(T_mel,)``."""
        return torch.cat(self._gates)

    @property
    def alignments(self) -> Tensor:
        """``(T_mel, T_text)``."""
        return torch.cat(self._alignments)

    @torch.inference_mode()
    def __iter__(self) -> Iterator[Tensor]:
        """``(n_mels, t)`` log-mel frames."""
        yield from apply_in_chunks(
            self._decoded(),
            self._finished,
            reach=self._network.config.postnet_reach,
            sizes=[self._chunk_frames],
        )

    def _decoded(self) -> Iterator[Tensor]:
        """Frames as the decoder gives them, ``(n_mels, r)``, up to the end of the utterance."""
        memory = self._network.encode(self._text, self._lengths, self._speaker)
        n_frames = 0
        for frames, gates, weights in self._network.steps(memory, *self._walk):
            r = frames.shape[1]
            left = self._criterion.lengths[0] - n_frames if self._criterion.all_stopped else r
            n_frames += left
            self._gates.append(gates[0, :left].float())
            self._alignments.append(weights.float().expand(left, -1))
            yield frames[0, :left].T
        self.stop_reason = self._criterion.result(n_frames)[1][0]

    def _finished(self, frames: Tensor, first: int, last: bool) -> Tensor:
        """With what the post-net adds, in the units of the log-mel."""
        config = self._network.config
        frames = frames + self._network.postnet(frames[None], None)[0]
        return frames * config.mel_std + config.mel_mean
