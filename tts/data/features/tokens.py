"""``TokenTable``: the symbol ids of a prepared corpus, read once for each tokenizer.

Ids are stored by the hash of their text under a key of everything that decides them: the
tokenizer's settings, the source of our text front end and the versions of the packages it asks.
When one text changes, one text is read; when the tokenizer changes, ids of the old one are never
met. Characters without a symbol are counted over the corpus and reported in one line.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tts.text
from tts.core.errors import InputError
from tts.core.files import atomic_writer
from tts.core.locks import wait_for_lock
from tts.core.progress import progress
from tts.data.features.prepared import LOCAL, Prepared
from tts.data.features.shards import KEY_BYTES, DamagedError, Shards, ShardWriter
from tts.data.features.table import CorpusTable, Rows
from tts.text import Tokenizer
from tts.text.scripts import encode_checked

# Packages whose release may read a text in another way
_PACKAGES = (
    *("unidecode", "num2words", "hibari-tts", "phonemizer", "espeakng-loader"),
    *("inflect", "whisper-normalizer"),
)


class TokenTable:
    """Symbol ids by row.

    Args:
        folder: where ids are stored by text.
        table: the corpus; rows without ids are those whose text cannot be read.
        tokenizer: that made them.

    Raises:
        FileNotFoundError: they have not been made yet.
        InputError: the files are damaged.
    """

    def __init__(self, folder: Path, table: CorpusTable, tokenizer: Tokenizer) -> None:
        key = tokenizer_key(tokenizer)
        self._shards = token_shards(folder, tokenizer)
        self._path = table_path(folder, table, key)
        about = json.loads(self._path.with_suffix(".json").read_text(encoding="utf-8"))
        self.unknown: dict[str, int] = about["unknown"]
        self.first: str = about["first"]
        #: what is wrong with texts that cannot be read, with their places
        self.unreadable: list[str] = about["unreadable"]
        self._entries: NDArray[Any] | None = None
        if len(self.entries) != len(table) or int(self.entries.max()) >= len(self._shards):
            raise InputError(f"{self._path}: damaged; delete it")

    @property
    def entries(self) -> NDArray[Any]:
        """Where the ids of each row are; -1 if its text cannot be read."""
        if self._entries is None:
            self._entries = np.load(self._path, mmap_mode="r", allow_pickle=False)
        return self._entries

    def lengths(self, rows: Rows) -> NDArray[np.int64]:
        """Number of ids of some rows."""
        lengths = self._shards.records["length"][self.entries[rows]]
        return np.asarray(lengths, dtype=np.int64)

    def readable(self, rows: Rows) -> Rows:
        """Those of some rows that have ids."""
        kept: Rows = rows[self.entries[rows] >= 0]
        return kept

    def __getitem__(self, row: int) -> NDArray[np.int64]:
        """The ids of a row.

        Raises:
            InputError: they are damaged.
        """
        try:
            ids = self._shards.read(int(self.entries[row]))
        except (DamagedError, OSError):
            raise InputError(
                f"{self._shards.index}: symbol ids are damaged; delete {self._shards.name}*"
            ) from None
        return np.asarray(ids, dtype=np.int64)

    def report(self, tokenizer: Tokenizer) -> str:
        """Say in one line which characters of a corpus have no symbol; "" if all have one.

        Raises:
            InputError: there are some, and the tokenizer is told to raise; or a phone is unknown.
        """
        if tokenizer.on_unknown == "ignore" or not self.unknown:
            return ""
        counts = Counter(self.unknown)
        listed = ", ".join(f"{shown!r} x{count}" for shown, count in counts.most_common())
        report = f"not in the symbol table: {listed}; first in {self.first}"
        # A phone in braces is a mistake of the writer under either policy
        if tokenizer.on_unknown == "raise" or any(len(shown) > 1 for shown in counts):
            raise InputError(f"{report}; spell these out, or set tokenizer.on_unknown=ignore")
        return report

    def __getstate__(self) -> dict[str, Any]:
        """Leave what is open behind: a worker opens its own."""
        return self.__dict__ | {"_entries": None}


def make_tokens(prepared: Prepared, tokenizer: Tokenizer, on_error: str) -> TokenTable:
    """Open the ids of a prepared corpus, and make them before if need be.

    Raises:
        InputError: nothing in a text can be pronounced and ``on_error`` is "raise".
    """
    folder, table = prepared.token_folder, prepared.table
    if not table_path(folder, table, tokenizer_key(tokenizer)).is_file():
        texts = list(zip(table.column("where"), table.column("text"), strict=True))
        encode_texts(folder, prepared.name, texts, tokenizer, on_error)
        _write_table(folder, table, tokenizer)
    tokens = TokenTable(folder, table, tokenizer)
    if tokens.unreadable and on_error == "raise":
        raise InputError(tokens.unreadable[0])
    return tokens


def encode_texts(
    folder: Path, name: str, texts: Sequence[tuple[str, str]], tokenizer: Tokenizer, on_error: str
) -> None:
    """Read all texts that have not been read before, and store their ids.

    Args:
        folder: where they are stored by text.
        name: of the corpus, for messages.
        texts: places and texts.
        tokenizer: that reads them.
        on_error: "raise" at a text that cannot be read, or "skip" it.

    Raises:
        InputError: nothing in a text can be pronounced, naming its place.
    """
    shards = token_shards(folder, tokenizer)
    if all(text_key(text) in shards.entries for _, text in texts):
        return
    (folder / LOCAL).mkdir(exist_ok=True)
    with wait_for_lock(folder / LOCAL / "tokens.lock", f"reading the texts of {name}"):
        shards.forget()
        with shards.writing() as writer:
            new = [(where, text) for where, text in texts if text_key(text) not in writer]
            with progress(f"reading the texts of {name}", len(new)) as advance:
                for where, text in new:
                    _encode(where, text, tokenizer.quiet(), writer, on_error)
                    advance(1)


def _encode(where: str, text: str, quiet: Tokenizer, writer: ShardWriter, on_error: str) -> None:
    try:
        ids = encode_checked(quiet, text)
    except InputError as error:
        if on_error == "raise":
            raise InputError(f"{where}: {error}") from None
    else:
        writer.add(text_key(text), np.array(ids), sum(quiet.unknown(text).values()))


def _write_table(folder: Path, table: CorpusTable, tokenizer: Tokenizer) -> None:
    """Note for a corpus which ids belong to which row; all texts have been read."""
    shards, key = token_shards(folder, tokenizer), tokenizer_key(tokenizer)
    keys = map(text_key, table.column("text"))
    found = np.array([shards.entries.get(key, -1) for key in keys], np.int64)
    counts: Counter[str] = Counter()
    (strange,) = np.nonzero(np.append(shards.records["samples"], 0)[found] * (found >= 0))
    for text in table.column("text", strange):
        counts.update(tokenizer.unknown(text))
    about = {
        "unknown": dict(counts),
        "first": table.string(int(strange[0]), "where") if len(strange) else "",
        "unreadable": list(_unreadable(table, np.nonzero(found < 0)[0], tokenizer)),
    }
    path = table_path(folder, table, key)
    path.parent.mkdir(exist_ok=True)
    with atomic_writer(path.with_suffix(".json")) as file:
        file.write((json.dumps(about, ensure_ascii=False, indent=1) + "\n").encode())
    with atomic_writer(path) as file:
        np.lib.format.write_array(file, found, allow_pickle=False)


def token_shards(folder: Path, tokenizer: Tokenizer) -> Shards:
    """The ids that a tokenizer made."""
    dtype = np.int16 if tokenizer.n_symbols <= 2**15 else np.int32
    return Shards(folder, f"tokens-{tokenizer_key(tokenizer)}", dtype)


def table_path(folder: Path, table: CorpusTable, key: str) -> Path:
    """Which ids belong to which row, for one tokenizer."""
    return folder / table.folder.name / f"tokens-{key}.npy"


def tokenizer_key(tokenizer: Tokenizer) -> str:
    """12 hexadecimal digits that are equal when every text has equal ids."""
    settings = tokenizer.to_dict()
    # what is done about unknown characters does not change the ids of the others
    del settings["on_unknown"]
    text = json.dumps(settings, sort_keys=True) + _front_end()
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def text_key(text: str) -> bytes:
    """The key under which the ids of a text are stored."""
    return hashlib.blake2b(text.encode(), digest_size=KEY_BYTES).digest()


@cache
def _front_end() -> str:
    """What else decides how a text is read: our source, and the packages it asks."""
    digest = hashlib.sha256()
    for path in sorted(Path(tts.text.__path__[0]).rglob("*.py")):
        digest.update(path.read_bytes())
    for package in _PACKAGES:
        try:
            digest.update(f"{package} {metadata.version(package)}".encode())
        except metadata.PackageNotFoundError:
            continue
    return digest.hexdigest()


def _unreadable(table: CorpusTable, rows: Rows, tokenizer: Tokenizer) -> Iterator[str]:
    for row in rows.tolist():
        try:
            encode_checked(tokenizer.quiet(), table.string(row, "text"))
        except InputError as error:
            yield f"{table.string(row, 'where')}: {error}"
