"""``JoinedCorpus``: several corpora as one, each with its own voices, and copies at other pitches.

Half an hour of one voice is learnt by heart before it is understood. Beside hours of others (a
machine's will do) and beside itself, played faster and slower, it teaches for longer: Tacotron 2
then tells the voices apart by their embedding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tts.audio.resampling import resampled
from tts.core.errors import InputError
from tts.data.corpora.corpus import Corpus
from tts.data.corpora.generated import ConvertedCorpus, Recorded, decoded
from tts.data.corpora.manifest import Faults, ManifestRow, Utterance
from tts.data.corpora.splits import Split


class JoinedCorpus(ConvertedCorpus):
    """Corpora under names; an utterance is called ``NAME-id``, a nameless voice ``NAME``.

    Each part is split by itself. Copies are made of what is trained on alone, so that nothing that
    is held out is heard in another pitch; their voice is called ``NAME*0.96``.

    Args:
        root: folder that the copies are written to; made if missing.
        val_fraction: as in the parts, which have the say.
        test_fraction: likewise.
        parts: corpora by name.
        copies: for a part, by what its recordings are sped up (and raised in pitch); below 1 they
            are slower and deeper.
        **options: those of ``Corpus``; not ``held_out``, which a part is told.

    Raises:
        InputError: no parts, copies of what is no part, or a factor outside 0.5 to 2.
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
        """Such as "LJ Speech and synthetic corpus (hibari)"."""
        return " and ".join(part.name for part in self.parts.values())

    def prepare(self) -> None:
        """Prepare the parts, and make the copies unless they are there.

        Raises:
            InputError: as the parts, and as ``ConvertedCorpus``.
        """
        for part in self.parts.values():
            part.prepare()
        if self._has_copies:
            super().prepare()

    def _check(self) -> None:
        if not self.parts:
            raise InputError("data.parts: name at least one corpus")
        if self.held_out is not None:
            raise InputError(
                f"data.held_out={self.held_out}: tell it to a part, data.parts.NAME.held_out=..."
            )
        for name, factors in self.copies.items():
            if name not in self.parts:
                raise InputError(f"data.copies: {name!r} is none of {', '.join(self.parts)}")
            if wrong := [x for x in factors if not 0.5 <= x <= 2 or round(x, 3) == 1]:
                raise InputError(
                    f"data.copies.{name}: {wrong[0]}; factors are 0.5 to 2, and not 1, at which "
                    "the recordings are there already"
                )

    @property
    def _has_copies(self) -> bool:
        return any(self.copies.values())

    def _recipe(self) -> dict[str, Any]:
        return {
            "copies": {name: list(factors) for name, factors in self.copies.items()},
            "of": {name: self.parts[name].fingerprint() for name in self.copies},
        }

    def _amount(self) -> float:
        return sum(len(self._splits[name]["train"]) * len(x) for name, x in self.copies.items())

    def _recordings(self) -> Iterator[Recorded]:
        for name, factors in self.copies.items():
            part = self.parts[name]
            for factor in factors:
                for utterance in self._splits[name]["train"]:
                    yield Recorded(
                        name=f"{name}-{utterance.id}-{round(factor * 1000)}",
                        text=utterance.text,
                        where=f"{name}: {utterance.where}",
                        load=partial(_sped_up, utterance.wav, factor),
                        speaker=f"{_voice(name, part, utterance)}*{factor:g}",
                    )

    def _read_rows(self, faults: Faults) -> list[ManifestRow]:
        entries = []
        for name, part in self.parts.items():
            faults += [f"{name}: {fault}" for fault in part.faults()]
            entries += [
                ManifestRow(
                    f"{name}-{utterance.id}",
                    str(utterance.wav),
                    utterance.text,
                    f"{name}: {utterance.where}",
                    _voice(name, part, utterance),
                )
                for utterance in part.utterances()
            ]
        return entries + (super()._read_rows(faults) if self._has_copies else [])

    @cached_property
    def _splits(self) -> dict[str, Split]:
        return {name: part.split() for name, part in self.parts.items()}

    def _split(self) -> Split:
        kept = {
            f"{name}-{utterance.id}": share
            for name, split in self._splits.items()
            for share in ("val", "test")
            for utterance in split[share]
        }
        split: Split = {"train": [], "val": [], "test": []}
        for utterance in self._utterances:
            split[kept.get(utterance.id, "train")].append(utterance)
        return split


def _voice(name: str, part: Corpus, utterance: Utterance) -> str:
    """What a speaker of a part is called."""
    return f"{name}-{part.speakers[utterance.speaker]}" if part.speakers else name


def _sped_up(wav: Path, factor: float) -> tuple[NDArray[np.float32], int]:
    """A recording at another speed, and so another pitch, at its own rate."""
    samples, rate = decoded(str(wav))
    return np.clip(resampled(samples, round(rate * factor), rate), -1, 1), rate
