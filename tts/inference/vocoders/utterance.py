"""Vocodes one decoded utterance at its speed, fades its edges and adds the pause."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from tts.audio import MelConfig
from tts.audio.stretching import stretched_length
from tts.inference.decode_guard import Attempt
from tts.inference.part import Part
from tts.inference.pauses import Pauses, fade_length, faded
from tts.inference.reader import DecodingUnit
from tts.inference.speech import Speech
from tts.inference.vocoders.griffin_lim import Vocoder, stream_with
from tts.inference.vocoders.mel_bridge import Bridge
from tts.inference.vocoders.stretch import stretch_mels
from tts.models.chunking import apply_in_chunks
from tts.text import Tokenizer


@dataclass(frozen=True)
class UtteranceVocoder:
    """Vocodes decoded utterances, fades their edges and adds the pauses after them.

    Attributes:
        vocoder: turns spectrograms into waves.
        bridge: conversion to the vocoder's mel contract, if that is another one.
        mel: contract of the acoustic model.
        tokenizer: tokenizer of the acoustic model.
        pauses: pauses between utterances where no pause mark stands, at speed 1.
        speed: playing speed of speech and pauses.
    """

    vocoder: Vocoder
    bridge: Bridge | None
    mel: MelConfig
    tokenizer: Tokenizer
    pauses: Pauses
    speed: float = 1.0

    def __call__(self, attempt: Attempt) -> Speech:
        """Vocode one utterance, and add the pauses around it."""
        begin = time.perf_counter()
        decoded, rate = attempt.decoded, self.vocoder.mel.sample_rate
        mel = torch.cat([*stretch_mels([decoded.mel], self.speed)], 1)
        wave = self._vocode(mel, attempt.seed)
        seconds = len(wave) / rate
        wave, mel = self._with_edges(wave, mel, attempt)
        part = self.part(attempt, seconds, time.perf_counter() - begin)
        n_before = self.samples_before(attempt.utterance)
        n_frames = n_before // self.vocoder.mel.hop_length
        part = replace(part, start=n_before / rate, first_frame=n_frames)
        return Speech(wave, rate, mel.float().cpu(), attempt.utterance.text, (part,), self.mel)

    def stream(
        self, mels: Iterable[Tensor], utterance: DecodingUnit, seed: int
    ) -> Iterator[Tensor]:
        """Vocode one utterance while it is decoded, without the pause after it.

        Args:
            mels: consecutive pieces ``(n_mels, t)`` of its spectrogram, as decoded.
            utterance: the utterance.
            seed: seed of the vocoder.

        Yields:
            Consecutive pieces ``(t_wave,)`` of the wave.
        """
        rate = self.vocoder.mel.sample_rate
        n_frames = 0

        def vocoder_input() -> Iterator[Tensor]:
            nonlocal n_frames
            for mel in stretch_mels(mels, self.speed):
                n_frames += mel.shape[1]
                yield mel if self.bridge is None else self.bridge(mel)
            if n_frames == 1:  # the second frame that `_vocode` also adds
                silent = mel.new_full((len(mel), 1), self.mel.silence)
                yield silent if self.bridge is None else self.bridge(silent)

        def finish(wave: Tensor, first: int, last: bool) -> Tensor:
            if last:
                wave = wave[: len(wave) - self._excess(n_frames, first + len(wave))]
            start, end = first == 0 and utterance.fades_in, last and utterance.fades_out
            return faded(wave, rate, start, end)

        generator = torch.Generator().manual_seed(seed)
        pieces = stream_with(self.vocoder, vocoder_input(), generator)
        waves = (wave.float().cpu() for wave in pieces)
        reach = fade_length(rate) + round(self.vocoder.mel.hop_length * self._added)
        return apply_in_chunks(waves, finish, reach=reach)

    def pause_samples(self, utterance: DecodingUnit, n_frames: int, n_samples: int) -> int:
        """Return the samples of silence after an utterance.

        Args:
            utterance: the utterance.
            n_frames: decoded frames of its spectrogram.
            n_samples: samples of its wave.
        """
        if not utterance.fades_out:
            return 0
        # the spectrogram may be a hop longer than the wave, and both must stay aligned
        n_frames = stretched_length(n_frames, self.speed) + self._silent_frames(utterance)
        return max(0, n_frames * self.vocoder.mel.hop_length - n_samples)

    def samples_before(self, utterance: DecodingUnit) -> int:
        """Return the samples of silence before an utterance, which begins a text."""
        return self._frames(utterance.silence_before) * self.vocoder.mel.hop_length

    def _silent_frames(self, utterance: DecodingUnit) -> int:
        """Return the frames of silence after an utterance; a pause mark knows no speed."""
        if utterance.pause is not None:
            return self._frames(utterance.pause)
        return self._frames(self.pauses.after(utterance.after) / self.speed)

    def _frames(self, seconds: float) -> int:
        return round(seconds * self.vocoder.mel.sample_rate / self.vocoder.mel.hop_length)

    def _excess(self, n_frames: int, n_samples: int) -> int:
        """Return the samples by which a slow wave is too long.

        A vocoder may leave out the last hop of the spectrogram. From a slow spectrogram it has to
        leave out more, as a hop of the decoded one is several of the slow one.

        Args:
            n_frames: frames of the slow spectrogram.
            n_samples: samples of its wave.
        """
        hop = self.vocoder.mel.hop_length
        left_out = max(0, n_frames * hop - n_samples)
        return max(0, min(round(left_out * self._added), n_samples - hop))

    @property
    def _added(self) -> float:
        """Return how many frames of a slow spectrogram are added to each decoded one."""
        return max(0.0, 1 / self.speed - 1)

    def part(self, attempt: Attempt, seconds: float, compute_seconds: float) -> Part:
        """Describe an utterance that was vocoded.

        Args:
            attempt: result of the decoding.
            seconds: length of its sound.
            compute_seconds: time that the vocoding took.
        """
        decoded = attempt.decoded
        return Part(
            text=attempt.utterance.text,
            start=0.0,
            seconds=seconds,
            seed=attempt.seed,
            attempts=attempt.count,
            stop_reason=decoded.stop_reason,
            health=decoded.health,
            alignments=decoded.alignments,
            gate_logits=decoded.gate_logits,
            first_frame=0,
            symbols=tuple(self.tokenizer.symbols[i] for i in attempt.utterance.ids),
            tokenizer=self.tokenizer,
            frame_seconds=self.mel.hop_length / self.mel.sample_rate / self.speed,
            frame_levels=decoded.levels,
            speed=self.speed,
            compute_seconds=decoded.seconds + attempt.wasted + compute_seconds,
        )

    def _vocode(self, mel: Tensor, seed: int) -> Tensor:
        # a vocoder that uses a short-time Fourier transform needs two frames
        mel = F.pad(mel, (0, max(0, 2 - mel.shape[1])), value=self.mel.silence)
        if self.bridge is not None:
            mel = self.bridge(mel)
        wave = self.vocoder(mel, generator=torch.Generator().manual_seed(seed)).float().cpu()
        return wave[: len(wave) - self._excess(mel.shape[1], len(wave))]

    def _with_edges(self, wave: Tensor, mel: Tensor, attempt: Attempt) -> tuple[Tensor, Tensor]:
        """Fade the edges at joins and add the pause; the ends of the text stay unchanged."""
        rate, utterance = self.vocoder.mel.sample_rate, attempt.utterance
        n_frames = attempt.decoded.mel.shape[1]
        if utterance.fades_in or utterance.fades_out:
            wave = faded(wave, rate, utterance.fades_in, utterance.fades_out)
        if utterance.fades_out:
            mel = F.pad(mel, (0, self._silent_frames(utterance)), value=self.mel.silence)
            wave = F.pad(wave, (0, self.pause_samples(utterance, n_frames, len(wave))))
        if n_before := self.samples_before(utterance):
            mel = F.pad(mel, (n_before // self.vocoder.mel.hop_length, 0), value=self.mel.silence)
            wave = F.pad(wave, (n_before, 0))
        return wave, mel
