"""Reads ground-truth-aligned (GTA) mels: those that an acoustic model predicts frame for frame.

``python train.py task=dump_mels`` writes them into the prepared folder, next to the mels of the
recordings. The file names, ``gta-KEY.index`` and ``gta-KEY-00000.float32``, have a key of
everything that decides the mels: weights, sizes, symbols and speakers of the acoustic model, and
the front end that reads its texts. A mel is found by the content of its recording, its text and its
speaker. Each change leads to another key, so an outdated mel is never found.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tts.audio import MelConfig
from tts.core.errors import InputError, listed
from tts.data.features.corpus_table import Rows
from tts.data.features.prepared import Prepared
from tts.data.features.prepared_folder import mel_shards
from tts.data.features.shards import KEY_BYTES, DamagedError, Shards, content_key
from tts.data.features.tokens import tokenizer_key
from tts.text import Tokenizer

if TYPE_CHECKING:
    from tts.pretrained.checkpoint import LoadedCheckpoint

#: Increased whenever the meaning of the stored mels changes.
GTA_FORMAT = 1
#: Distances are stored as whole millionths, in the field ``samples`` of a record.
DISTANCE_SCALE = 1e6
# the mels are the same with each value of these sizes
_SAME_MELS = ("mask_convolutions", "recurrence", "runner")


@dataclass(frozen=True)
class AcousticModel:
    """Describes what of an acoustic model decides its mels.

    Attributes:
        path: the checkpoint, as the user wrote it.
        key: 12 hexadecimal digits that are equal for equal mels.
        mel: its mel contract.
        tokenizer: the one that it was trained with.
        speakers: names of its voices, by their numbers; empty if it has one voice.
    """

    path: str
    key: str
    mel: MelConfig
    tokenizer: Tokenizer
    speakers: tuple[str, ...]

    def check_mel(self, mel: MelConfig) -> None:
        """Refuse data of another mel contract.

        Raises:
            InputError: the message names what differs.
        """
        if differences := self.mel.differences(mel):
            raise InputError(
                f"acoustic={self.path}: was trained on other mels than these data have: "
                f"{'; '.join(differences)} (here: acoustic, there: data)"
            )

    def voices(self, speakers: Sequence[str]) -> list[int]:
        """Return the model's number of each speaker of a corpus.

        Args:
            speakers: names, by their numbers in the corpus; empty if the speakers have no names.

        Raises:
            InputError: the model has no such voice.
        """
        if not self.speakers:
            if len(speakers) > 1:
                raise InputError(
                    f"acoustic={self.path}: has one voice, and the corpus {len(speakers)} "
                    "speakers; choose one: data.only_speakers=[...] data.n_speakers=1"
                )
            return [0]
        if not speakers:
            raise InputError(
                f"acoustic={self.path}: has {len(self.speakers)} voices, and the corpus names no "
                "speakers; docs/data.md says how to name them"
            )
        if unknown := [name for name in speakers if name not in self.speakers]:
            raise InputError(
                f"acoustic={self.path}: has no voice of {listed(unknown, 5)}; it knows "
                f"{listed(self.speakers, 10)}"
            )
        return [self.speakers.index(name) for name in speakers]


def read_acoustic(path: str | Path) -> tuple[AcousticModel, LoadedCheckpoint]:
    """Read the checkpoint of an acoustic model.

    Args:
        path: a file, or the name of a published one.

    Returns:
        The description of the model, and the checkpoint from which its network can be built.

    Raises:
        InputError: the file is missing, or holds no acoustic model.
    """
    from tts.pretrained.convert import read_complete

    checkpoint = read_complete(path, "Tacotron2")
    known = checkpoint.description
    tokenizer = Tokenizer.from_dict(known["tokenizer"])
    n_speakers = known["network_config"].get("n_speakers", 1)
    names = known["speakers"] or map(str, range(n_speakers))
    speakers = tuple(names) if n_speakers > 1 else ()
    key, mel = _key(checkpoint, tokenizer, speakers), MelConfig.from_dict(known["mel"])
    return AcousticModel(str(path), key, mel, tokenizer, speakers), checkpoint


def _key(checkpoint: LoadedCheckpoint, tokenizer: Tokenizer, speakers: tuple[str, ...]) -> str:
    sizes = checkpoint.description["network_config"]
    sizes = {name: size for name, size in sizes.items() if name not in _SAME_MELS}
    about = [GTA_FORMAT, sizes, tokenizer_key(tokenizer), speakers]
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name, weight in sorted(checkpoint.state.items()):
        digest.update(f"{name} {tuple(weight.shape)}".encode())
        digest.update(weight.contiguous().numpy().reshape(-1).view(np.uint8).data)
    return digest.hexdigest()[:12]


def gta_shards(prepared: Prepared, acoustic: AcousticModel) -> Shards:
    """Return the stored mels of an acoustic model; they lie where the symbol ids are."""
    return Shards(prepared.token_folder, f"gta-{acoustic.key}", np.float32)


def acoustic_of(file: Path) -> str | None:
    """Return the name of the checkpoint whose mels a file ``gta-KEY.json`` describes, if it can."""
    try:
        about = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return about.get("acoustic") if isinstance(about, dict) else None


def entry_keys(prepared: Prepared, acoustic: AcousticModel) -> list[bytes]:
    """Return the key of each row: a hash of its recording, its text and its voice.

    Raises:
        InputError: the corpus has a speaker whom the acoustic model does not know.
    """
    table = prepared.table
    voices = acoustic.voices(table.about["speakers"])
    recordings = mel_shards(prepared.folder).records["key"][table.rows["mel"]]
    digests = np.ascontiguousarray(recordings).tobytes()
    rows = zip(table.column("text"), table.rows["speaker"].tolist(), strict=True)
    return [
        content_key(
            digests[KEY_BYTES * row : KEY_BYTES * (row + 1)] + f"{voices[speaker]} {text}".encode()
        )
        for row, (text, speaker) in enumerate(rows)
    ]


def dropout_seed(key: bytes) -> int:
    """Return the seed of a recording's dropout, given its key from :func:`entry_keys`."""
    return int.from_bytes(key[:8], "little") >> 1


class GtaMels:
    """Gives the mels of an acoustic model for the rows of a corpus.

    Args:
        prepared: the corpus, with the mels of its recordings.
        acoustic: the acoustic model.

    Attributes:
        entries: the entry of each row in the shards; -1 if it has no mel.

    Raises:
        InputError: a file is shorter than its index says.
    """

    def __init__(self, prepared: Prepared, acoustic: AcousticModel) -> None:
        self.acoustic = acoustic
        self._shards = gta_shards(prepared, acoustic)
        self._n_mels = prepared.contract.mel.n_mels
        entries, keys = self._shards.entries, entry_keys(prepared, acoustic)
        self.entries = np.array([entries.get(key, -1) for key in keys], np.int64)
        if not self._shards.is_whole():
            raise InputError(f"{self._shards.index}: damaged; {self.remedy}")

    @property
    def remedy(self) -> str:
        """Return the advice of a message about missing mels."""
        command = f"python train.py task=dump_mels acoustic={self.acoustic.path}"
        return f"run {command} with the data options of this training"

    def complete(self, rows: Rows, on_error: str) -> Rows:
        """Return those of some rows that have a mel.

        Raises:
            InputError: no row has a mel; or a row has none and ``on_error`` is "raise".
        """
        kept: Rows = rows[self.entries[rows] >= 0]
        if len(kept) < len(rows) and (on_error == "raise" or not len(kept)):
            raise InputError(
                f"data.mels=gta: {len(rows) - len(kept)} of {len(rows)} recordings have no mel of "
                f"{self.acoustic.path}; {self.remedy}{self._outdated()}"
            )
        return kept

    def _outdated(self) -> str:
        """Return the end of a message about mels that a checkpoint of the same name has made."""
        folder, name = self._shards.folder, self.acoustic.path.rsplit("/")[-1]
        others = [file for file in folder.glob("gta-*.json") if file.stem != self._shards.name]
        outdated = sorted(file.stem for file in others if acoustic_of(file) == name)
        if not outdated:
            return ""
        return (
            f" (those in {listed(outdated, 3)} are of other weights, or of a version of tacoglow "
            "that reads texts in another way; they can be deleted)"
        )

    def mel(self, row: int) -> Tensor:
        """Return the mel ``(n_mels, T_mel)`` of a row.

        Raises:
            InputError: it is damaged.
        """
        try:
            flat = self._shards.read(int(self.entries[row]))
        except (DamagedError, OSError):
            name = self._shards.name
            raise InputError(
                f"{self._shards.index}: damaged; delete {name}*, and {self.remedy}"
            ) from None
        return torch.from_numpy(flat.reshape(self._n_mels, -1))

    def distance(self) -> float:
        """Return the mean absolute difference to the recordings' mels, in natural logarithms."""
        records: NDArray[Any] = self._shards.records[self.entries[self.entries >= 0]]
        return float(np.average(records["samples"] / DISTANCE_SCALE, weights=records["length"]))
