"""From a decoded utterance to its sound: vocoder, edges, and the pause behind it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from tts.audio import MelConfig
from tts.inference.bridge import Bridge
from tts.inference.guard import Attempt
from tts.inference.passages import Utterance
from tts.inference.pauses import Pauses, faded
from tts.inference.speech import Part, Speech
from tts.inference.vocoders import Vocoder


@dataclass(frozen=True)
class Voicing:
    """Makes utterances sound.

    Attributes:
        vocoder: makes waves of spectrograms.
        bridge: to the vocoder's mel contract, if that is another one.
        mel: contract of the acoustic model.
        symbols: table of the acoustic model.
        pauses: between utterances.
    """

    vocoder: Vocoder
    bridge: Bridge | None
    mel: MelConfig
    symbols: Sequence[str]
    pauses: Pauses

    def __call__(self, attempt: Attempt) -> Speech:
        """One utterance, with the pause behind it if something follows."""
        begin = time.perf_counter()
        decoded, rate = attempt.decoded, self.vocoder.mel.sample_rate
        wave = self._sound(decoded.mel, attempt.seed)
        seconds = len(wave) / rate
        wave, mel = self._with_edges(wave, decoded.mel, attempt.utterance)
        part = Part(
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
            symbols=tuple(self.symbols[i] for i in attempt.utterance.ids),
            compute_seconds=decoded.seconds + attempt.wasted + time.perf_counter() - begin,
        )
        return Speech(wave, rate, mel.float().cpu(), attempt.utterance.text, (part,), self.mel)

    def _sound(self, mel: Tensor, seed: int) -> Tensor:
        # a vocoder that goes through a short-time spectrum needs two frames
        audible = F.pad(mel, (0, max(0, 2 - mel.shape[1])), value=self.mel.silence)
        if self.bridge is not None:
            audible = self.bridge(audible)
        return self.vocoder(audible, generator=torch.Generator().manual_seed(seed)).float().cpu()

    def _with_edges(self, wave: Tensor, mel: Tensor, utterance: Utterance) -> tuple[Tensor, Tensor]:
        """What is heard alone stays as it is; a join is silent on both sides."""
        rate, hop = self.vocoder.mel.sample_rate, self.vocoder.mel.hop_length
        if not utterance.begins or utterance.after is not None:
            wave = faded(wave, rate, not utterance.begins, utterance.after is not None)
        if utterance.after is not None:
            silent = round(self.pauses.after(utterance.after) * rate / hop)
            mel = F.pad(mel, (0, silent), value=self.mel.silence)
            # in step with the spectrogram, which may be a hop longer than its sound
            wave = F.pad(wave, (0, max(0, mel.shape[1] * hop - len(wave))))
        return wave, mel
