"""Reads recordings that have a text file each, and the layouts of VCTK and LibriTTS.

VCTK 0.92: Yamagishi, Veaux and MacDonald, University of Edinburgh, 2019. LibriTTS: Zen et al.,
arXiv 1904.02882.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from tts.core.errors import InputError
from tts.data.corpora.corpus import FolderCorpus, require_folder
from tts.data.corpora.manifest import (
    Faults,
    ManifestRow,
    encoding_fault,
    read_text,
    recording_id,
    usable_rows,
)
from tts.data.corpora.names import AUDIO_SUFFIXES

_ENDINGS = (".txt", ".lab")
_MOST_TEXT = 2**20

_log = logging.getLogger(__name__)


class TextFiles(FolderCorpus):
    """Reads recordings at any depth of a folder, each with a ``.txt`` or ``.lab`` next to it.

    Args:
        root: the folder.
        speaker: "folder": the first folder of a recording's path names its speaker; None: there
            is one speaker.
        **options: the options of ``Corpus``.
    """

    def __init__(
        self, root: str | Path, speaker: Literal["folder"] | None = None, **options: Any
    ) -> None:
        super().__init__(root, **options)
        if speaker not in (None, "folder"):
            raise InputError(f"data.speaker={speaker}: use folder, or null")
        self.speaker = speaker

    def _read_rows(self, faults: Faults) -> list[ManifestRow]:
        require_folder(self.root, "set data.root to the corpus")
        rows: list[ManifestRow] = []
        for wav, text in recordings_with_texts(self.root, _ENDINGS, faults):
            inside = wav.relative_to(self.root).parts
            speaker = inside[0] if self.speaker == "folder" and len(inside) > 1 else ""
            rows += row_from_text_file(self.root, wav, text, faults, speaker)
        return _usable(self.root, rows, faults)


class LibriTTS(FolderCorpus):
    """Reads LibriTTS and LibriTTS-R: ``part/speaker/chapter/*.wav`` and ``*.normalized.txt``.

    Args:
        root: the folder that holds the parts.
        parts: the parts to use. Each part has other speakers.
        **options: the options of ``Corpus``.
    """

    def __init__(
        self, root: str | Path, parts: Sequence[str] = ("train-clean-100",), **options: Any
    ) -> None:
        super().__init__(root, **options)
        self.parts = [parts] if isinstance(parts, str) else list(parts)

    @property
    def name(self) -> str:
        """Return a name such as "LibriTTS train-clean-100"."""
        return f"LibriTTS {' '.join(self.parts)}"

    def _read_rows(self, faults: Faults) -> list[ManifestRow]:
        rows: list[ManifestRow] = []
        for part in self.parts:
            require_folder(
                self.root / part, "set data.root to LibriTTS, data.parts to what is in it"
            )
            for wav, text in recordings_with_texts(self.root / part, (".normalized.txt",), faults):
                speaker = wav.name.split("_")[0]
                rows += row_from_text_file(self.root, wav, text, faults, speaker)
        return _usable(self.root, rows, faults)


class VCTK(FolderCorpus):
    """Reads VCTK 0.92.

    Its files are ``wav48_silence_trimmed/p225/p225_001_mic1.flac`` and ``txt/p225/p225_001.txt``.
    One speaker of the release has no texts, and some texts have no recording; utterances that have
    both are used.

    Args:
        root: the folder.
        microphone: "mic1" or "mic2"; some recordings exist with the first only.
        **options: the options of ``Corpus``.
    """

    def __init__(self, root: str | Path, microphone: str = "mic1", **options: Any) -> None:
        super().__init__(root, **options)
        self.microphone = microphone

    @property
    def name(self) -> str:
        """Return "VCTK"."""
        return "VCTK"

    def _read_rows(self, faults: Faults) -> list[ManifestRow]:
        wavs, texts = self.root / "wav48_silence_trimmed", self.root / "txt"
        for folder in (wavs, texts):
            require_folder(
                folder, "set data.root to VCTK 0.92, with wav48_silence_trimmed/ and txt/"
            )
        ending = f"_{self.microphone}.flac"
        recordings = sorted(wavs.glob(f"*/*{ending}"))
        rows: list[ManifestRow] = []
        for wav in recordings:
            name, speaker = wav.name.removesuffix(ending), wav.parent.name
            text = texts / speaker / f"{name}.txt"
            if text.is_file():
                rows += row_from_text_file(self.root, wav, text, faults, speaker, name)
        if n_without := len(recordings) - len(rows):
            _log.info("%s: %d recordings without a text are not used", self.root, n_without)
        return _usable(self.root, rows, faults)


def _usable(root: Path, rows: list[ManifestRow], faults: Faults) -> list[ManifestRow]:
    if not rows and not faults:
        raise InputError(f"{root}: there are no recordings with texts in it; set data.root")
    return usable_rows(root, rows, faults)


def recordings_with_texts(
    folder: Path, endings: Sequence[str], faults: Faults
) -> Iterator[tuple[Path, Path]]:
    """Yield each recording under a folder with its text file, sorted by path.

    Args:
        folder: the folder, which is searched at any depth.
        endings: endings of the text file, which replace that of the recording; the first that
            exists is used.
        faults: receives a line for each recording without a text.
    """
    for path, _, names in sorted(os.walk(folder)):
        folder_names = set(names)
        for name in sorted(names):
            stem, ending = os.path.splitext(name)
            if ending.lower() not in AUDIO_SUFFIXES:
                continue
            text = next((stem + other for other in endings if stem + other in folder_names), None)
            if text is None:
                wav = os.path.join(path, name)
                faults.append(f"{wav}: no {stem}{endings[0]} next to it; write its text there")
            else:
                yield Path(path, name), Path(path, text)


def row_from_text_file(
    root: Path, wav: Path, text: Path, faults: Faults, speaker: str = "", name: str | None = None
) -> list[ManifestRow]:
    """Return the row of a recording from its text file; return none and add a fault if it has one.

    Args:
        root: the folder of the corpus.
        wav: the recording.
        text: the text file.
        faults: receives a line if the text is not UTF-8.
        speaker: name of the speaker.
        name: id of the recording; None: its path in the corpus.
    """
    where = str(text.relative_to(root))
    if text.is_file() and text.stat().st_size > _MOST_TEXT:
        faults.append(f"{text}: has more than {_MOST_TEXT >> 20} MB, so it is no single text")
        return []
    content = read_text(text)
    if fault := encoding_fault(text, where, content):
        faults.append(fault)
        return []
    name = recording_id(str(wav), str(root)) if name is None else name
    return [ManifestRow(name, str(wav), " ".join(content.split()), where, speaker)]
