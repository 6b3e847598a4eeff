"""``MelStore``: the log-mels of a corpus in one memory-mapped file, computed once.

The folder's name depends on the mel contract and on every recording's size and date, so a store
can be stale only by never being used again. One file and an index read as fast as any
format that needs a library: some 40,000 mels a second, in any order. A checksum tells when a
disk or another programme has spoilt a mel, which is then computed again.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tts.audio import LogMel, MelConfig
from tts.data.building import atomic_folder, n_cores, ordered_map, progress
from tts.data.manifest import Utterance
from tts.data.recordings import files_key, make_cache, read_samples, slug
from tts.errors import InputError

_log = logging.getLogger(__name__)

# Raised whenever the meaning of the files below changes
_FORMAT = "mels 2"
_MELS, _INDEX = "mels.float32", "index.npz"


class MelStore:
    """Log-mel spectrograms by the id of their utterance.

    The file is opened when a mel is first asked for, in each DataLoader worker anew.

    Args:
        folder: a complete store, as ``build`` makes it.
        utterances: whose recordings a damaged mel can be computed again from.
        config: the mel contract, for the same purpose.

    Raises:
        InputError: the store is damaged.
    """

    def __init__(
        self,
        folder: str | Path,
        utterances: Sequence[Utterance] = (),
        config: MelConfig | None = None,
    ) -> None:
        self.folder = Path(folder)
        self._sources = {utterance.id: utterance for utterance in utterances}
        self._config = config
        self._mels: NDArray[np.float32] | None = None
        self._places: dict[str, tuple[int, int]] = {}
        self._checksums: dict[str, int] = {}
        self._checked: set[str] = set()
        self._has_warned = False
        self._read_index()

    @classmethod
    def build(
        cls,
        utterances: Sequence[Utterance],
        config: MelConfig,
        cache_dir: str | Path,
        name: str = "corpus",
    ) -> MelStore:
        """Open the store of some utterances, computing it unless it is there.

        Recordings at another rate are resampled; whether that is wanted is the caller's to say.

        Args:
            utterances: what to store.
            config: the mel contract.
            cache_dir: stores lie here side by side, one for each contract and state of the files.
            name: of the corpus, for the folder's name and the progress bar.

        Raises:
            InputError: a recording cannot be read, or the cache cannot be written.
        """
        key = files_key(utterances, _FORMAT, config.fingerprint())
        folder = Path(cache_dir) / f"{slug(name)}-{key}"
        if folder.exists():
            try:
                return cls(folder, utterances, config)
            except InputError as error:
                _log.warning("%s; computing it again", error)
                shutil.rmtree(folder, ignore_errors=True)
        make_cache(folder.parent)
        with atomic_folder(folder) as partial:
            _write(utterances, config, partial, f"computing mels of {name}")
        return cls(folder, utterances, config)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def n_frames(self, name: str) -> int:
        """Give the length ``T_mel`` of an utterance's mel."""
        start, end = self._places[name]
        return end - start

    def __getitem__(self, name: str) -> Tensor:
        """Give a copy of an utterance's mel, ``(n_mels, T_mel)``.

        Raises:
            InputError: the mel is damaged, and so is its recording.
        """
        if self._mels is None:
            self._mels = np.memmap(self.folder / _MELS, dtype=np.float32, mode="r")
        start, end = self._places[name]
        flat = np.array(self._mels[start * self.n_mels : end * self.n_mels])
        if name not in self._checked:
            if zlib.crc32(flat.data) != self._checksums[name]:
                flat = self._recomputed(name)
            self._checked.add(name)
        return torch.from_numpy(flat.reshape(self.n_mels, end - start))

    def __getstate__(self) -> dict[str, Any]:
        """Leave the open file behind: a worker opens its own."""
        return self.__dict__ | {"_mels": None, "_checked": set()}

    def _recomputed(self, name: str) -> NDArray[np.float32]:
        """Compute a damaged mel again, and put it where it belongs."""
        path, (start, end) = self.folder / _MELS, self._places[name]
        if self._config is None or name not in self._sources:
            raise InputError(f"{path}: the mel of {name!r} is damaged; delete the folder")
        utterance = self._sources[name]
        flat = _mel_of(utterance, LogMel(self._config)).ravel()
        if len(flat) != (end - start) * self.n_mels:
            raise InputError(f"{utterance.wav}: has changed since its mel was computed; run again")
        if not self._has_warned:
            _log.warning("%s: the mel of %r is damaged, computing such mels again", path, name)
            self._has_warned = True
        if zlib.crc32(flat.data) == self._checksums[name]:
            with contextlib.suppress(OSError), path.open("r+b") as file:
                file.seek(start * self.n_mels * 4)
                flat.tofile(file)
        return flat

    def _read_index(self) -> None:
        try:
            with np.load(self.folder / _INDEX, allow_pickle=False) as index:
                names, ends = index["names"].tolist(), index["ends"].tolist()
                self.n_mels = int(index["n_mels"])
                self._checksums = dict(zip(names, index["checksums"].tolist(), strict=True))
            size = (self.folder / _MELS).stat().st_size
        except Exception as error:  # whatever zip, numpy or the disk say of a damaged file
            raise InputError(f"{self.folder}: not a mel store ({error}); delete it") from None
        expected = (ends[-1] if ends else 0) * self.n_mels * 4
        if size != expected:
            raise InputError(
                f"{self.folder / _MELS}: {size} bytes, expected {expected}; delete the folder"
            )
        starts = [0, *ends[:-1]]
        self._places = dict(zip(names, zip(starts, ends, strict=True), strict=True))


def _write(
    utterances: Sequence[Utterance], config: MelConfig, folder: Path, description: str
) -> None:
    log_mel = LogMel(config)
    ends, checksums, end = [], [], 0
    with (
        _one_thread_per_transform(),
        progress(description, len(utterances)) as advance,
        (folder / _MELS).open("wb") as file,
    ):
        for mel in ordered_map(lambda u: _mel_of(u, log_mel), utterances, n_cores()):
            mel.tofile(file)
            end += mel.shape[1]
            ends.append(end)
            checksums.append(zlib.crc32(mel.data))
            advance(1)
    np.savez(
        folder / _INDEX,
        names=np.array([utterance.id for utterance in utterances]),
        ends=np.array(ends),
        checksums=np.array(checksums, dtype=np.uint32),
        n_mels=np.array(config.n_mels),
    )


def _mel_of(utterance: Utterance, log_mel: LogMel) -> NDArray[np.float32]:
    samples = read_samples(utterance.wav, log_mel.config.sample_rate)
    try:
        mel: NDArray[np.float32] = log_mel(torch.from_numpy(samples))[0].numpy()
    except InputError as error:
        raise InputError(f"{utterance.where}: {utterance.wav}: {error}") from None
    return np.ascontiguousarray(mel)


@contextmanager
def _one_thread_per_transform() -> Iterator[None]:
    """Keep parallel transforms from parallelising each again, which costs more than it gives."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
