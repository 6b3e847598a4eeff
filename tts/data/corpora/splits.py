"""Splits a corpus into training, validation and test sets.

LJ Speech has the split of NVIDIA's Tacotron 2 (12,500 / 100 / 500), so that results can be
compared; ``splits/*.txt`` hold the ids of its validation and test sets. Any other corpus is split
by a hash of each id, so that an utterance stays in its set when others are added, removed or
reordered.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path

from tts.core.errors import InputError
from tts.data.corpora.manifest import Utterance

#: The utterances of "train", "val" and "test".
Split = dict[str, list[Utterance]]

#: Lists of sentences in ``tts/evaluation`` by the values of ``data.held_out`` that name them.
_LISTS = {"shipped": "heldout.txt", "choosing": "choosing.txt"}

_LJSPEECH_ID = re.compile(r"LJ0[0-5]\d-\d{4}")


def hash_split(
    utterances: Sequence[Utterance], val_fraction: float = 0.05, test_fraction: float = 0.0
) -> Split:
    """Split utterances by a hash of their ids.

    A fraction above 0 gives at least one utterance: if no hash is below it, the utterance with the
    lowest hash.

    Raises:
        InputError: a fraction is below 0, or the two together are not below 1.
    """
    if min(val_fraction, test_fraction) < 0 or val_fraction + test_fraction >= 1:
        raise InputError(
            f"data.val_fraction={val_fraction}, data.test_fraction={test_fraction}: "
            "both must be 0 or more, and together less than 1"
        )
    names = sorted((utterance.id for utterance in utterances), key=_position)
    test = _below(names, test_fraction) if test_fraction else []
    val = _below(names[len(test) :], test_fraction + val_fraction) if val_fraction else []
    return split_by_ids(utterances, frozenset(val), frozenset(test))


def ljspeech_split(utterances: Sequence[Utterance]) -> Split:
    """Split LJ Speech, or a part of it, as NVIDIA's filelists do."""
    return split_by_ids(utterances, ljspeech_ids("val"), ljspeech_ids("test"))


def held_out_ids(source: str | Path) -> frozenset[str]:
    """Read ids from a file: the text before a ``|`` in each line that does not begin with ``#``.

    Args:
        source: the file; "shipped" for the sentences that ``python -m tts.evaluation`` uses, or
            "choosing" for others, which checkpoints and options are chosen by.

    Raises:
        InputError: the file cannot be read.
    """
    if (name := _LISTS.get(str(source))) is not None:
        return _ids((resources.files("tts.evaluation") / name).read_text(encoding="utf-8"))
    file = Path(source).expanduser()
    try:
        return _ids(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"data.held_out={source}: cannot be read ({error})") from None


def split_by_ids(
    utterances: Sequence[Utterance], val: frozenset[str], test: frozenset[str]
) -> Split:
    """Split utterances by the ids of the validation and of the test set; train on the others."""
    split: Split = {"train": [], "val": [], "test": []}
    for utterance in utterances:
        name = "val" if utterance.id in val else "test" if utterance.id in test else "train"
        split[name].append(utterance)
    return split


def is_ljspeech(utterances: Iterable[Utterance]) -> bool:
    """Return whether all ids are ids of LJ Speech."""
    return all(_LJSPEECH_ID.fullmatch(utterance.id) for utterance in utterances)


def ljspeech_ids(part: str) -> frozenset[str]:
    """Read the ids of LJ Speech in NVIDIA's validation ("val") or test ("test") set."""
    file = resources.files("tts.data") / "splits" / f"ljspeech_{part}.txt"
    return _ids(file.read_text(encoding="utf-8"))


def _ids(text: str) -> frozenset[str]:
    lines = text.splitlines()
    return frozenset(line.split("|")[0].strip() for line in lines if line and line[0] != "#")


def _below(names: list[str], fraction: float) -> list[str]:
    return [name for name in names if _position(name) < fraction] or names[:1]


def _position(name: str) -> float:
    """Return a place in [0, 1) that, unlike ``hash``, is the same on every machine."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64
