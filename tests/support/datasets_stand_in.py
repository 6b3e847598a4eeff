"""Imitates the few functions of Hugging Face's library ``datasets`` that the package calls.

The library is no part of the development environment. Where it is installed, the tests use it.
"""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any


class Audio:
    """Marks a column of sound; only the form without decoding can be read here."""

    def __init__(self, decode: bool = True) -> None:
        self.decode = decode


class ClassLabel:
    """Names the whole numbers of a column."""

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def int2str(self, value: int) -> str:
        return self.names[value]


class Dataset:
    """Holds a table by columns, with the features of some of them."""

    def __init__(self, columns: dict[str, list[Any]], features: dict[str, Any]) -> None:
        self._columns, self.features = columns, features

    @classmethod
    def from_dict(cls, columns: dict[str, list[Any]]) -> Dataset:
        return cls(columns, dict.fromkeys(columns))

    @property
    def column_names(self) -> list[str]:
        return list(self._columns)

    def cast_column(self, name: str, feature: Any) -> Dataset:
        return Dataset(self._columns, {**self.features, name: feature})

    def select_columns(self, names: list[str]) -> Dataset:
        kept = {name: self._columns[name] for name in names}
        return Dataset(kept, {name: self.features[name] for name in names})

    def select(self, rows: list[int]) -> Dataset:
        kept = {name: [values[row] for row in rows] for name, values in self._columns.items()}
        return Dataset(kept, self.features)

    def save_to_disk(self, folder: Path) -> None:
        self.to_parquet(folder / "table")
        (folder / "state.json").write_text("{}")

    def to_parquet(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(self))

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())))

    def __iter__(self) -> Any:
        for row in range(len(self)):
            for name, feature in self.features.items():
                # the package has to decode the sound itself
                assert not isinstance(feature, Audio) or not feature.decode, name
            yield {name: values[row] for name, values in self._columns.items()}


class DatasetDict(dict[str, Dataset]):
    """Holds the parts of a data set."""

    def save_to_disk(self, folder: Path) -> None:
        for name, table in self.items():
            table.save_to_disk(folder / name)
        (folder / "dataset_dict.json").write_text(json.dumps({"splits": list(self)}))


def load_from_disk(folder: str) -> Dataset | DatasetDict:
    description = Path(folder, "dataset_dict.json")
    if not description.is_file():
        return _read(Path(folder, "table"))
    names = json.loads(description.read_text())["splits"]
    return DatasetDict({name: _read(Path(folder, name, "table")) for name in names})


def load_dataset(source: str, subset: str | None, *, split: str, revision: str | None) -> Dataset:
    path = Path(source, f"{split}.parquet")
    if not path.is_file():
        raise FileNotFoundError(f"Couldn't find {source}\non the hub")
    return _read(path)


def _read(path: Path) -> Dataset:
    table: Dataset = pickle.loads(path.read_bytes())
    return table
