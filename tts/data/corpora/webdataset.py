"""``WebDataset``: tar shards in the convention of webdataset, unpacked into a folder.

Files of a shard that share a name up to the first dot are one sample: a sound file, and a ``.txt``
or ``.lab`` with the text, or a ``.json`` with text and speaker in its fields.
"""

from __future__ import annotations

import glob
import io
import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tts.core.errors import InputError
from tts.data.corpora.generated import ConvertedCorpus, Recorded, decoded
from tts.data.corpora.manifest import AUDIO_SUFFIXES
from tts.data.corpora.unpacking import members

_TEXTS = ("txt", "lab")


class WebDataset(ConvertedCorpus):
    """Tar shards, written out to ``root``.

    Args:
        root: folder for the recordings; made if missing.
        source: the shards: a folder, or a pattern such as ``shards/train-*.tar``.
        columns: ``text`` and ``speaker``: fields of the ``.json`` of each sample.
        **options: those of ``Corpus``.
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
        """The name of the folder that the recordings are written to."""
        return self.root.resolve().name

    def _recipe(self) -> dict[str, Any]:
        return {"source": str(self.source), "columns": self.columns}

    def _shards(self) -> list[Path]:
        pattern = self.source / "*.tar*" if self.source.is_dir() else self.source
        found = [Path(path) for path in sorted(glob.glob(str(pattern)))]
        if not found:
            raise InputError(f"data.source={self.source}: there are no shards (*.tar)")
        return found

    def _amount(self) -> float:
        return sum(path.stat().st_size for path in self._shards())

    def _recordings(self) -> Iterator[Recorded]:
        for shard in self._shards():
            for key, files in _samples(shard):
                sounds = [
                    ending for ending in files if f".{ending.split('.')[-1]}" in AUDIO_SUFFIXES
                ]
                if not sounds:
                    continue
                where = f"{shard.name}: {key}"
                text, speaker = self._said(files)
                data = files[sounds[0]]
                yield Recorded(
                    name=f"{shard.name.split('.')[0]}-{key}".replace("/", "-"),
                    text=text,
                    where=where,
                    load=partial(_decode, data),
                    speaker=speaker,
                    amount=len(data),
                )

    def _said(self, files: Mapping[str, bytes]) -> tuple[str, str]:
        """Text and speaker of a sample; empty where they cannot be read."""
        try:
            fields = json.loads(files.get("json", b"{}"))
            text = next((files[kind].decode() for kind in _TEXTS if kind in files), "")
        except ValueError:
            return "", ""
        fields = fields if isinstance(fields, dict) else {}
        speaker = fields.get(self.columns["speaker"])
        text = text or str(fields.get(self.columns["text"]) or "")
        return " ".join(text.split()), "" if speaker is None else str(speaker)


def _samples(shard: Path) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Give key and files, by their endings, of each sample; those of one follow each other."""
    current = ""
    files: dict[str, bytes] = {}
    with shard.open("rb") as stream:
        for name, content in members(shard, stream):
            stem, _, ending = name.name.partition(".")
            key = str(name.parent / stem)
            if key != current and files:
                yield current, files
                files = {}
            current = key
            files[ending.lower()] = content.read()
    if files:
        yield current, files


def _decode(data: bytes) -> Any:
    return decoded(io.BytesIO(data))
