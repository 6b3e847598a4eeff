"""``FeatureExtractor`` computes and stores the features of one recording."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tts.audio import LogMel
from tts.audio.pcm import to_int16
from tts.core.errors import InputError
from tts.data.corpora.manifest import Utterance
from tts.data.features.contract import Contract, mel_of
from tts.data.features.recording_index import IndexedFile, RecordingIndex, digest_of
from tts.data.features.recordings import Recording
from tts.data.features.shards import ShardWriter


@dataclass(frozen=True)
class FeatureRequest:
    """What is to be stored of a recording.

    Attributes:
        contract: what decides its samples.
        mels: whether mels are wanted.
        waves: whether segments of samples are.
        resample: whether recordings at another rate are accepted.
    """

    contract: Contract
    mels: bool
    waves: bool
    resample: bool

    def __call__(self, recording: Recording) -> tuple[bool, bool]:
        """Whether a mel and samples are to be stored."""
        if recording.sample_rate != self.contract.mel.sample_rate and not self.resample:
            return False, False  # it will be refused, when all have been looked at
        segments = self.waves and self.contract.changes(recording)
        return self.mels, segments or self.contract.complete


class FeatureResult(NamedTuple):
    """What one recording gave: what it is, what is to be stored of it, or what is wrong with it."""

    sight: IndexedFile | None
    mel: NDArray[np.float32] | None = None
    wave: NDArray[np.int16] | None = None
    n_samples: int = 0
    wrong: str = ""

    @property
    def computed(self) -> bool:
        """Whether there is anything to store."""
        return self.mel is not None or self.wave is not None


class FeatureExtractor:
    """What a thread does for one utterance, and what is done with the result."""

    def __init__(
        self, needs: FeatureRequest, seen: RecordingIndex, mels: ShardWriter, waves: ShardWriter
    ) -> None:
        self.seen, self._needs = seen, needs
        self._mels, self._waves = mels, waves
        self._recordings = seen.by_digest()
        self._log_mel = LogMel(needs.contract.mel)

    def missing(self, sight: IndexedFile) -> tuple[bool, bool]:
        """Whether the mel and the samples of a recording are still to be computed."""
        mel, wave = self._needs(sight.recording)
        return mel and sight.digest not in self._mels, wave and sight.digest not in self._waves

    def __call__(self, utterance: Utterance) -> FeatureResult:
        """Read and compute."""
        try:
            return self._look(utterance.wav)
        except InputError as error:
            return FeatureResult(None, wrong=str(error))
        except OSError as error:
            reason = "is missing; add it or remove the row"
            if not isinstance(error, FileNotFoundError):
                reason = f"cannot be read ({error.strerror or error})"
            return FeatureResult(None, wrong=f"recording {utterance.wav} {reason}")

    def store(self, utterance: Utterance, found: FeatureResult) -> None:
        """Write what was computed, and then note the file."""
        assert found.sight is not None
        if found.mel is not None:
            self._mels.add(found.sight.digest, found.mel, found.n_samples)
        if found.wave is not None:
            self._waves.add(found.sight.digest, found.wave, found.n_samples)
        self.seen.note(utterance.wav, found.sight)

    def _look(self, path: Path) -> FeatureResult:
        digest, status = digest_of(path)
        state = status.st_size, status.st_mtime_ns, digest
        if (recording := self._recordings.get(digest)) is not None:
            sight = IndexedFile(*state, recording)
            if not any(self.missing(sight)):
                return FeatureResult(sight)
        samples, recording = self._needs.contract.samples(path)
        sight = IndexedFile(*state, recording)
        mel, wave = self.missing(sight)
        try:
            computed = mel_of(samples, self._log_mel) if mel else None
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        return FeatureResult(sight, computed, to_int16(samples) if wave else None, len(samples))
