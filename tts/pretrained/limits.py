"""What a stranger's file may ask for, checked before it is given.

A few bytes can ask for gigabytes: compressed members, a pickle's numbering of what it remembers,
tensors whose strides visit one number again and again, lists that hold each other. Here is what
torch itself writes, and files that ask for more are refused: members as they are, numbers that
count upwards, plain arrays that are as large as what the file stores for them.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import zipfile
from collections.abc import Mapping
from typing import Any, BinaryIO

import torch
from torch import Tensor

from tts.core.errors import InputError

#: Kinds of numbers that checkpoints of these networks store.
DTYPES = (
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16),
    *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
)
#: What a compressed archive may grow to: its size times the first, or the second if that is more.
GROWTH, SMALL = 20, 16 << 20
#: Values of a description or configuration; a lexicon of every English word has a fifth of that.
MOST_VALUES = 10**6
#: Pickles in front of the storages of torch's older container.
LEGACY_PICKLES = 5
ZIP = b"PK"
_MEMO = ("PUT", "BINPUT", "LONG_BINPUT")
# room of any size, for which torch's own reader would not ask the file
_ROOM = ("builtins bytearray", "__builtin__ bytearray")


class Bounded:
    """A stream that ends in an error after so many bytes.

    Args:
        stream: what is read.
        label: what messages call it.
        limit: bytes.
    """

    def __init__(self, stream: Any, label: str, limit: int) -> None:
        self._stream, self._label, self._left = stream, label, limit

    def read(self, size: int = -1) -> bytes:
        """Read on.

        Raises:
            InputError: more came than there should be.
        """
        found: bytes = self._stream.read(size)
        self._left -= len(found)
        if self._left < 0:
            raise InputError(
                f"{self._label}: grows to more than {GROWTH} times its size when it is unpacked, "
                "which weights do not; it is not read"
            )
        return found


def size_of_stream(stream: BinaryIO) -> int:
    """Bytes of a stream, which is at its beginning afterwards."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    return size


def is_zip(stream: BinaryIO) -> bool:
    """Whether a stream, which is at its beginning before and afterwards, starts as a zip does."""
    start = stream.read(len(ZIP))
    stream.seek(0)
    return start == ZIP


def root_of(archive: zipfile.ZipFile) -> str:
    """Folder of the zip in which torch's members are, with the slash."""
    return next(name for name in archive.namelist() if name.endswith("/data.pkl"))[:-8]


def check_zip(stream: BinaryIO, label: str) -> None:
    """Refuse a zip that torch has not written.

    Raises:
        InputError: damaged, of something else, with code, encrypted, compressed, or with members
            that claim more than there is.
    """
    size = size_of_stream(stream)
    try:
        with zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
    except Exception:  # zipfile has half a dozen types for what damage leads to
        raise InputError(f"{label}: truncated or damaged: copy or download it again") from None
    names = [member.filename for member in members]
    if any(name.endswith("constants.pkl") for name in names):
        raise InputError(f"{label}: a TorchScript archive holds code and is not read here")
    if not any(name.endswith("/data.pkl") for name in names):
        raise InputError(
            f"{label}: a zip archive, but not a checkpoint of torch; if one is in it, unpack it"
        )
    if any(m.compress_type != zipfile.ZIP_STORED or m.flag_bits & 1 for m in members):
        raise InputError(
            f"{label}: compressed or encrypted, which torch's files are not: something else packed "
            "them again; take the file as torch.save wrote it"
        )
    if sum(member.file_size for member in members) > size:
        raise InputError(f"{label}: truncated or damaged: its parts claim more than it holds")


def check_pickles(stream: BinaryIO) -> None:
    """Refuse pickles that ask for room without end, before anything reads them.

    Args:
        stream: zip or legacy container, at its beginning before and afterwards.

    Raises:
        Exception: damaged, or such a pickle.
    """
    if not is_zip(stream):
        size = size_of_stream(stream)
        for _ in range(LEGACY_PICKLES):
            # a pickle alone is no checkpoint, but who reads it can tell what is in it
            if stream.tell() < size:
                _check_pickle(stream)
    else:
        with zipfile.ZipFile(stream) as archive:
            _check_pickle(io.BytesIO(archive.read(f"{root_of(archive)}data.pkl")))
    stream.seek(0)


def _check_pickle(stream: BinaryIO) -> None:
    for n_before, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
        # Python's reader makes a table as long as the largest number in it
        if opcode.name in _MEMO and int(argument or 0) > n_before:
            raise pickle.UnpicklingError("remembers under a number that is not the next")
        if opcode.name == "GLOBAL" and argument in _ROOM:
            raise pickle.UnpicklingError("asks for room")


def check_value_count(value: Any) -> None:
    """Refuse lists and tables that hold each other so often that to print them takes for ever.

    Raises:
        ValueError: more than `MOST_VALUES`, each counted wherever it is held.
    """
    waiting, count = [value], 0
    while waiting:
        held = waiting.pop()
        count += 1
        if count > MOST_VALUES:
            raise ValueError(f"more than {MOST_VALUES:,} values")
        if isinstance(held, Mapping):
            waiting.extend(held.values())
        elif isinstance(held, (list, tuple, set)):
            waiting.extend(held)


def check_tensors(data: Mapping[str, Any], label: str, size: int) -> None:
    """Refuse tensors that are no plain arrays, or larger than what the file stores of them.

    Args:
        data: content of a checkpoint.
        label: what messages call it.
        size: bytes of the file, unpacked.

    Raises:
        InputError: naming the key.
    """
    total = 0
    for name, tensor in _named_tensors(data):
        if flaw := _flaw(tensor):
            raise InputError(f"{label}: {name} {flaw}; save it as a plain array of float32")
        total += _bytes(tensor)
        # tied weights are there twice
        if total > 2 * size:
            raise InputError(
                f"{label}: its tensors, up to {name}, claim {total:,} bytes; the file has {size:,}"
            )


def _named_tensors(data: Mapping[str, Any]) -> list[tuple[str, Tensor]]:
    """Tensors at the places where readers look for weights."""
    places = (data, data.get("state_dict"), data.get("model"))
    return [
        (" ".join(str(name).split()), value)
        for place in places
        if isinstance(place, Mapping)
        for name, value in place.items()
        if isinstance(value, Tensor)
    ]


def _flaw(tensor: Tensor) -> str | None:
    if tensor.is_nested or tensor.layout is not torch.strided:
        return "is stored as a sparse or nested tensor"
    if tensor.device.type != "cpu":
        return "has a shape and no values"
    if tensor.is_quantized or tensor.dtype not in DTYPES:
        return f"is stored as {str(tensor.dtype).removeprefix('torch.')}"
    stored = tensor.untyped_storage().nbytes()
    if _bytes(tensor) > stored:
        return f"claims {_bytes(tensor):,} bytes where {stored:,} are stored"
    return None


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
