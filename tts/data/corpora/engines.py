"""Defines the engines that speak the synthetic corpus: a neural one, a formant one and a toy.

* ``hibari``: the wheel ``hibari-tts`` (Apache-2.0), a small neural voice at 24 kHz. Its noise is
  seeded for each sentence. Its network uses one thread for each sentence, because its result
  depends on the number of threads; several sentences at a time use the other cores.
* ``espeak``: the library in the wheel ``espeakng-loader`` (GPL-3), through ctypes. Its sound
  depends on everything that it has spoken in the same process, so each engine loads its own copy.
* ``tones``: no speech, but one tone for each letter. It needs no package and takes milliseconds.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tts.audio.pcm import Waveform, to_float
from tts.core.errors import InputError

#: The language of all engines.
ENGLISH = "en-us"


class Engine(Protocol):
    """Renders sentences as speech.

    Attributes:
        name: "hibari", "espeak" or "tones".
        sample_rate: rate of the rendered speech in Hz.
        version: version of its package.
        licence: licence of the voice, in a few words.
        seconds_per_character: its pace, which gives the duration of a text before it is rendered.
        threads: largest number of calls at the same time; above 1 only if the order of the calls
            does not change the result.
    """

    name: str
    sample_rate: int
    version: str
    licence: str
    seconds_per_character: float
    threads: int

    def render(self, text: str, seed: int) -> Waveform:
        """Return a sentence as ``(T_wave,)`` float32 in [-1, 1]; equal calls give equal samples."""
        ...


class Hibari:
    """Speaks with a small neural voice: ``pip install 'tacoglow[demo]'``."""

    name = "hibari"
    licence = "voice: hibari-tts, Apache-2.0"
    seconds_per_character = 0.055
    threads = 8

    def __init__(self) -> None:
        package = _import("hibari", "hibari-tts", extra="demo")
        self.sample_rate = int(package.SAMPLE_RATE)
        self.version = _version("hibari-tts")
        self._voice = package.Hibari(threads=1)
        self._reading = threading.Lock()

    def render(self, text: str, seed: int) -> Waveform:
        """Return a sentence as ``(T_wave,)`` float32 in [-1, 1]."""
        # The conversion to phonemes is quick but keeps state; the network and the rest keep none
        with self._reading:
            phonemes = self._voice.phonemize(text)
        pieces = [self._voice.from_phonemes(piece, seed=seed) for piece in phonemes]
        return np.concatenate([np.zeros(0, np.float32), *pieces])


class Espeak:
    """Speaks with eSpeak NG's formant voice, which ignores the seed: extra ``espeak``."""

    name = "espeak"
    licence = "voice: eSpeak NG, GPL-3.0"
    seconds_per_character = 0.061
    threads = 1

    # From espeak-ng/speak_lib.h
    _SYNCHRONOUS, _NO_EXIT = 2, 0x8000
    _RATE, _WORDS_PER_MINUTE = 1, 160
    _BY_CHARACTER, _UTF8 = 1, 1

    def __init__(self, voice: str = ENGLISH) -> None:
        package = _import("espeakng_loader", "espeakng-loader", extra="espeak")
        self.version = _version("espeakng-loader")
        self._chunks: list[NDArray[np.int16]] = []
        self._library = _private_library(package.get_library_path())
        data = str(package.get_data_path()).encode()
        self.sample_rate = int(
            self._library.espeak_Initialize(self._SYNCHRONOUS, 0, data, self._NO_EXIT)
        )
        # The attribute keeps the function alive, because the library holds a pointer to it
        self._callback = _espeak_callback(self._chunks.append)
        self._library.espeak_SetSynthCallback(self._callback)
        status = self._library.espeak_SetVoiceByName(voice.encode())
        if status and self.sample_rate > 0 and voice != ENGLISH:
            raise InputError(f"data.language={voice} is unknown to espeak-ng")
        if self.sample_rate <= 0 or status:
            raise InputError(f"espeak: voice {voice!r} cannot be loaded; reinstall espeakng-loader")
        self._library.espeak_SetParameter(self._RATE, self._WORDS_PER_MINUTE, 0)

    def render(self, text: str, seed: int) -> Waveform:
        """Return a sentence as ``(T_wave,)`` float32 in [-1, 1]."""
        self._chunks.clear()
        data = text.encode() + b"\0"
        size = ctypes.c_size_t(len(data))
        mode = (self._BY_CHARACTER, 0, self._UTF8)
        self._library.espeak_Synth(data, size, 0, *mode, None, None)
        self._library.espeak_Synchronize()
        samples = np.concatenate([np.zeros(0, np.int16), *self._chunks])
        return to_float(samples)


class Tones:
    """Plays a tone for each letter, and silence for spaces and punctuation."""

    name = "tones"
    sample_rate = 22050
    version = "1"
    licence = "sine waves, no voice"
    seconds_per_character = 0.062
    threads = 1

    _LETTERS = "abcdefghijklmnopqrstuvwxyz"
    _LOWEST, _HIGHEST = 200.0, 4000.0

    def render(self, text: str, seed: int) -> Waveform:
        """Return a sentence as ``(T_wave,)`` float32 in [-1, 1]."""
        pieces = [self._piece(char) for char in text.lower()]
        return np.concatenate([np.zeros(0, np.float32), *pieces])

    def _piece(self, char: str) -> Waveform:
        seconds = 0.12 if char in ",.;:?!" else 0.06
        n_samples = round(seconds * self.sample_rate)
        if char not in self._LETTERS:
            return np.zeros(n_samples, np.float32)
        step = self._LETTERS.index(char) / (len(self._LETTERS) - 1)
        frequency = self._LOWEST * (self._HIGHEST / self._LOWEST) ** step
        phase = 2 * np.pi * frequency / self.sample_rate * np.arange(n_samples)
        # The raised-cosine envelope avoids clicks and separates two equal letters
        envelope = np.sin(np.pi * (np.arange(n_samples) + 0.5) / n_samples) ** 2
        return np.asarray(0.5 * envelope * np.sin(phase), dtype=np.float32)


ENGINES: dict[str, Callable[[], Engine]] = {"hibari": Hibari, "espeak": Espeak, "tones": Tones}


def make_engine(name: str, language: str | None = None) -> Engine:
    """Return an engine that speaks a language.

    Args:
        name: one of ``ENGINES``.
        language: a code of eSpeak NG; None: English.

    Raises:
        InputError: the engine is not installed, or does not speak the language.
    """
    if language is None or language == ENGLISH:
        return ENGINES[name]()
    if name != Espeak.name:
        raise InputError(
            f"data.language={language}: {name} speaks English only; use data.engine=espeak"
        )
    return Espeak(language)


def _import(name: str, package: str, extra: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError:
        raise InputError(
            f"engine {package!r} is not installed; run: pip install 'tacoglow[{extra}]'"
        ) from None


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def _private_library(path: str) -> Any:
    """Load a private copy of a library, whose global variables no other engine shares."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        copy = shutil.copy(os.path.realpath(path), folder)
        return ctypes.CDLL(copy)


def _espeak_callback(receive: Callable[[NDArray[np.int16]], None]) -> Any:
    """Return the function that the library calls with each piece of sound."""

    def callback(samples: Any, n_samples: int, events: Any) -> int:
        if samples and n_samples > 0:
            receive(np.ctypeslib.as_array(samples, (n_samples,)).copy())
        return 0

    samples_type = ctypes.POINTER(ctypes.c_short)
    return ctypes.CFUNCTYPE(ctypes.c_int, samples_type, ctypes.c_int, ctypes.c_void_p)(callback)
