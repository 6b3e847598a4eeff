"""``MelStore``: the log-mels of a corpus in one memory-mapped file, computed once.

The folder's name depends on the mel contract and on every recording's size and date, so a store
can be stale only by never being used again. One file and an index read as fast as any
format that needs a library: some 40,000 mels a second, in any order.
"""

from __future__ import annotations

import logging
import shutil
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
_FORMAT = "mels 1"
_MELS, _INDEX = "mels.float32", "index.npz"


class MelStore:
    """Log-mel spectrograms by the id of their utterance.

    The file is opened when a mel is first asked for, in each DataLoader worker anew.

    Args:
        folder: a complete store, as ``build`` makes it.

    Raises:
        InputError: the store is damaged.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._mels: NDArray[np.float32] | None = None
        self._places: dict[str, tuple[int, int]] = {}
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
                return cls(folder)
            except InputError as error:
                _log.warning("%s; computing it again", error)
                shutil.rmtree(folder, ignore_errors=True)
        make_cache(folder.parent)
        with atomic_folder(folder) as partial:
            _write(utterances, config, partial, f"computing mels of {name}")
        return cls(folder)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def n_frames(self, name: str) -> int:
        """Give the length ``T_mel`` of an utterance's mel."""
        start, end = self._places[name]
        return end - start

    def __getitem__(self, name: str) -> Tensor:
        """Give a copy of an utterance's mel, ``(n_mels, T_mel)``."""
        if self._mels is None:
            self._mels = np.memmap(self.folder / _MELS, dtype=np.float32, mode="r")
        start, end = self._places[name]
        flat = self._mels[start * self.n_mels : end * self.n_mels]
        return torch.from_numpy(np.array(flat).reshape(self.n_mels, end - start))

    def __getstate__(self) -> dict[str, Any]:
        """Leave the open file behind: a worker opens its own."""
        return self.__dict__ | {"_mels": None}

    def _read_index(self) -> None:
        try:
            with np.load(self.folder / _INDEX, allow_pickle=False) as index:
                names, ends = index["names"].tolist(), index["ends"].tolist()
                self.n_mels = int(index["n_mels"])
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

    def compute(utterance: Utterance) -> NDArray[np.float32]:
        samples = read_samples(utterance.wav, config.sample_rate)
        try:
            mel: NDArray[np.float32] = log_mel(torch.from_numpy(samples))[0].numpy()
        except InputError as error:
            raise InputError(f"{utterance.where}: {utterance.wav}: {error}") from None
        return mel

    ends, end = [], 0
    with (
        _one_thread_per_transform(),
        progress(description, len(utterances)) as advance,
        (folder / _MELS).open("wb") as file,
    ):
        for mel in ordered_map(compute, utterances, n_cores()):
            mel.tofile(file)
            end += mel.shape[1]
            ends.append(end)
            advance(1)
    names = np.array([utterance.id for utterance in utterances])
    np.savez(folder / _INDEX, names=names, ends=np.array(ends), n_mels=np.array(config.n_mels))


@contextmanager
def _one_thread_per_transform() -> Iterator[None]:
    """Keep parallel transforms from parallelising each again, which costs more than it gives."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
