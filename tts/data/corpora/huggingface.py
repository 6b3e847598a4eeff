"""Reads data sets of the library ``datasets``, from the hub or from disk.

This module decodes the sound itself, from the bytes or the files in the table, because the
library's own decoder needs packages that depend on the version of torch.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tts.audio.channels import Mono
from tts.core.errors import InputError, listed, one_line
from tts.data.corpora.generated import ConvertedCorpus, SourceRecording, decode_mono


class HuggingFace(ConvertedCorpus):
    """Writes a data set with a column of sound and a column of text into ``root``.

    Args:
        root: folder for the recordings; it is made if it is missing.
        source: name on the hub, such as "keithito/lj_speech", or a folder that
            ``save_to_disk`` has written.
        subset: one subset of a data set with several ("name" in ``datasets.load_dataset``).
        split: the part of the data set to read; this part is then split for training and
            validation like any corpus.
        revision: commit or tag on the hub.
        columns: names of the columns, by the keys ``audio``, ``text`` and ``speaker``.
        **options: the options of ``Corpus``.
    """

    kind = "corpus made of a data set"

    def __init__(
        self,
        root: str | Path,
        source: str | Path,
        subset: str | None = None,
        split: str = "train",
        revision: str | None = None,
        columns: Mapping[str, str | None] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(root, **options)
        self.source, self.subset, self.part, self.revision = str(source), subset, split, revision
        self.columns = {"audio": "audio", "text": "text", "speaker": None, **(columns or {})}

    @property
    def name(self) -> str:
        """Return a name such as "keithito/lj_speech train"."""
        source = Path(self.source).name if Path(self.source).is_dir() else self.source
        return " ".join(filter(None, (source, self.subset, self.part)))

    def _recipe(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "subset": self.subset,
            "split": self.part,
            "revision": self.revision,
            "columns": self.columns,
        }

    def _make(self, folder: Path) -> dict[str, Any]:
        self._table = self._load()
        return super()._make(folder)

    def _total_amount(self) -> float:
        return len(self._table)

    def _recordings(self) -> Iterator[SourceRecording]:
        audio, text, speaker = (self.columns[key] for key in ("audio", "text", "speaker"))
        name_of = _speaker_names(self._table, speaker)
        for number, row in enumerate(self._table):
            yield SourceRecording(
                name=f"{number:06d}",
                text=" ".join(str(row[text] or "").split()),
                where=f"{self.name}, row {number}",
                load=partial(_decode, row[audio], self.mono),
                speaker=name_of(row[speaker]) if speaker else "",
            )

    def _load(self) -> Any:
        try:
            import datasets
        except ImportError:
            raise InputError(
                "data=huggingface needs the package datasets; run: pip install 'tacoglow[hf]'"
            ) from None
        try:
            table = self._open(datasets)
        except InputError:
            raise
        except Exception as error:  # the library passes on the errors of its many back ends
            reason = one_line(error)[:300] or type(error).__name__
            raise InputError(f"data.source={self.source}: cannot be loaded: {reason}") from None
        columns = {key: column for key, column in self.columns.items() if column is not None}
        for key, column in columns.items():
            if column not in table.column_names:
                known = listed(table.column_names, 12)
                raise InputError(
                    f"data.columns.{key}={column}: no such column; {self.source} has {known}"
                )
        table = table.select_columns(list(columns.values()))
        return table.cast_column(self.columns["audio"], datasets.Audio(decode=False))

    def _open(self, datasets: Any) -> Any:
        if not Path(self.source, "state.json").is_file() and not self._is_saved_dictionary():
            options = {"split": self.part, "revision": self.revision}
            return datasets.load_dataset(self.source, self.subset, **options)
        table = datasets.load_from_disk(self.source)
        if not isinstance(table, datasets.DatasetDict):
            return table
        if self.part not in table:
            raise InputError(
                f"data.split={self.part}: no such part; {self.source} has {', '.join(table)}"
            )
        return table[self.part]

    def _is_saved_dictionary(self) -> bool:
        return Path(self.source, "dataset_dict.json").is_file()


def _speaker_names(table: Any, column: str | None) -> Callable[[Any], str]:
    """Return a function from values of the speakers' column to names, also for class labels."""
    if column is not None and hasattr(table.features[column], "int2str"):
        return lambda value: str(table.features[column].int2str(value))
    return lambda value: "" if value is None else str(value)


def _decode(audio: Any, mono: Mono | None) -> Any:
    if isinstance(audio, dict) and audio.get("bytes"):
        return decode_mono(io.BytesIO(audio["bytes"]), mono)
    if isinstance(audio, dict) and audio.get("path"):
        return decode_mono(audio["path"], mono)
    raise InputError("has no sound")
