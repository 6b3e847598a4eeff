"""Bounds what a checkpoint file may ask for, before anything is given to it.

A file of a few bytes can ask for gigabytes: by compressed members, by the numbers under which a
pickle remembers its objects, by tensors whose strides visit one number again and again, by lists
that hold each other. The checks here accept what torch itself writes: uncompressed members, memo
numbers that count upwards, plain arrays that are as large as what the file stores for them. Files
that ask for more are refused.
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

#: Name of torch's storage class -> type of its numbers, for all that checkpoints of these networks
#: store.
DTYPES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
#: A compressed archive may grow to GROWTH times its size, or to SMALL bytes if that is more.
GROWTH, SMALL = 20, 16 << 20
#: Largest number of values in a description or configuration. A lexicon of all English words has a
#: fifth of that.
MOST_VALUES = 10**6
#: Number of pickles in front of the storages in torch's older container.
LEGACY_PICKLES = 5
ZIP = b"PK"
#: What a user should do with a damaged file.
COPY_AGAIN = "copy or download it again"
_MEMO = ("PUT", "BINPUT", "LONG_BINPUT")
# a pickle can make these of any size, and torch's own reader allocates them without asking the file
_BYTE_ARRAYS = ("builtins bytearray", "__builtin__ bytearray")
#: Characters of a name that a message shows.
LONGEST_NAME = 200


class Bounded:
    """Wraps a stream and raises an error once more than a number of bytes were read from it.

    Args:
        stream: the stream that is read.
        label: name of the file in messages.
        limit: number of bytes.
    """

    def __init__(self, stream: Any, label: str, limit: int) -> None:
        self._stream, self._label, self._left = stream, label, limit

    def read(self, size: int = -1) -> bytes:
        """Read the next bytes.

        Raises:
            InputError: the stream gave more bytes than the limit.
        """
        content: bytes = self._stream.read(size)
        self._left -= len(content)
        if self._left < 0:
            raise InputError(
                f"{self._label}: grows to more than {GROWTH} times its size when it is unpacked, "
                "which weights do not; it is not read"
            )
        return content


def printable_name(name: object) -> str:
    """Return a name from outside, shortened and on one line, so that a message can show it."""
    text = str(name)
    text = text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}..."
    return text if text.isprintable() else repr(text)


def size_of_stream(stream: BinaryIO) -> int:
    """Return the bytes of a stream, and leave it at its beginning."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    return size


def is_zip(stream: BinaryIO) -> bool:
    """Tell whether a stream starts as a zip does; it is at its beginning before and afterwards."""
    start = stream.read(len(ZIP))
    stream.seek(0)
    return start == ZIP


def root_of(archive: zipfile.ZipFile) -> str:
    """Return the folder of torch's members inside a zip, with the slash at its end."""
    return next(name for name in archive.namelist() if name.endswith("/data.pkl"))[:-8]


def check_zip(stream: BinaryIO, label: str) -> None:
    """Refuse a zip that torch has not written.

    Raises:
        InputError: the zip is damaged, encrypted or compressed, holds something else or code, or
            has members that claim to be larger than the file.
    """
    size = size_of_stream(stream)
    try:
        with zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
    except Exception:  # zipfile raises half a dozen types of errors for damaged files
        raise InputError(f"{label}: truncated or damaged; {COPY_AGAIN}") from None
    names = [member.filename for member in members]
    if any(name.endswith("constants.pkl") for name in names):
        raise InputError(f"{label}: a TorchScript archive holds code and is not read here")
    if not any(name.endswith("/data.pkl") for name in names):
        raise InputError(
            f"{label}: a zip archive, but not a checkpoint of torch; if one is in it, unpack it"
        )
    if any(m.compress_type != zipfile.ZIP_STORED or m.flag_bits & 1 for m in members):
        raise InputError(
            f"{label}: compressed or encrypted, which torch's files are not: another program "
            "packed it again; take the file as torch.save wrote it"
        )
    if sum(member.file_size for member in members) > size:
        raise InputError(
            f"{label}: truncated or damaged: its parts claim more than it holds; {COPY_AGAIN}"
        )


def check_pickles(stream: BinaryIO) -> None:
    """Refuse pickles that ask for unlimited memory, before anything reads them.

    Args:
        stream: a zip or the older container, at its beginning before and afterwards.

    Raises:
        Exception: the file is damaged, or has such a pickle.
    """
    if not is_zip(stream):
        size = size_of_stream(stream)
        for _ in range(LEGACY_PICKLES):
            # a single pickle is no checkpoint, but the reader can then say what the file holds
            if stream.tell() < size:
                _check_pickle(stream)
    else:
        with zipfile.ZipFile(stream) as archive:
            _check_pickle(io.BytesIO(archive.read(f"{root_of(archive)}data.pkl")))
    stream.seek(0)


def _check_pickle(stream: BinaryIO) -> None:
    for n_before, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
        # Python's reader makes a table as long as the largest memo number
        if opcode.name in _MEMO and int(argument or 0) > n_before:
            raise pickle.UnpicklingError("a memo number is not the next one")
        if opcode.name == "GLOBAL" and argument in _BYTE_ARRAYS:
            raise pickle.UnpicklingError("asks for memory of any size")


def check_value_count(value: Any) -> None:
    """Refuse lists and tables that hold each other so often that printing them would never end.

    Raises:
        ValueError: there are more than `MOST_VALUES`; a value counts at every place that holds it.
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
    """Refuse tensors that are no plain arrays, or that are larger than what the file stores.

    Args:
        data: content of a checkpoint.
        label: name of the file in messages.
        size: bytes of the unpacked file.

    Raises:
        InputError: the message names the key of the tensor.
    """
    total = 0
    for name, tensor in _named_tensors(data):
        if flaw := _flaw(tensor):
            raise InputError(f"{label}: {name} {flaw}; save it as a plain array of float32")
        total += _bytes(tensor)
        # weights that are tied have two names
        if total > 2 * size:
            raise InputError(
                f"{label}: its tensors, up to {name}, claim {total:,} bytes; the file has {size:,}"
            )


def _named_tensors(data: Mapping[str, Any]) -> list[tuple[str, Tensor]]:
    """Return the tensors at the places where readers look for weights."""
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
    if tensor.is_quantized or tensor.dtype not in DTYPES.values():
        return f"is stored as {str(tensor.dtype).removeprefix('torch.')}"
    stored = tensor.untyped_storage().nbytes()
    if _bytes(tensor) > stored:
        return f"claims {_bytes(tensor):,} bytes where {stored:,} are stored"
    return None


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
