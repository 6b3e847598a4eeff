"""Computes the mel and the samples of one recording, and stores them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tts.audio import LogMel
from tts.audio.io import LONGEST, LongRecordingError
from tts.audio.pcm import to_int16
from tts.core.errors import InputError
from tts.data.features.contract import Contract, compute_mel
from tts.data.features.recording_index import IndexedFile, RecordingIndex, hash_file
from tts.data.features.recordings import Recording
from tts.data.features.shards import ShardWriter

# A recording is read if it lasts at most so many times data.max_seconds, or so many seconds
_WIDER, _LEAST_LONGEST = 10, 60.0


@dataclass(frozen=True)
class FeatureRequest:
    """Says what has to be stored of each recording.

    Attributes:
        contract: what decides its samples.
        mels: whether mels are stored.
        waves: whether training reads segments of samples.
        resample: whether recordings at another rate are accepted.
        max_seconds: longest recording of the training, if there is a limit.
    """

    contract: Contract
    mels: bool
    waves: bool
    resample: bool
    max_seconds: float | None = None

    def needs_wave(self, recording: Recording) -> bool:
        """Return whether the samples of a recording have to be stored."""
        return self.contract.complete or (self.waves and self.contract.changes(recording))

    def refuses(self, recording: Recording) -> bool:
        """Return whether a recording has a rate that is not accepted."""
        return recording.sample_rate != self.contract.mel.sample_rate and not self.resample


def longest_read(max_seconds: float | None) -> float:
    """Return the duration in seconds above which a recording is not read.

    Trimming may shorten a recording, and validation uses all of them, so the limit is wider than
    that of the training.

    Args:
        max_seconds: longest recording of the training, if there is a limit.
    """
    if max_seconds is None:
        return LONGEST
    return min(LONGEST, max(_LEAST_LONGEST, _WIDER * max_seconds))


class FeatureResult(NamedTuple):
    """Holds what one recording gave: its index entry with new features, or a fault.

    A recording far above ``data.max_seconds`` is left out, which is no mistake of the user.
    """

    file: IndexedFile | None
    mel: NDArray[np.float32] | None = None
    wave: NDArray[np.int16] | None = None
    n_samples: int = 0
    fault: str = ""
    is_too_long: bool = False


class FeatureExtractor:
    """Computes the features of recordings that are not stored yet.

    ``extract`` may run in several threads at once; ``store`` runs in one.

    Args:
        request: what has to be stored.
        index: the recordings that were read before.
        mels: writer of the mels.
        waves: writer of the samples.
    """

    def __init__(
        self, request: FeatureRequest, index: RecordingIndex, mels: ShardWriter, waves: ShardWriter
    ) -> None:
        self._request, self._index = request, index
        self._longest = longest_read(request.max_seconds)
        self._mels, self._waves = mels, waves
        self._recordings = index.by_digest()
        self._log_mel = LogMel(request.contract.mel)

    def missing(self, file: IndexedFile) -> tuple[bool, bool]:
        """Return whether the mel and whether the samples of a recording have to be computed."""
        if self._request.refuses(file.recording):
            return False, False  # the preparation stops when all recordings are known
        needs_wave = self._request.needs_wave(file.recording)
        return (
            self._request.mels and file.digest not in self._mels,
            needs_wave and file.digest not in self._waves,
        )

    def extract(self, path: Path) -> FeatureResult:
        """Read a recording and compute what is missing; a fault is part of the result."""
        try:
            return self._extract(path)
        except InputError as error:
            limited = self._request.max_seconds is not None
            is_too_long = limited and isinstance(error, LongRecordingError)
            return FeatureResult(None, fault=str(error), is_too_long=is_too_long)
        except OSError as error:
            reason = "is missing; add it or remove the row"
            if not isinstance(error, FileNotFoundError):
                reason = f"cannot be read ({error.strerror or error})"
            return FeatureResult(None, fault=f"recording {path} {reason}")

    def store(self, path: Path, result: FeatureResult) -> bool:
        """Write what was computed, and then the index entry of the recording.

        Returns:
            Whether the features are new. Those of a copy are not, although two threads may have
            computed both at the same time.
        """
        assert result.file is not None
        digest, is_new = result.file.digest, False
        for writer, array in ((self._mels, result.mel), (self._waves, result.wave)):
            if array is not None and digest not in writer:
                writer.add(digest, array, result.n_samples)
                is_new = True
        self._index.add(path, result.file)
        return is_new

    def _extract(self, path: Path) -> FeatureResult:
        digest, status = hash_file(path)
        state = status.st_size, status.st_mtime_ns, digest
        if (recording := self._recordings.get(digest)) is not None:
            file = IndexedFile(*state, recording)
            if not any(self.missing(file)):
                return FeatureResult(file)
        samples, recording = self._request.contract.samples(path, self._longest)
        file = IndexedFile(*state, recording)
        needs_mel, needs_wave = self.missing(file)
        try:
            mel = compute_mel(samples, self._log_mel) if needs_mel else None
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        return FeatureResult(file, mel, to_int16(samples) if needs_wave else None, len(samples))
