"""``TextFiles``: recordings with a text file beside each; also the layouts of VCTK and LibriTTS.

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
    AUDIO_SUFFIXES,
    Faults,
    ManifestRow,
    encoding_fault,
    read_text,
    recording_id,
    usable_rows,
)

_ENDINGS = (".txt", ".lab")

_log = logging.getLogger(__name__)


class TextFiles(FolderCorpus):
    """A folder of recordings, at any depth, with a ``.txt`` or ``.lab`` beside each.

    Args:
        root: the folder.
        speaker: "folder": the first folder of a recording's path is its speaker; None: there is
            only one.
        **options: those of ``Corpus``.
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
        found: list[ManifestRow] = []
        for wav, text in recordings_with_texts(self.root, _ENDINGS, faults):
            inside = wav.relative_to(self.root).parts
            speaker = inside[0] if self.speaker == "folder" and len(inside) > 1 else ""
            found += row_from_text_file(self.root, wav, text, faults, speaker)
        return _usable(self.root, found, faults)


class LibriTTS(FolderCorpus):
    """LibriTTS or LibriTTS-R: ``part/speaker/chapter/*.wav`` with ``.normalized.txt`` beside.

    Args:
        root: the folder that holds the parts.
        parts: those to use. The others have other speakers.
        **options: those of ``Corpus``.
    """

    def __init__(
        self, root: str | Path, parts: Sequence[str] = ("train-clean-100",), **options: Any
    ) -> None:
        super().__init__(root, **options)
        self.parts = [parts] if isinstance(parts, str) else list(parts)

    @property
    def name(self) -> str:
        """Such as "LibriTTS train-clean-100"."""
        return f"LibriTTS {' '.join(self.parts)}"

    def _read_rows(self, faults: Faults) -> list[ManifestRow]:
        found: list[ManifestRow] = []
        for part in self.parts:
            require_folder(
                self.root / part, "set data.root to LibriTTS, data.parts to what is in it"
            )
            for wav, text in recordings_with_texts(self.root / part, (".normalized.txt",), faults):
                speaker = wav.name.split("_")[0]
                found += row_from_text_file(self.root, wav, text, faults, speaker)
        return _usable(self.root, found, faults)


class VCTK(FolderCorpus):
    """VCTK 0.92: ``wav48_silence_trimmed/p225/p225_001_mic1.flac`` and ``txt/p225/p225_001.txt``.

    One speaker of the release has no texts, and some texts have no recording: what has both is
    used.

    Args:
        root: the folder.
        microphone: "mic1" or "mic2"; not all is there with the latter.
        **options: those of ``Corpus``.
    """

    def __init__(self, root: str | Path, microphone: str = "mic1", **options: Any) -> None:
        super().__init__(root, **options)
        self.microphone = microphone

    @property
    def name(self) -> str:
        """Always "VCTK"."""
        return "VCTK"

    def _read_rows(self, faults: Faults) -> list[ManifestRow]:
        wavs, texts = self.root / "wav48_silence_trimmed", self.root / "txt"
        for folder in (wavs, texts):
            require_folder(
                folder, "set data.root to VCTK 0.92, with wav48_silence_trimmed/ and txt/"
            )
        ending = f"_{self.microphone}.flac"
        recordings = sorted(wavs.glob(f"*/*{ending}"))
        found: list[ManifestRow] = []
        for wav in recordings:
            name, speaker = wav.name.removesuffix(ending), wav.parent.name
            text = texts / speaker / f"{name}.txt"
            if text.is_file():
                found += row_from_text_file(self.root, wav, text, faults, speaker, name)
        if n_without := len(recordings) - len(found):
            _log.info("%s: %d recordings without a text are not used", self.root, n_without)
        return _usable(self.root, found, faults)


def _usable(root: Path, found: list[ManifestRow], faults: Faults) -> list[ManifestRow]:
    if not found and not faults:
        raise InputError(f"{root}: there are no recordings with texts in it; set data.root")
    return usable_rows(root, found, faults)


def recordings_with_texts(
    folder: Path, endings: Sequence[str], faults: Faults
) -> Iterator[tuple[Path, Path]]:
    """Give each recording under a folder with the text file beside it, sorted.

    Args:
        folder: searched at any depth.
        endings: of the text file, in the place of the recording's; the first that is there.
        faults: gets a line for each recording without a text.
    """
    for path, _, names in sorted(os.walk(folder)):
        there = set(names)
        for name in sorted(names):
            stem, ending = os.path.splitext(name)
            if ending.lower() not in AUDIO_SUFFIXES:
                continue
            text = next((stem + other for other in endings if stem + other in there), None)
            if text is None:
                wav = os.path.join(path, name)
                faults.append(f"{wav}: no {stem}{endings[0]} beside it; write what is said in it")
            else:
                yield Path(path, name), Path(path, text)


def row_from_text_file(
    root: Path, wav: Path, text: Path, faults: Faults, speaker: str = "", name: str | None = None
) -> list[ManifestRow]:
    """Read a text file: one entry, or none and a fault."""
    where = str(text.relative_to(root))
    content = read_text(text)
    if fault := encoding_fault(text, where, content):
        faults.append(fault)
        return []
    name = recording_id(str(wav), str(root)) if name is None else name
    return [ManifestRow(name, str(wav), " ".join(content.split()), where, speaker)]
