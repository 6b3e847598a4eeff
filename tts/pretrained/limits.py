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
from collections.abc import Iterable, Mapping
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
GROWTH, SMALL = 8, 16 << 20
#: Largest number of values in a description or configuration. A lexicon of all English words has a
#: fifth of that.
MOST_VALUES = 10**6
#: Largest depth of lists and tables inside each other, in the same.
DEEPEST_VALUE = 100
#: Largest number of weights in a file, and of members in a zip, where each tensor of an optimiser
#: is one as well. NVIDIA's WaveGlow has 700 weights; with optimiser and averages, 3,500 members.
MOST_TENSORS, MOST_MEMBERS = 10**4, 15 * 10**3
#: Longest table of a zip's members, in bytes; MOST_MEMBERS of torch's take less.
LONGEST_DIRECTORY = 4 << 20
#: Longest text in front of a safetensors file's tensors, in bytes; with such a lexicon it has a
#: fifth of that.
LONGEST_HEADER = 32 << 20
#: Longest pickle of what is not a tensor, in bytes, and its largest number of instructions.
LONGEST_PICKLE, MOST_INSTRUCTIONS = 64 << 20, 2 * 10**6
#: Number of pickles in front of the storages in torch's older container.
LEGACY_PICKLES = 5
ZIP = b"PK"
#: What a user should do with a damaged file.
COPY_AGAIN = "copy or download it again"
_MEMO = ("PUT", "BINPUT", "LONG_BINPUT")
# a pickle can make these of any size, and torch's own reader allocates them without asking the file
_BYTE_ARRAYS = ("builtins bytearray", "__builtin__ bytearray")


class ShortReads:
    """Wraps a file so that no single read is longer than a limit.

    `zipfile` reads the table of an archive's members in one piece, then makes an object of each.

    Args:
        stream: the file.
        limit: number of bytes.
    """

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._limit = limit
        self.seek, self.tell, self._read = stream.seek, stream.tell, stream.read

    def read(self, size: int = -1) -> bytes:
        """Read the next bytes.

        Raises:
            InputError: more bytes than the limit are asked for.
        """
        if size > self._limit:
            raise InputError(f"asks for {size:,} bytes at once; at most {self._limit:,} are read")
        return self._read(size)


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


def open_zip(stream: BinaryIO) -> zipfile.ZipFile:
    """Open a zip of torch, whose members are compared with their checksums when they are read.

    A program can tell torch to write no checksums. All of them are then zero, and are not compared.
    """
    archive = zipfile.ZipFile(stream)
    members = archive.infolist()
    if not any(member.CRC for member in members):
        for member in members:
            member.CRC = None  # type: ignore[assignment]
    return archive


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
        short: Any = ShortReads(stream, LONGEST_DIRECTORY)
        with zipfile.ZipFile(short) as archive:
            members = archive.infolist()
    except InputError as error:
        raise InputError(
            f"{label}: the list of its parts {error}, so it is no checkpoint that can be read"
        ) from None
    except Exception:  # zipfile raises half a dozen types of errors for damaged files
        raise InputError(f"{label}: truncated or damaged; {COPY_AGAIN}") from None
    if len(members) > MOST_MEMBERS:
        raise InputError(
            f"{label}: a zip of {len(members):,} parts; no checkpoint of these networks has "
            f"{MOST_MEMBERS:,}, so it is not read"
        )
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
    """Refuse pickles that ask for unlimited memory or time, before anything reads them.

    Args:
        stream: a zip or the older container, at its beginning before and afterwards.

    Raises:
        Exception: the file is damaged, or has such a pickle.
    """
    if not is_zip(stream):
        start, left = io.BytesIO(stream.read(LONGEST_PICKLE)), MOST_INSTRUCTIONS
        for _ in range(LEGACY_PICKLES):
            # a single pickle is no checkpoint, but the reader can then say what the file holds
            if start.tell() < len(start.getbuffer()):
                left -= _check_pickle(start, left)
    else:
        with open_zip(stream) as archive:
            member = archive.getinfo(f"{root_of(archive)}data.pkl")
            if member.file_size > LONGEST_PICKLE:
                raise pickle.UnpicklingError(f"a pickle of {member.file_size:,} bytes")
            _check_pickle(io.BytesIO(archive.read(member)), MOST_INSTRUCTIONS)
    stream.seek(0)


def _check_pickle(stream: BinaryIO, most: int) -> int:
    """Return the number of instructions of a pickle.

    Raises:
        pickle.UnpicklingError: there are too many, or one asks for memory of any size.
    """
    n_before = 0
    for n_before, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
        # Python's reader makes a table as long as the largest memo number
        if opcode.name in _MEMO and int(argument or 0) > n_before:
            raise pickle.UnpicklingError("a memo number is not the next one")
        if opcode.name == "GLOBAL" and argument in _BYTE_ARRAYS:
            raise pickle.UnpicklingError("asks for memory of any size")
        if n_before > most:
            raise pickle.UnpicklingError("more instructions than a checkpoint has")
    return n_before


def check_value_count(value: Any) -> None:
    """Refuse lists and tables that hold each other so often or so deeply that no code ends.

    Raises:
        ValueError: there are more than `MOST_VALUES`, where a value counts at every place that
            holds it; or some lie deeper than `DEEPEST_VALUE`.
    """
    waiting, count = [(value, 0)], 0
    while waiting:
        held, depth = waiting.pop()
        count += 1
        if count > MOST_VALUES:
            raise ValueError(f"more than {MOST_VALUES:,} values")
        inner: Iterable[Any] = ()
        if isinstance(held, Mapping):
            inner = held.values()
        elif isinstance(held, (list, tuple, set)):
            inner = held
        if inner and depth == DEEPEST_VALUE:
            raise ValueError(f"values more than {DEEPEST_VALUE} lists or tables deep")
        waiting.extend((each, depth + 1) for each in inner)


def check_tensors(data: Mapping[str, Any], label: str, size: int) -> None:
    """Refuse tensors that are no plain arrays, or that are larger than what the file stores.

    Args:
        data: content of a checkpoint.
        label: name of the file in messages.
        size: bytes of the unpacked file.

    Raises:
        InputError: the message names the key of the tensor.
    """
    total, named = 0, _named_tensors(data)
    if len(named) > MOST_TENSORS:
        raise InputError(f"{label}: {too_many_tensors(len(named))}")
    for name, tensor in named:
        if flaw := _flaw(tensor):
            raise InputError(f"{label}: {name} {flaw}; save it as a plain array of float32")
        total += _bytes(tensor)
        # weights that are tied have two names
        if total > 2 * size:
            raise InputError(
                f"{label}: its tensors, up to {name}, claim {total:,} bytes; the file has {size:,}"
            )


def too_many_tensors(count: int) -> str:
    """Return the end of a message about a file with more than `MOST_TENSORS`."""
    return (
        f"holds {count:,} tensors; none of these networks has {MOST_TENSORS:,}, so it is not read"
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
