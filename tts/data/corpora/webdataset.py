"""Reads tar shards in the convention of webdataset, and unpacks them into a folder.

The files of a shard whose names agree up to the first dot are one sample: a sound file with a
``.txt`` or ``.lab`` that holds the text, or with a ``.json`` whose fields hold text and speaker.
"""

from __future__ import annotations

import glob
import io
import json
import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tts.audio.channels import Mono
from tts.core.errors import InputError
from tts.data.corpora.generated import ConvertedCorpus, SourceRecording, decode_mono
from tts.data.corpora.names import AUDIO_SUFFIXES
from tts.data.corpora.unpacking import archived_files

_TEXTS = ("txt", "lab")
_SHARD_ENDING = re.compile(r"\.tar(\.[^.]*)?$")
# A file that is longer is refused: an archive of some megabytes may hold one of terabytes
_MOST_SOUND, _MOST_TEXT = 2**27, 2**20


class WebDataset(ConvertedCorpus):
    """Unpacks tar shards into ``root``.

    Args:
        root: folder for the recordings; it is made if it is missing.
        source: the shards: a folder, or a pattern such as ``shards/train-*.tar``.
        columns: names of the ``.json`` fields, by the keys ``text`` and ``speaker``.
        **options: the options of ``Corpus``.
    """

    kind = "corpus made of shards"

    def __init__(
        self,
        root: str | Path,
        source: str | Path,
        columns: Mapping[str, str | None] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(root, **options)
        self.source = Path(source).expanduser()
        self.columns = {"text": "text", "speaker": None, **(columns or {})}

    @property
    def name(self) -> str:
        """Return the name of the folder that the recordings are written to."""
        return self.root.resolve().name

    def _recipe(self) -> dict[str, Any]:
        return {"source": str(self.source), "columns": self.columns}

    def _shards(self) -> list[Path]:
        pattern = self.source / "*.tar*" if self.source.is_dir() else self.source
        shards = [Path(path) for path in sorted(glob.glob(str(pattern)))]
        if not shards:
            raise InputError(
                f"data.source={self.source}: there are no shards (*.tar); name their folder"
            )
        return shards

    def _total_amount(self) -> float:
        return sum(path.stat().st_size for path in self._shards())

    def _recordings(self) -> Iterator[SourceRecording]:
        for shard in self._shards():
            for key, files in _samples(shard):
                sounds = [ending for ending in files if _is_sound(ending)]
                if not sounds:
                    continue
                data = files[sounds[0]]
                text, speaker = self._text_and_speaker(files)
                yield SourceRecording(
                    name=f"{_SHARD_ENDING.sub('', shard.name)}-{key}",
                    text=text,
                    where=f"{shard.name}: {key}",
                    load=partial(_decode, files, sounds[0], self.mono),
                    speaker=speaker,
                    amount=len(data),
                    source=f"{shard}\0{key}",
                )

    def _text_and_speaker(self, files: Mapping[str, bytes]) -> tuple[str, str]:
        """Return text and speaker of a sample; both are empty if they cannot be read."""
        try:
            fields = json.loads(files.get("json", b"{}"))
            text = next((files[kind].decode() for kind in _TEXTS if kind in files), "")
        except (ValueError, RecursionError):  # the latter from lists in lists in lists
            return "", ""
        fields = fields if isinstance(fields, dict) else {}
        speaker = fields.get(self.columns["speaker"])
        text = text or str(fields.get(self.columns["text"]) or "")
        return " ".join(text.split()), "" if speaker is None else str(speaker)


def _samples(shard: Path) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Yield key and files by ending of each sample, whose files follow each other in the shard.

    A name that occurs twice begins another sample, so that no file replaces another.
    """
    current = ""
    files: dict[str, bytes] = {}
    with shard.open("rb") as stream:
        for name, read in archived_files(shard, stream):
            stem, _, ending = name.name.partition(".")
            key, ending = str(name.parent / stem), ending.lower()
            if (key != current or ending in files) and files:
                yield current, files
                files = {}
            current = key
            if most := _most_bytes(ending):
                files[ending] = read(most + 1)
    if files:
        yield current, files


def _is_sound(ending: str) -> bool:
    return f".{ending.split('.')[-1]}" in AUDIO_SUFFIXES


def _most_bytes(ending: str) -> int:
    """Return how many bytes of a file are read at most; 0 if it is not used."""
    if _is_sound(ending):
        return _MOST_SOUND
    return _MOST_TEXT if ending in (*_TEXTS, "json") else 0


def _decode(files: Mapping[str, bytes], sound: str, mono: Mono | None) -> Any:
    for ending, data in files.items():
        if len(data) > (most := _most_bytes(ending)):
            raise InputError(f"the .{ending} has more than {most >> 20} MB; shorten it")
    return decode_mono(io.BytesIO(files[sound]), mono)
