"""Defines corpora that are written into a folder when they are first prepared.

The rest of the system reads sound files. Sound from other sources (an engine, a codec, a table of
bytes) is written into files once, completely or not at all. ``corpus.json`` records what the folder
was made from, and a folder that was made from something else is refused.
"""

from __future__ import annotations

import contextlib
import csv
import json
import logging
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tts.audio.channels import Mono
from tts.audio.io import decode
from tts.core.errors import InputError
from tts.core.files import atomic_folder, remove_leftovers
from tts.core.parallel import n_cores, ordered_map
from tts.core.progress import progress
from tts.data.corpora.corpus import DESCRIPTION, Corpus
from tts.data.corpora.csv_table import TableFormat, read_table
from tts.data.corpora.manifest import Faults, ManifestRow
from tts.data.corpora.names import UniqueNames

MANIFEST = "manifest.csv"
_FORMAT = TableFormat(speaker="speaker")

_log = logging.getLogger(__name__)


class GeneratedCorpus(Corpus):
    """Holds a corpus that ``prepare`` makes unless it exists."""

    #: How messages describe the corpus.
    kind = "corpus"

    @abstractmethod
    def _recipe(self) -> dict[str, Any]:
        """Return the numbers and strings that decide the content of the folder."""

    def _reading(self) -> dict[str, Any]:
        """Return how recordings are read, as far as that decides the content of the folder."""
        return {}

    @abstractmethod
    def _make(self, folder: Path) -> dict[str, Any]:
        """Fill an empty folder; return further entries for ``corpus.json``."""

    def prepare(self) -> None:
        """Make the corpus, unless it exists already.

        Raises:
            InputError: the corpus cannot be made, or ``root`` holds something else or cannot be
                written.
        """
        recipe = self._recipe() | self._reading()
        remove_leftovers(self.root)
        if not self._is_made(recipe):
            with atomic_folder(self.root) as folder:
                description = {"name": self.name, **recipe, **self._make(folder)}
                text = json.dumps(description, ensure_ascii=False)
                # a name in an archive may hold bytes that are not UTF-8
                (folder / DESCRIPTION).write_bytes(f"{text}\n".encode(errors="backslashreplace"))
            self._is_made(recipe)
        super().prepare()

    def _is_made(self, recipe: dict[str, Any]) -> bool:
        """Return whether the corpus exists; refuse a folder that holds anything else."""
        if not self.root.exists():
            return False
        if self.root.is_dir() and not any(self.root.iterdir()):
            return False
        made = self._description()
        differences = [f"{key} {made.get(key)}" for key in recipe if made.get(key) != recipe[key]]
        if differences:
            raise InputError(
                f"{self.root}: holds a corpus made with {', '.join(differences)}; delete it or "
                "choose another data.root"
            )
        return True

    def _description(self) -> dict[str, Any]:
        try:
            description = json.loads((self.root / DESCRIPTION).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            description = None
        if not isinstance(description, dict):
            raise InputError(
                f"{self.root}: exists and is no {self.kind}; choose another data.root for it"
            )
        return description


class SourceRecording(NamedTuple):
    """Describes a recording in the source of a corpus.

    Attributes:
        name: the wanted name of its file, which ``UniqueNames`` changes where that is necessary.
        text: the spoken text.
        where: how messages name the recording.
        load: returns its samples ``(T_wave,)`` in [-1, 1] and their rate in Hz.
        speaker: name of the speaker, or "".
        amount: its share of the progress, in the units of ``ConvertedCorpus._total_amount``.
        source: identifies the recording in the source; "": its name does.
    """

    name: str
    text: str
    where: str
    load: Callable[[], tuple[NDArray[np.float32], int]]
    speaker: str = ""
    amount: float = 1.0
    source: str = ""


class ConvertedCorpus(GeneratedCorpus):
    """Converts recordings of another form into 16-bit WAV files.

    Args:
        *arguments: root and fractions, as in ``Corpus``.
        mono: how one channel is made of several; None averages them.
        **options: the options of ``Corpus``.
    """

    def __init__(self, *arguments: Any, mono: Mono | None = None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.mono = mono

    def _reading(self) -> dict[str, Any]:
        return {"mono": None if self.mono == "mix" else self.mono}

    @abstractmethod
    def _recordings(self) -> Iterator[SourceRecording]:
        """Yield all recordings of the source in a fixed order."""

    @abstractmethod
    def _total_amount(self) -> float:
        """Return the sum of all amounts, for the progress bar."""

    def _ids_elsewhere(self) -> Iterable[str]:
        """Return the ids of the utterances of this corpus that are not converted."""
        return ()

    def _make(self, folder: Path) -> dict[str, Any]:
        (folder / "wavs").mkdir()
        rows, faults = [], []
        amount = self._total_amount()
        convert = partial(_convert, folder / "wavs")
        named = _named(self._recordings(), UniqueNames(self._ids_elsewhere()))
        with (
            progress(f"converting {self.name}", amount) as advance,
            contextlib.closing(ordered_map(convert, named, n_cores())) as converted,
        ):
            for recorded, fault in converted:
                advance(recorded.amount)
                if not fault:
                    rows.append((f"{recorded.name}.wav", recorded.text, recorded.speaker))
                elif self.on_error == "raise":
                    raise InputError(f"{fault}; data.on_error=skip leaves it out")
                else:
                    faults.append(fault)
        if not rows:
            first = f", first {faults[0]}" if faults else ""
            raise InputError(f"{self.name}: holds no recording that can be used{first}")
        _write_manifest(folder / MANIFEST, rows)
        _log.info("%s: %d recordings in %s", self.name, len(rows), self.root)
        return {"faults": faults}

    def _read_rows(self, faults: Faults) -> list[ManifestRow]:
        rows = read_table(self.root / MANIFEST, self.root / "wavs", _FORMAT, faults)
        faults += self._description().get("faults", [])
        return rows


def decode_mono(
    source: str | BinaryIO, mono: Mono | None = None
) -> tuple[NDArray[np.float32], int]:
    """Decode a sound file, or the bytes of one, as one channel.

    Args:
        source: the file.
        mono: how to get one channel of several; None averages them.

    Returns:
        The samples ``(T_wave,)`` in [-1, 1], and their rate in Hz.

    Raises:
        InputError: the file holds no sound.
    """
    samples, rate = decode(source, mono or "mix")
    if not len(samples) or not np.isfinite(samples).all():
        raise InputError("holds no sound")
    return samples, rate


def _named(
    recordings: Iterable[SourceRecording], names: UniqueNames
) -> Iterator[tuple[SourceRecording, str]]:
    """Yield each recording under a name of its own, and its fault, which is "" if it has none."""
    for recorded in recordings:
        try:
            name = names.name(recorded.name, recorded.source or recorded.name)
        except InputError as error:
            yield recorded, f"{recorded.where}: {error}"
        else:
            yield recorded._replace(name=name), ""


def _convert(folder: Path, named: tuple[SourceRecording, str]) -> tuple[SourceRecording, str]:
    """Write one recording as WAV; return it with its fault, which is "" if it has none."""
    from tts.audio import write_wave

    recorded, fault = named
    if fault:
        return named
    if not recorded.text:
        return recorded, f"{recorded.where}: has no text"
    if not all(map(_can_be_written, (recorded.text, recorded.speaker))):
        return recorded, f"{recorded.where}: text or speaker holds what is no character; correct it"
    try:
        samples, rate = recorded.load()
        write_wave(folder / f"{recorded.name}.wav", samples, rate)
    except InputError as error:
        return recorded, f"{recorded.where}: {error}"
    return recorded, ""


def _can_be_written(text: str) -> bool:
    """Return whether a text has no NUL and no half of a surrogate pair, as JSON may hold them."""
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def _write_manifest(path: Path, rows: list[tuple[str, str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("wav", "text", "speaker"))
        writer.writerows(rows)
