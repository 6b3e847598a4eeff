"""Ground-truth-aligned mels: what an acoustic model predicts, frame for frame of a recording.

``python train.py task=dump_mels`` writes them into the prepared folder, beside the mels of the
recordings, under a key of everything that decides them: weights, sizes, symbols and speakers of
the acoustic model, and the front end that reads its texts. Each is found by the content of its
recording, its text and its speaker. Whatever changes, another key is asked for: what is stale is
never met. Files: ``gta-KEY.index``, ``gta-KEY-00000.float32``.
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
from tts.data.features.shards import KEY_BYTES, DamagedError, Shards
from tts.data.features.tokens import tokenizer_key
from tts.text import Tokenizer

if TYPE_CHECKING:
    from tts.pretrained.checkpoint import LoadedCheckpoint

#: Raised whenever the meaning of what is stored changes.
GTA_FORMAT = 1
# the same frames come out with either value
_SAME_MELS = ("mask_convolutions", "recurrence")


@dataclass(frozen=True)
class AcousticModel:
    """An acoustic model, as far as it decides mels.

    Attributes:
        path: as the user wrote it.
        key: 12 hexadecimal digits that are equal for equal mels.
        mel: its mel contract.
        tokenizer: that it was trained with.
        speakers: names of its voices, by their numbers; empty if it has one.
    """

    path: str
    key: str
    mel: MelConfig
    tokenizer: Tokenizer
    speakers: tuple[str, ...]

    def check_mel(self, mel: MelConfig) -> None:
        """Refuse data of another mel contract.

        Raises:
            InputError: naming what differs.
        """
        if differences := self.mel.differences(mel):
            raise InputError(
                f"acoustic={self.path}: was trained on other mels than these data have: "
                f"{'; '.join(differences)} (here: acoustic, there: data)"
            )

    def voices(self, speakers: Sequence[str]) -> list[int]:
        """Its number of each speaker of a corpus.

        Args:
            speakers: names, by their numbers in the corpus; empty where nobody is named.

        Raises:
            InputError: it has no such voice.
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
                f"acoustic={self.path}: has {len(self.speakers)} voices, and the corpus does not "
                "say who speaks"
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
        What it is, and the checkpoint, with which its network can be built.

    Raises:
        InputError: no such file, or no acoustic model.
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
    """The mels of an acoustic model in a prepared folder, or where its symbol ids are kept."""
    return Shards(prepared.token_folder, f"gta-{acoustic.key}", np.float32)


def entry_keys(prepared: Prepared, acoustic: AcousticModel) -> list[bytes]:
    """The key of each row: of the bytes of its recording, its text and its voice.

    Raises:
        InputError: the corpus has a speaker whom the acoustic model does not know.
    """
    table = prepared.table
    voices = acoustic.voices(table.about["speakers"])
    recordings = mel_shards(prepared.folder).records["key"][table.rows["mel"]]
    digests = np.ascontiguousarray(recordings).tobytes()
    rows = zip(table.column("text"), table.rows["speaker"].tolist(), strict=True)
    return [
        hashlib.blake2b(
            digests[KEY_BYTES * row : KEY_BYTES * (row + 1)] + f"{voices[speaker]} {text}".encode(),
            digest_size=KEY_BYTES,
        ).digest()
        for row, (text, speaker) in enumerate(rows)
    ]


class GtaMels:
    """The mels of an acoustic model for a corpus, by row.

    Args:
        prepared: the corpus, with the mels of its recordings.
        acoustic: whose mels.

    Raises:
        InputError: there are none, or fewer than were written.
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
        """What to do when there are none."""
        command = f"python train.py task=dump_mels acoustic={self.acoustic.path}"
        return f"run {command} with the data options of this training"

    def complete(self, rows: Rows, on_error: str) -> Rows:
        """Those of some rows that have a mel.

        Raises:
            InputError: none has one; or some have none and ``on_error`` is "raise".
        """
        kept: Rows = rows[self.entries[rows] >= 0]
        if len(kept) < len(rows) and (on_error == "raise" or not len(kept)):
            raise InputError(
                f"data.mels=gta: {len(rows) - len(kept)} of {len(rows)} recordings have no mel of "
                f"{self.acoustic.path}; {self.remedy}"
            )
        return kept

    def mel(self, row: int) -> Tensor:
        """A copy of the mel of a row, ``(n_mels, T_mel)``.

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
        """Mean absolute difference to the mels of the recordings, natural logarithms."""
        records: NDArray[Any] = self._shards.records[self.entries[self.entries >= 0]]
        return float(np.average(records["samples"] / DISTANCE_SCALE, weights=records["length"]))


#: Distances are stored as whole millionths, in the field that is the writer's own.
DISTANCE_SCALE = 1e6
