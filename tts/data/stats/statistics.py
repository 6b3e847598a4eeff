"""Sums up what was heard of a corpus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tts.audio import MelConfig
from tts.core.errors import InputError
from tts.data.doctor.corpus_checks import trained_on
from tts.data.doctor.recording_stats import muted_log
from tts.data.doctor.utterances import ExaminedUtterance, gather_cases, prepare_to_listen
from tts.data.features.contract import Contract
from tts.data.loading.speech_datamodule import SpeechDataModule
from tts.data.stats.listening import CorpusListener, HeardRecording

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CorpusStatistics:
    """Holds the statistics of the utterances that a training can use.

    Attributes:
        corpus: name of the corpus.
        mel: the mel contract.
        left_out: number of rows that cannot be used, or lie outside the limits of duration.
        hours: duration of the recordings as training sees them.
        rates: sampling rates of the files, in Hz.
        channels: numbers of channels of the files.
        band_means: ``(n_mels,)``, mean of the log-mel in each band.
        band_deviations: ``(n_mels,)``, its standard deviation.
        mel_mean: mean of all values of all mels.
        mel_std: their standard deviation.
        paces: symbols in a second of speech, of each utterance; none for a vocoder.
        words_per_minute: the same in words; none for a vocoder.
        pitch: ``(T,)``, pitch in Hz of the frames with a voice, of some recordings.
        voiced: share of the frames with a voice among those recordings; NaN if there are none.
        levels: level of the speech in each recording, in dB relative to full scale.
        leads: seconds of silence before the speech.
        tails: seconds of silence after the speech.
        symbols: number of times that each symbol of the table is read; empty for a vocoder.
    """

    corpus: str
    mel: MelConfig
    left_out: int
    hours: float
    rates: Sequence[int]
    channels: Sequence[int]
    band_means: FloatArray
    band_deviations: FloatArray
    mel_mean: float
    mel_std: float
    paces: FloatArray
    words_per_minute: FloatArray
    pitch: FloatArray
    voiced: float
    levels: FloatArray
    leads: FloatArray
    tails: FloatArray
    symbols: Mapping[str, int]

    @property
    def n_utterances(self) -> int:
        """Return the number of utterances that the figures describe."""
        return len(self.levels)


def measure_corpus(
    datamodule: SpeechDataModule, silence_db: float, pitch_clips: int
) -> CorpusStatistics:
    """Hear a whole corpus, with progress on standard error.

    Args:
        datamodule: the data module of the training; its corpus has ``on_error="skip"``.
        silence_db: frames this many dB below the loudest 10 ms of a recording are silence.
        pitch_clips: number of recordings of which the pitch is measured.

    Raises:
        InputError: the corpus cannot be read, or a training could use none of its recordings.
    """
    corpus = datamodule.corpus
    with muted_log():
        prepare_to_listen(datamodule)
        contract = Contract(datamodule.mel, datamodule.processing)
        listener = CorpusListener(contract, corpus.utterances(), pitch_clips)
        cases = gather_cases(datamodule, silence_db, listener)
        n_rows = len(cases) + len(corpus.faults())
    kept = trained_on(cases, datamodule)
    if not kept:
        reason = next((case.fault for case in cases if case.fault), "each is silent or too short")
        raise InputError(
            f"{corpus.name}: none of {n_rows} recordings can be used ({reason}); "
            "python -m tts.data.doctor names their faults"
        )
    return _statistics(datamodule, kept, n_rows - len(kept))


def _statistics(
    datamodule: SpeechDataModule, kept: Sequence[ExaminedUtterance], left_out: int
) -> CorpusStatistics:
    heard = [cast(HeardRecording, case.heard) for case in kept]
    recordings = [case.recording for case in kept if case.recording is not None]
    n_frames = sum(each.n_frames for each in heard)
    means, deviations = _moments([h.sums for h in heard], [h.squares for h in heard], n_frames)
    mean = float(means.mean())
    spread = float(np.sqrt((np.square(deviations) + np.square(means - mean)).mean()))
    pitch = np.concatenate([each.pitch for each in heard])
    voiced = np.isfinite(pitch)
    return CorpusStatistics(
        corpus=datamodule.corpus.name,
        mel=datamodule.mel,
        left_out=left_out,
        hours=sum(each.trained_seconds for each in recordings) / 3600,
        rates=sorted({each.rate for each in recordings}),
        channels=sorted({each.channels for each in recordings}),
        band_means=means,
        band_deviations=deviations,
        mel_mean=mean,
        mel_std=spread,
        paces=np.array([pace for case in kept if (pace := case.pace) is not None]),
        words_per_minute=np.array([_words_per_minute(c) for c in kept if c.pace is not None]),
        pitch=pitch[voiced],
        voiced=float(voiced.mean()) if len(voiced) else float("nan"),
        levels=np.array([each.level for each in recordings]),
        leads=np.array([each.lead for each in recordings]),
        tails=np.array([each.tail for each in recordings]),
        symbols=_symbols(datamodule, kept),
    )


def _moments(
    sums: Sequence[FloatArray], squares: Sequence[FloatArray], n_frames: int
) -> tuple[FloatArray, FloatArray]:
    """Return the mean and the standard deviation of each band."""
    means = np.sum(sums, axis=0) / n_frames
    variances = np.sum(squares, axis=0) / n_frames - np.square(means)
    return means, np.sqrt(variances.clip(min=0))


def _words_per_minute(case: ExaminedUtterance) -> float:
    assert case.recording is not None
    return 60 * len(case.utterance.text.split()) / case.recording.speech_seconds


def _symbols(datamodule: SpeechDataModule, kept: Sequence[ExaminedUtterance]) -> Mapping[str, int]:
    tokenizer = getattr(datamodule, "tokenizer", None)
    if tokenizer is None:
        return {}
    counts = Counter[int]()
    for case in kept:
        counts.update(case.reading.ids if case.reading is not None else ())
    # the first symbol pads texts, and is in none
    return {symbol: counts[i] for i, symbol in enumerate(tokenizer.symbols) if i}
