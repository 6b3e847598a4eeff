"""Tells where words are in a sound, independently of the networks: two aligners and an engine.

* ``ForcedAligner``: PocketSphinx with its English acoustic model, which is told the phones of every
  word. It works in frames of 10 ms.
* ``WhisperTimes``: the word times of Whisper's cross-attention, in steps of 20 ms.
* ``EspeakTimes``: eSpeak NG, which says at which sample each word begins.
"""

from __future__ import annotations

import ctypes
import difflib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tts.audio.pcm import Waveform
from tts.audio.resampling import WIDEBAND_RATE, resampled
from tts.core.errors import InputError
from tts.data.corpora.engines import Espeak
from tts.metrics.recognition import Whisper

#: Silence before the sound, because the aligner and the recogniser need some; seconds.
_MARGIN = 0.2


class TimedWord(NamedTuple):
    """Holds a word and when it is heard, in seconds; None if that is not known."""

    text: str
    start: float | None
    end: float | None


class ForcedAligner:
    """Aligns a sound with the phones of its words: ``pip install 'tacoglow[marks]'``."""

    def __init__(self) -> None:
        try:
            import pocketsphinx
        except ImportError:
            raise InputError(
                "PocketSphinx is not installed; run: pip install 'tacoglow[marks]'"
            ) from None
        model = Path(pocketsphinx.__file__).parent / "model" / "en-us"
        self._decoder: Any = pocketsphinx.Decoder(
            hmm=str(model / "en-us"),
            dict=str(model / "cmudict-en-us.dict"),
            lm=None,
            loglevel="FATAL",
            cmn="batch",
        )
        self._names: dict[str, str] = {}

    def __call__(
        self, wave: Waveform, rate: int, words: Sequence[Sequence[str]]
    ) -> list[TimedWord] | None:
        """Return when the words are heard, or None if the sound cannot be aligned with them.

        Args:
            wave: ``(T_wave,)`` in [-1, 1].
            rate: samples per second.
            words: the ARPAbet phones of each word.
        """
        names = [self._name(phones) for phones in words]
        self._decoder.set_align_text(" ".join(names))
        padded = np.pad(resampled(wave, rate, WIDEBAND_RATE), round(_MARGIN * WIDEBAND_RATE))
        samples = (np.clip(padded, -1, 1) * 32767).astype("<i2").tobytes()
        try:
            self._decode(samples)
            if self._decoder.hyp() is None:
                return None
            self._decoder.set_alignment()
            self._decode(samples)
        except RuntimeError:  # no path through the words reaches the end
            return None
        found = [
            TimedWord(entry.name, entry.start / 100, (entry.start + entry.duration) / 100)
            for entry in self._decoder.get_alignment()
            if entry.name in self._names.values()
        ]
        return _shifted(found) if len(found) == len(words) else None

    def _name(self, phones: Sequence[str]) -> str:
        """Return the name of a word in the aligner's dictionary."""
        spelled = " ".join(re.sub(r"\d", "", phone) for phone in phones)
        if spelled not in self._names:
            self._names[spelled] = f"w{len(self._names)}"
            self._decoder.add_word(self._names[spelled], spelled, True)
        return self._names[spelled]

    def _decode(self, samples: bytes) -> None:
        self._decoder.start_utt()
        self._decoder.process_raw(samples, full_utt=True)
        self._decoder.end_utt()


class WhisperTimes(Whisper):
    """Recognises the words of a sound: ``pip install 'tacoglow[eval]'``."""

    def words(self, wave: Waveform, rate: int, texts: Sequence[str]) -> list[TimedWord]:
        """Return when the words are heard; None for those that are not recognised.

        Args:
            wave: ``(T_wave,)`` in [-1, 1].
            rate: samples per second.
            texts: the words that are spoken.
        """
        self.load()
        padded = np.pad(resampled(wave, rate, WIDEBAND_RATE), round(_MARGIN * WIDEBAND_RATE))
        segments, _ = self._whisper.transcribe(
            padded, language="en", beam_size=1, temperature=0, word_timestamps=True
        )
        found = [word for segment in segments for word in segment.words]
        heard = [TimedWord(word.word, float(word.start), float(word.end)) for word in found]
        return matched(texts, _shifted(heard))


class EspeakTimes(Espeak):
    """Speaks, and says when each word begins: ``pip install 'tacoglow[espeak]'``."""

    _WORD = 1  # type of an event, from espeak-ng/speak_lib.h

    def __init__(self) -> None:
        super().__init__()
        self._starts: list[tuple[int, int, int]] = []
        self._callback = ctypes.CFUNCTYPE(
            ctypes.c_int,
            ctypes.POINTER(ctypes.c_short),
            ctypes.c_int,
            ctypes.POINTER(_EspeakEvent),
        )(self._receive)
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str) -> tuple[Waveform, list[TimedWord]]:
        """Return the samples of an ASCII text, and its words with their starts."""
        self._starts.clear()
        wave = self.render(text, seed=0)
        return wave, [
            TimedWord(text[place - 1 : place - 1 + length], sample / self.sample_rate, None)
            for place, length, sample in self._starts
        ]

    def _receive(self, samples: Any, n_samples: int, events: Any) -> int:
        if samples and n_samples > 0:
            self._chunks.append(np.ctypeslib.as_array(samples, (n_samples,)).copy())
        index = 0
        while (event := events[index]).type != 0:
            if event.type == self._WORD:
                self._starts.append((event.text_position, event.length, event.sample))
            index += 1
        return 0


class _EspeakEvent(ctypes.Structure):
    """Mirrors ``espeak_EVENT`` of espeak-ng/speak_lib.h."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


def _shifted(words: Sequence[TimedWord]) -> list[TimedWord]:
    """Return words of a padded sound with the times of the sound itself."""
    return [
        TimedWord(word.text, (word.start or 0.0) - _MARGIN, (word.end or 0.0) - _MARGIN)
        for word in words
    ]


def matched(texts: Sequence[str], heard: Sequence[TimedWord]) -> list[TimedWord]:
    """Return the words that are spoken with the times of those that are recognised."""
    ours, theirs = map(_plain, texts), [_plain(word.text) for word in heard]
    matcher = difflib.SequenceMatcher(None, list(ours), theirs, autojunk=False)
    found = [TimedWord(text, None, None) for text in texts]
    for first, second, length in matcher.get_matching_blocks():
        found[first : first + length] = heard[second : second + length]
    return found


def _plain(word: str) -> str:
    return re.sub(r"[^a-z0-9]", "", word.lower())
