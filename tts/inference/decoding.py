"""Decodes utterances to spectrograms in batches of similar length (``BatchDecoder``).

The results are in input order, and each is the same as if its utterance were decoded alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from tts.inference.options import Options, frame_limit
from tts.inference.reader import DecodingUnit
from tts.metrics import AlignmentHealth, alignment_health
from tts.metrics.word_edges import frame_levels
from tts.models import Tacotron2
from tts.models.tacotron2.batching import batches_exactly
from tts.models.tacotron2.stopping import GivenUp


class DecodedMel(NamedTuple):
    """Holds the spectrogram of one utterance.

    Attributes:
        mel: ``(n_mels, T_mel)`` log-mel spectrogram, on the network's device.
        alignments: ``(T_mel, T_text)`` attention weights.
        gate_logits: ``(T_mel,)`` logits of the stop probability.
        stop_reason: what ended the decoding: ``"gate"``, ``"attention"``, ``"max_steps"`` or
            ``"given_up"``.
        health: whether the attention followed the text.
        seconds: its share of the computing time of its batch.
        levels: ``(T_mel,)`` level of each frame, dB, on the CPU.
    """

    mel: Tensor
    alignments: Tensor
    gate_logits: Tensor
    stop_reason: str
    health: AlignmentHealth
    seconds: float
    levels: Tensor


@dataclass(frozen=True)
class BatchDecoder:
    """Decodes utterances, with those of similar length in one batch.

    Attributes:
        acoustic: the network; decoding runs on its device.
        options: options of decoding.
        frame_rate: frames of the spectrograms per second.
    """

    acoustic: Tacotron2
    options: Options
    frame_rate: float

    @property
    def batches_exactly(self) -> bool:
        """Return whether an utterance in a batch is the utterance alone, bit for bit."""
        return batches_exactly(self.acoustic)

    def __call__(self, utterances: Sequence[DecodingUnit], seed: int) -> list[DecodedMel]:
        """Decode utterances, each from the same seed and independently of the others in its batch.

        Returns:
            One spectrogram for each utterance, in their order.
        """
        order = sorted(range(len(utterances)), key=lambda i: len(utterances[i].ids))
        decoded: dict[int, DecodedMel] = {}
        for start in range(0, len(order), self.options.batch_size):
            chunk = order[start : start + self.options.batch_size]
            batch = self.batch([utterances[i] for i in chunk], [seed] * len(chunk))
            decoded.update(zip(chunk, batch, strict=True))
        return [decoded[i] for i in range(len(utterances))]

    def max_frames(self, utterance: DecodingUnit) -> int:
        """Return the number of frames after which an utterance is cut off."""
        longest = self.options.max_steps * self.acoustic.config.n_frames_per_step
        return min(longest, frame_limit(len(utterance.ids), self.frame_rate))

    def steps_for(self, utterances: Sequence[DecodingUnit]) -> int:
        """Return the number of decoder steps for a batch.

        The steps continue after the longest cut as far as the post-net reaches, so that the frames
        before the cut do not depend on the batch.
        """
        config = self.acoustic.config
        frames = max(map(self.max_frames, utterances)) + config.postnet_reach
        return min(self.options.max_steps, -(-frames // config.n_frames_per_step))

    def batch(
        self,
        utterances: Sequence[DecodingUnit],
        seeds: Sequence[int],
        given_up: GivenUp | None = None,
    ) -> list[DecodedMel]:
        """Decode utterances in one batch, each from its seed.

        Args:
            utterances: the utterances; ``options.batch_size`` does not divide them.
            seeds: the seed of each.
            given_up: tells for each whether nobody waits for it. Its result then ends where the
                decoder looked, with the stop reason ``"given_up"``.
        """
        return list(self._decoded(utterances, seeds, given_up))

    def _decoded(
        self, utterances: Sequence[DecodingUnit], seeds: Sequence[int], given_up: GivenUp | None
    ) -> Iterator[DecodedMel]:
        begin = time.perf_counter()
        device = self.acoustic.embedding.weight.device
        ids = [torch.tensor(utterance.ids) for utterance in utterances]
        n_text = [len(sequence) for sequence in ids]
        generated = self.acoustic.generate(
            pad_sequence(ids, batch_first=True).to(device),
            torch.tensor(n_text, device=device),
            max_steps=self.steps_for(utterances),
            gate_threshold=self.options.gate_threshold,
            generator=_generators(seeds),
            speakers=torch.tensor([utterance.speaker for utterance in utterances], device=device),
            attention_window=self.options.attention_window,
            end_steps=self.options.end_steps,
            given_up=given_up,
        )
        n_mel = generated.mel_lengths.tolist()  # waits for the device
        per_frame = (time.perf_counter() - begin) / sum(n_mel)
        for row, utterance in enumerate(utterances):
            frames = min(n_mel[row], self.max_frames(utterance))
            alignments = generated.alignments[row, :frames, : n_text[row]].float().cpu()
            mel = generated.mel_post[row, :, :frames]
            yield DecodedMel(
                mel=mel,
                alignments=alignments,
                gate_logits=generated.gate_logits[row, :frames].float().cpu(),
                stop_reason=generated.stop_reason[row] if frames == n_mel[row] else "max_steps",
                health=alignment_health(alignments),
                seconds=per_frame * frames,
                levels=frame_levels(mel),
            )


def _generators(seeds: Sequence[int]) -> torch.Generator | list[torch.Generator]:
    """Return one generator if all seeds are equal, so that it draws once for the whole batch."""
    # on the CPU, so that a seed gives the same numbers on every device
    if len(set(seeds)) == 1:
        return torch.Generator().manual_seed(seeds[0])
    return [torch.Generator().manual_seed(seed) for seed in seeds]
