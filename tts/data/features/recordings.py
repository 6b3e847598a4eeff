"""What recordings are like, and what is done about those that cannot be read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

from tts.core.errors import InputError
from tts.data.corpora.manifest import Utterance

#: What to do about a recording that cannot be read: stop, or leave it out and say so.
OnError = Literal["raise", "skip"]


class Recording(NamedTuple):
    """Rate in Hz and length in samples of a file."""

    sample_rate: int
    n_samples: int

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.n_samples / self.sample_rate


def check_rates(recordings: Iterable[tuple[Utterance, Recording]], sample_rate: int) -> None:
    """Refuse recordings at another rate.

    Raises:
        InputError: there is one.
    """
    found = list(recordings)
    others = [(u, recording) for u, recording in found if recording.sample_rate != sample_rate]
    if others:
        first, recording = others[0]
        raise InputError(
            f"{first.where}: {first.wav}: {recording.sample_rate} Hz, expected {sample_rate} Hz "
            f"({len(others)} of {len(found)} recordings differ); set data.resample=true to resample"
        )


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
