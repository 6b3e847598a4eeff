"""Describes recordings, checks their rates, and names caches."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tts.core.errors import InputError
from tts.data.corpora.manifest import Utterance


class Recording(NamedTuple):
    """Holds the rate in Hz and the length in samples of a file."""

    sample_rate: int
    n_samples: int

    @property
    def seconds(self) -> float:
        """Return the duration in seconds."""
        return self.n_samples / self.sample_rate


def check_rates(recordings: Iterable[tuple[Utterance, Recording]], sample_rate: int) -> None:
    """Refuse recordings at another rate.

    Raises:
        InputError: there are some; the message names the first one and their number.
    """
    pairs = list(recordings)
    others = [(u, recording) for u, recording in pairs if recording.sample_rate != sample_rate]
    if others:
        first, recording = others[0]
        raise InputError(
            f"{first.where}: {first.wav}: {recording.sample_rate} Hz, expected {sample_rate} Hz "
            f"({len(others)} of {len(pairs)} recordings differ); set data.resample=true to resample"
        )


def slug(name: str) -> str:
    """Return a name in a form that suits a file: "synthetic-corpus-hibari"."""
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
