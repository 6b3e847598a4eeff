"""Speech while it is made: an utterance's frames go into the vocoder as the decoder gives them.

Shapes: ``T_text`` symbols, ``T_mel`` frames, ``T_wave`` samples.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from tts.inference.decode_guard import Attempt, DecodeGuard
from tts.inference.decoding import BatchDecoder, DecodedMel
from tts.inference.reader import DecodingUnit
from tts.inference.speech import Part
from tts.inference.vocoders.utterance import UtteranceVocoder
from tts.metrics import alignment_health
from tts.models import MelStream


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some sound of a text.

    Attributes:
        wave: ``(T_wave,)`` float32 samples on the CPU, which may leave [-1, 1] a little.
        sample_rate: Hz.
        part: with the last chunk of an utterance (the pause behind it, or nothing): how it was
            spoken; None while it goes on.
    """

    wave: Tensor
    sample_rate: int
    part: Part | None = None


@dataclass(frozen=True)
class SpeechStreamer:
    """Speaks utterances one after the other, chunk by chunk.

    Attributes:
        decoding: how they are decoded.
        guard: decodes again what went wrong, if the options want it.
        voicing: makes them sound.
    """

    decoding: BatchDecoder
    guard: DecodeGuard
    voicing: UtteranceVocoder

    def __call__(self, utterances: Sequence[DecodingUnit]) -> Iterator[Chunk]:
        """All of them, in order."""
        mel, n_samples = self.voicing.mel, 0
        for utterance in utterances:
            for chunk in self._one(utterance):
                if chunk.part is not None:
                    start = n_samples / chunk.sample_rate - chunk.part.seconds
                    frame = round(start * mel.sample_rate / mel.hop_length)
                    chunk = replace(chunk, part=replace(chunk.part, start=start, first_frame=frame))
                n_samples += len(chunk.wave)
                yield chunk

    def _one(self, utterance: DecodingUnit) -> Iterator[Chunk]:
        options = self.decoding.options
        if not options.guard:
            live = StreamDecoder(self.decoding, utterance)
            yield from self._voiced(utterance, options.seed, live, live.attempt)
            return
        for attempt in self.guard.run([utterance], options.seed)[0]:
            mels = [attempt.decoded.mel]
            yield from self._voiced(attempt.utterance, attempt.seed, mels, partial(_kept, attempt))

    def _voiced(
        self,
        utterance: DecodingUnit,
        seed: int,
        mels: Iterable[Tensor],
        attempt: Callable[[], Attempt],
    ) -> Iterator[Chunk]:
        """Chunks of one utterance; what is between them is not counted as computing."""
        rate = self.voicing.vocoder.mel.sample_rate
        n_frames = n_samples = 0

        def counted() -> Iterator[Tensor]:
            nonlocal n_frames
            for mel in mels:
                n_frames += mel.shape[1]
                yield mel

        waves = self.voicing.stream(counted(), utterance, seed)
        seconds, begin = 0.0, time.perf_counter()
        for wave in waves:
            seconds += time.perf_counter() - begin
            n_samples += len(wave)
            yield Chunk(wave, rate)
            begin = time.perf_counter()
        seconds += time.perf_counter() - begin
        part = self.voicing.part(attempt(), n_samples / rate, seconds)
        pause = self.voicing.pause_samples(utterance, n_frames, n_samples)
        yield Chunk(torch.zeros(pause), rate, part)


class StreamDecoder:
    """The spectrogram of one utterance as it comes, ``(n_mels, t)``; iterate over it once.

    It is what ``BatchDecoder`` gives for the utterance alone.
    """

    def __init__(self, decoding: BatchDecoder, utterance: DecodingUnit) -> None:
        options, device = decoding.options, decoding.acoustic.embedding.weight.device
        self._utterance, self._seed = utterance, options.seed
        self._most = decoding.max_frames(utterance)
        self._mels = MelStream(
            decoding.acoustic,
            torch.tensor(utterance.ids, device=device),
            max_steps=decoding.steps_for([utterance]),
            gate_threshold=options.gate_threshold,
            generator=torch.Generator().manual_seed(options.seed),
            speaker=utterance.speaker,
            attention_window=options.attention_window,
            end_steps=options.end_steps,
        )

    def __iter__(self) -> Iterator[Tensor]:
        """Pieces, no longer together than the text may take."""
        left = self._most
        for mel in self._mels:
            yield mel[:, :left]
            left -= min(left, mel.shape[1])
            if left == 0:
                return

    def attempt(self) -> Attempt:
        """How it came out, when all of it has come."""
        alignments = self._mels.alignments
        was_cut = self._mels.stop_reason is None or len(alignments) > self._most
        alignments = alignments[: self._most].cpu()
        decoded = DecodedMel(
            mel=alignments.new_empty(0, 0),
            alignments=alignments,
            gate_logits=self._mels.gate_logits[: self._most].cpu(),
            stop_reason="max_steps" if was_cut else str(self._mels.stop_reason),
            health=alignment_health(alignments),
            seconds=0.0,
        )
        return Attempt(self._utterance, decoded, self._seed)


def _kept(attempt: Attempt) -> Attempt:
    return attempt
