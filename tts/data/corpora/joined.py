"""Joins several corpora into one, each with its own voices, and adds copies at other pitches.

A network memorises half an hour of one voice before it learns to read in general. It overfits later
if it also trains on hours of other voices (synthetic ones are enough), and on faster and slower
copies of the voice. Tacotron 2 then tells the voices apart by their embedding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tts.audio.channels import Mono
from tts.audio.resampling import resampled
from tts.core.errors import InputError
from tts.data.corpora.corpus import Corpus, refuse_equal_ids
from tts.data.corpora.generated import ConvertedCorpus, SourceRecording, decode_mono
from tts.data.corpora.manifest import Faults, ManifestRow, Utterance
from tts.data.corpora.splits import Split


class JoinedCorpus(ConvertedCorpus):
    """Joins named corpora; the ids become ``NAME-id``, and a voice without a name becomes ``NAME``.

    Each part keeps its own split. Only utterances of the training sets are copied, so that no text
    that is held out is trained on at another pitch. The voice of the copies is ``NAME*0.96``.

    Args:
        root: folder that the copies are written to; it is made if it is missing.
        val_fraction: without effect, because each part has its own split.
        test_fraction: without effect, for the same reason.
        parts: corpora by name.
        copies: by name of a part, the factors by which its recordings are sped up and raised in
            pitch; below 1 they become slower and deeper.
        **options: the options of ``Corpus`` except ``held_out``, which belongs to a part.

    Raises:
        InputError: there are no parts, a copied part is missing, or a factor is outside 0.5 to 2.
    """

    kind = "joined corpus"

    def __init__(
        self,
        root: str | Path,
        val_fraction: float = 0.05,
        test_fraction: float = 0.0,
        *,
        parts: Mapping[str, Corpus],
        copies: Mapping[str, Sequence[float]] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(root, val_fraction, test_fraction, **options)
        self.parts = dict(parts)
        self.copies = {name: tuple(factors) for name, factors in (copies or {}).items()}
        self._check()

    @property
    def name(self) -> str:
        """Return a name such as "LJ Speech and synthetic corpus (hibari)"."""
        return " and ".join(part.name for part in self.parts.values())

    def prepare(self) -> None:
        """Prepare the parts, and make the copies unless they exist.

        Raises:
            InputError: a part cannot be prepared, or the copies cannot be made.
        """
        for part in self.parts.values():
            part.prepare()
        refuse_equal_ids(self._rows_of_parts([]))
        if self._has_copies:
            super().prepare()

    def _check(self) -> None:
        if not self.parts:
            raise InputError("data.parts: name at least one corpus")
        if self.held_out is not None:
            raise InputError(
                f"data.held_out={self.held_out}: set it for a part, data.parts.NAME.held_out=..."
            )
        for name, factors in self.copies.items():
            if name not in self.parts:
                raise InputError(f"data.copies: {name!r} is none of {', '.join(self.parts)}")
            if wrong := [x for x in factors if not 0.5 <= x <= 2 or round(x, 3) == 1]:
                raise InputError(
                    f"data.copies.{name}: {wrong[0]}; factors are 0.5 to 2, and not 1, which would "
                    "repeat the recordings"
                )

    @property
    def _has_copies(self) -> bool:
        return any(self.copies.values())

    def _recipe(self) -> dict[str, Any]:
        return {
            "copies": {name: list(factors) for name, factors in self.copies.items()},
            "of": {name: self.parts[name].fingerprint() for name in self.copies},
        }

    def _total_amount(self) -> float:
        return sum(len(self._splits[name]["train"]) * len(x) for name, x in self.copies.items())

    def _recordings(self) -> Iterator[SourceRecording]:
        for name, factors in self.copies.items():
            part = self.parts[name]
            for factor in factors:
                for utterance in self._splits[name]["train"]:
                    yield SourceRecording(
                        name=f"{name}-{utterance.id}-{round(factor * 1000)}",
                        source=f"{name}\0{utterance.id}\0{factor}",
                        text=utterance.text,
                        where=f"{name}: {utterance.where}",
                        load=partial(_sped_up, utterance.wav, factor, self.mono),
                        speaker=f"{_voice(name, part, utterance)}*{factor:g}",
                    )

    def _ids_elsewhere(self) -> Iterator[str]:
        return (row.id for row in self._rows_of_parts([]))

    def _read_rows(self, faults: Faults) -> list[ManifestRow]:
        rows = self._rows_of_parts(faults)
        return rows + (super()._read_rows(faults) if self._has_copies else [])

    def _rows_of_parts(self, faults: Faults) -> list[ManifestRow]:
        rows = []
        for name, part in self.parts.items():
            faults += [f"{name}: {fault}" for fault in part.faults()]
            rows += [
                ManifestRow(
                    f"{name}-{utterance.id}",
                    str(utterance.wav),
                    utterance.text,
                    f"{name}: {utterance.where}",
                    _voice(name, part, utterance),
                )
                for utterance in part.utterances()
            ]
        return rows

    @cached_property
    def _splits(self) -> dict[str, Split]:
        return {name: part.split() for name, part in self.parts.items()}

    def _split(self) -> Split:
        held_out = {
            f"{name}-{utterance.id}": share
            for name, split in self._splits.items()
            for share in ("val", "test")
            for utterance in split[share]
        }
        split: Split = {"train": [], "val": [], "test": []}
        for utterance in self._utterances:
            split[held_out.get(utterance.id, "train")].append(utterance)
        return split


def _voice(name: str, part: Corpus, utterance: Utterance) -> str:
    """Return the name of a part's speaker in the joined corpus."""
    return f"{name}-{part.speakers[utterance.speaker]}" if part.speakers else name


def _sped_up(wav: Path, factor: float, mono: Mono | None) -> tuple[NDArray[np.float32], int]:
    """Return a recording at another speed and therefore another pitch, at its own rate."""
    samples, rate = decode_mono(str(wav), mono)
    return np.clip(resampled(samples, round(rate * factor), rate), -1, 1), rate
