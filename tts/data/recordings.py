"""What the recordings of a corpus are like: each is decoded once, and the answer kept.

The first pass finds whatever is wrong with a file before training begins. Its result, rate and
length of each recording, is one small file in the cache; a recording that changes (by size or
date) is looked at again, because the name of that file depends on both.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from tts.atomic import atomic_writer
from tts.audio import read_wave
from tts.data.building import n_cores, ordered_map, progress
from tts.data.manifest import Utterance
from tts.errors import InputError

_log = logging.getLogger(__name__)

#: What to do about a recording that cannot be read: stop, or leave it out and say so.
OnError = Literal["raise", "skip"]
ON_ERROR = get_args(OnError)


class Recording(NamedTuple):
    """Rate in Hz and length in samples of a file."""

    sample_rate: int
    n_samples: int

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.n_samples / self.sample_rate

    def n_samples_at(self, sample_rate: int) -> int:
        """Give the length once it is resampled; exact when the rate is the same."""
        return round(self.n_samples * sample_rate / self.sample_rate)


class Survey(NamedTuple):
    """What is known of the recordings, and what is wrong with the others, by utterance id."""

    recordings: dict[str, Recording]
    unreadable: dict[str, str]


def survey(
    utterances: Sequence[Utterance], cache_dir: Path, name: str, on_error: OnError = "raise"
) -> Survey:
    """Look at every recording, or at what was noted when they were looked at before.

    Args:
        utterances: whose recordings.
        cache_dir: where the note is kept.
        name: of the corpus, for the progress bar and the file name.
        on_error: "raise", or "skip" to go on without what cannot be read.

    Raises:
        InputError: a recording is missing; or empty, truncated, not mono or not sound, unless
            these are skipped and some are left.
    """
    path = cache_dir / f"{slug(name)}-{files_key(utterances)}.json"
    if (known := _load(path, utterances)) is None:
        known = _look_at_all(utterances, name, on_error)
        make_cache(cache_dir)
        with atomic_writer(path) as file:
            file.write(json.dumps(known).encode())
    unreadable = {key: found for key, found in known.items() if isinstance(found, str)}
    recordings = {key: found for key, found in known.items() if isinstance(found, Recording)}
    if unreadable and (on_error == "raise" or not recordings):
        raise InputError(next(iter(unreadable.values())))
    return Survey(recordings, unreadable)


def _look_at_all(
    utterances: Sequence[Utterance], name: str, on_error: OnError
) -> dict[str, Recording | str]:
    def look(utterance: Utterance) -> Recording | str:
        try:
            samples, rate = read_wave(utterance.wav)
        except InputError as error:
            message = f"{utterance.where}: {error}"
            if on_error == "raise":
                raise InputError(message) from None
            return message
        return Recording(rate, len(samples))

    found = {}
    with progress(f"checking {name}", len(utterances)) as advance:
        for utterance, recording in zip(
            utterances, ordered_map(look, utterances, n_cores()), strict=True
        ):
            found[utterance.id] = recording
            advance(1)
    return found


def check_rates(
    utterances: Sequence[Utterance],
    recordings: Mapping[str, Recording],
    sample_rate: int,
    resample: bool,
) -> None:
    """Refuse recordings at another rate, or say once that they will be resampled.

    Raises:
        InputError: a recording has another rate and ``resample`` is off.
    """
    others = [u for u in utterances if recordings[u.id].sample_rate != sample_rate]
    if not others:
        return
    rates = Counter(recordings[utterance.id].sample_rate for utterance in others)
    if not resample:
        first = others[0]
        raise InputError(
            f"{first.where}: {first.wav}: {recordings[first.id].sample_rate} Hz, expected "
            f"{sample_rate} Hz ({len(others)} of {len(utterances)} recordings differ); "
            "set data.resample=true to resample"
        )
    listed = ", ".join(f"{count} at {rate} Hz" for rate, count in rates.most_common())
    _log.warning(
        "resampling %d of %d recordings to %d Hz: %s",
        *(len(others), len(utterances), sample_rate, listed),
    )


def read_samples(path: Path, sample_rate: int) -> NDArray[np.float32]:
    """Read a recording ``(T_wave,)``, resampled without a word if need be: ``check_rates`` spoke.

    Raises:
        InputError: the file is not what it was.
    """
    samples, rate = read_wave(path)
    if rate != sample_rate:
        import soxr

        samples = soxr.resample(samples, rate, sample_rate, quality="HQ").clip(-1, 1)
    return samples


def files_key(utterances: Sequence[Utterance], *contract: str) -> str:
    """Name the contents of recordings without reading them: by id, size and date.

    Raises:
        InputError: a recording is missing.
    """
    digest = hashlib.sha256(json.dumps(contract).encode())
    for utterance in sorted(utterances, key=lambda utterance: utterance.id):
        try:
            status = utterance.wav.stat()
        except OSError:
            raise InputError(
                f"{utterance.where}: recording {utterance.wav} is missing; add it or remove the row"
            ) from None
        row = [utterance.id, status.st_size, status.st_mtime_ns]
        digest.update(json.dumps(row).encode())
    return digest.hexdigest()[:16]


def slug(name: str) -> str:
    """Make a name fit for a file: "synthetic-corpus-hibari"."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "corpus"


def make_cache(cache_dir: Path) -> None:
    """Make the cache folder.

    Raises:
        InputError: it cannot be made.
    """
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{cache_dir}: cannot be made ({error.strerror}); choose another paths.cache_dir"
        ) from None


def _load(path: Path, utterances: Sequence[Utterance]) -> dict[str, Recording | str] | None:
    """Read the note, unless there is none or it is damaged."""
    try:
        noted = json.loads(path.read_text(encoding="utf-8"))
        return {utterance.id: _noted(noted[utterance.id]) for utterance in utterances}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        _log.warning("%s: damaged, looking at the recordings again", path)
        return None


def _noted(value: str | list[int]) -> Recording | str:
    return value if isinstance(value, str) else Recording(*map(int, value))
