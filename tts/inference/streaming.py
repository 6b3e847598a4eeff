"""Streams speech: the frames of an utterance go into the vocoder while it is still being decoded.

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
from tts.inference.part import Part
from tts.inference.reader import DecodingUnit
from tts.inference.vocoders.utterance import UtteranceVocoder
from tts.metrics import alignment_health
from tts.metrics.word_edges import frame_levels
from tts.models import MelStream


@dataclass(frozen=True, eq=False)
class Chunk:
    """Holds some sound of a text.

    Attributes:
        wave: ``(T_wave,)`` float32 samples on the CPU, which may leave [-1, 1] a little.
        sample_rate: samples per second, Hz.
        part: in the last chunk of an utterance (the pause after it, or no samples): how the
            utterance was spoken; None in the other chunks.
    """

    wave: Tensor
    sample_rate: int
    part: Part | None = None


@dataclass(frozen=True)
class SpeechStreamer:
    """Speaks utterances one after the other, chunk by chunk.

    Attributes:
        decoder: decodes the utterances.
        guard: decodes failed utterances again, if the options ask for it.
        utterance_vocoder: vocodes the utterances.
    """

    decoder: BatchDecoder
    guard: DecodeGuard
    utterance_vocoder: UtteranceVocoder

    def __call__(
        self, utterances: Sequence[DecodingUnit], given_up: Callable[[], bool] | None = None
    ) -> Iterator[Chunk]:
        """Yield the chunks of all utterances, in order.

        Args:
            utterances: the utterances.
            given_up: without the guard, tells after each decoder step whether nobody waits for the
                rest of the utterance.
        """
        mel, n_samples = self.utterance_vocoder.mel, 0
        for utterance in utterances:
            for chunk in self._speak(utterance, given_up):
                if chunk.part is not None:
                    start = n_samples / chunk.sample_rate - chunk.part.seconds
                    frame = round(start * mel.sample_rate / mel.hop_length)
                    chunk = replace(chunk, part=replace(chunk.part, start=start, first_frame=frame))
                n_samples += len(chunk.wave)
                yield chunk

    def _speak(
        self, utterance: DecodingUnit, given_up: Callable[[], bool] | None
    ) -> Iterator[Chunk]:
        options = self.decoder.options
        if not options.guard:
            decoding = StreamDecoder(self.decoder, utterance, given_up)
            yield from self._vocode(utterance, options.seed, decoding, decoding.attempt)
            return
        for attempt in self.guard.run([utterance], options.seed)[0]:
            mels = [attempt.decoded.mel]
            result = partial(_identity, attempt)
            yield from self._vocode(attempt.utterance, attempt.seed, mels, result)

    def _vocode(
        self,
        utterance: DecodingUnit,
        seed: int,
        mels: Iterable[Tensor],
        result: Callable[[], Attempt],
    ) -> Iterator[Chunk]:
        """Yield the chunks of one utterance; the caller's time between them does not count.

        Args:
            utterance: the utterance.
            seed: seed of the vocoder.
            mels: pieces of its spectrogram, ``(n_mels, t)``, as decoded.
            result: gives the result of the decoding when all pieces have been read.
        """
        rate = self.utterance_vocoder.vocoder.mel.sample_rate
        n_frames = n_samples = 0

        def counted() -> Iterator[Tensor]:
            nonlocal n_frames
            for mel in mels:
                n_frames += mel.shape[1]
                yield mel

        if n_before := self.utterance_vocoder.samples_before(utterance):
            yield Chunk(torch.zeros(n_before), rate)
        waves = self.utterance_vocoder.stream(counted(), utterance, seed)
        seconds, begin = 0.0, time.perf_counter()
        for wave in waves:
            seconds += time.perf_counter() - begin
            n_samples += len(wave)
            yield Chunk(wave, rate)
            begin = time.perf_counter()
        seconds += time.perf_counter() - begin
        part = self.utterance_vocoder.part(result(), n_samples / rate, seconds)
        n_silent = self.utterance_vocoder.pause_samples(utterance, n_frames, n_samples)
        yield Chunk(torch.zeros(n_silent), rate, part)


class StreamDecoder:
    """Yields the spectrogram of one utterance piece by piece, ``(n_mels, t)``; usable once.

    The spectrogram is the one that ``BatchDecoder`` gives for the utterance alone.

    Args:
        decoder: the decoder, with its network and options.
        utterance: the utterance to decode.
        given_up: tells after each decoder step whether nobody waits for the rest.
    """

    def __init__(
        self,
        decoder: BatchDecoder,
        utterance: DecodingUnit,
        given_up: Callable[[], bool] | None = None,
    ) -> None:
        options, device = decoder.options, decoder.acoustic.embedding.weight.device
        self._utterance, self._seed = utterance, options.seed
        self._max_frames = decoder.max_frames(utterance)
        self._levels: list[Tensor] = []
        self._mels = MelStream(
            decoder.acoustic,
            torch.tensor(utterance.ids, device=device),
            max_steps=decoder.steps_for([utterance]),
            gate_threshold=options.gate_threshold,
            generator=torch.Generator().manual_seed(options.seed),
            speaker=utterance.speaker,
            attention_window=options.attention_window,
            end_steps=options.end_steps,
            given_up=None if given_up is None else lambda: [given_up()],
        )

    def __iter__(self) -> Iterator[Tensor]:
        """Yield pieces, up to the largest number of frames for the text."""
        left = self._max_frames
        for mel in self._mels:
            self._levels.append(frame_levels(mel[:, :left]))
            yield mel[:, :left]
            left -= min(left, mel.shape[1])
            if left == 0:
                return

    def attempt(self) -> Attempt:
        """Return the result of the decoding; call this after the last piece."""
        alignments = self._mels.alignments
        was_cut = self._mels.stop_reason is None or len(alignments) > self._max_frames
        alignments = alignments[: self._max_frames].cpu()
        decoded = DecodedMel(
            mel=alignments.new_empty(0, 0),
            alignments=alignments,
            gate_logits=self._mels.gate_logits[: self._max_frames].cpu(),
            stop_reason="max_steps" if was_cut else str(self._mels.stop_reason),
            health=alignment_health(alignments),
            seconds=0.0,
            levels=torch.cat(self._levels),
        )
        return Attempt(self._utterance, decoded, self._seed)


def _identity(attempt: Attempt) -> Attempt:
    return attempt
