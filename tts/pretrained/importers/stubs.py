"""Reads a pickled WaveGlow without running anything that the file names.

NVIDIA's WaveGlow files hold the module itself, not its weights. The unpickler here turns every
module into a `Stub`, which stores what the file says about it and does nothing, and builds
tensors with functions of its own. A name outside the short list is refused before it is looked
up. Both of torch's containers are read: the zip of torch 1.6 and later, and the sequence of
pickles from before. Legacy layout: magic number, protocol, system, object, storage keys, then
for each key its length and its bytes.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import torch
from torch import Tensor

from tts.core.errors import InputError
from tts.pretrained.limits import is_zip, root_of, size_of_stream

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C

_DTYPES = {
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

# modules that become stubs; the package waveglow on PyPI nests NVIDIA's files
_STUBS = {
    *(
        (module, name)
        for module in ("glow", "glow_old", "waveglow.glow", "waveglow.glow_old")
        for name in ("WaveGlow", "WN", "Invertible1x1Conv")
    ),
    ("torch.nn.modules.conv", "Conv1d"),
    ("torch.nn.modules.conv", "ConvTranspose1d"),
    ("torch.nn.modules.container", "ModuleList"),
    ("torch.nn.utils.weight_norm", "WeightNorm"),
}


class Stub:
    """Stands for an object of the file: keeps its state, has no behaviour.

    Attributes:
        origin: "module.Class" that the file names.
        state: what the file would have put into the object.
    """

    origin = ""

    def __init__(self, *_: Any) -> None:
        self.state: dict[str, Any] = {}

    def __new__(cls, *_: Any) -> Stub:
        """Accept what any constructor may be given."""
        return super().__new__(cls)

    def __setstate__(self, state: Any) -> None:
        self.state = state if isinstance(state, dict) else {}

    def tensors(
        self, prefix: str = "", seen: set[int] | None = None
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield the parameters and buffers of the module tree under their state-dict names.

        Raises:
            pickle.UnpicklingError: it is no tree: a module is in two places.
        """
        seen = set() if seen is None else seen
        if id(self) in seen:
            raise pickle.UnpicklingError("a module is in two places")
        seen.add(id(self))
        for kind in ("_parameters", "_buffers"):
            for name, value in self.state.get(kind, {}).items():
                if isinstance(value, Tensor):
                    yield prefix + name, value
        for name, child in self.state.get("_modules", {}).items():
            if isinstance(child, Stub):
                yield from child.tensors(f"{prefix}{name}.", seen)


class StubUnpickler(pickle.Unpickler):
    """Unpickler that looks nothing up: each allowed name has an answer made here.

    Args:
        stream: the pickle.
        label: what messages call the file.
        load_storage: gives a flat tensor for (dtype, key, number of elements).
    """

    def __init__(
        self,
        stream: BinaryIO,
        label: str,
        load_storage: Callable[[torch.dtype, str, int], Tensor],
    ) -> None:
        super().__init__(stream, encoding="utf-8")
        self._label = label
        self._load_storage = load_storage
        self.sources: list[str] = []

    def find_class(self, module: str, name: str) -> Any:
        """Answer for an allowed name, or refuse.

        Raises:
            InputError: the name is not one that a WaveGlow needs.
        """
        if (module, name) in _STUBS:
            return type(name, (Stub,), {"origin": f"{module}.{name}"})
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        try:
            return _builders()[module, name]
        except KeyError:
            raise InputError(
                f"{self._label}: refused: the file names {f'{module}.{name}'!r}, which no "
                "checkpoint needs and which could run code; nothing of it was run"
            ) from None

    def persistent_load(self, pid: Any) -> Any:
        """Resolve torch's references to storages and, in old files, to sources of modules."""
        kind, *rest = pid
        if kind == "module":  # (class, file it was in, its source text)
            self.sources.append(str(rest[2]))
            return rest[0]
        dtype, key, _location, n_elements, *view = rest
        if kind != "storage" or not isinstance(dtype, torch.dtype):
            raise pickle.UnpicklingError("not a reference to a storage")
        storage = self._load_storage(dtype, str(key), int(n_elements))
        if any(view):  # (key, offset, size): a part of another storage
            _, start, size = view[0]
            storage = storage[start : start + size]
        return storage


def _builders() -> dict[tuple[str, str], Any]:
    """Make the allowed callables afresh, so that no file can alter one for the next file."""

    def tensor(storage: Tensor, offset: int, size: Any, stride: Any, *_: Any) -> Tensor:
        return torch.as_strided(storage, size, stride, offset)

    def parameter(data: Tensor, *_: Any) -> Tensor:
        return data

    def size(dims: Any = ()) -> tuple[int, ...]:
        return tuple(dims)

    def nothing() -> None:
        return None

    return {
        ("collections", "OrderedDict"): OrderedDict,
        ("builtins", "set"): set,
        ("__builtin__", "set"): set,
        ("torch", "Size"): size,
        ("torch._utils", "_rebuild_tensor"): tensor,
        ("torch._utils", "_rebuild_tensor_v2"): tensor,
        ("torch._utils", "_rebuild_parameter"): parameter,
        ("torch._utils", "_rebuild_parameter_with_state"): parameter,
        ("torch.nn.parameter", "Parameter"): parameter,
        # an attribute of every module until torch 1.4, and so in every published WaveGlow
        ("torch.nn.backends.thnn", "_get_thnn_function_backend"): nothing,
    }


def load_stubs(stream: BinaryIO, label: str) -> tuple[Any, str]:
    """Read a file of torch with stubs in the place of modules.

    Args:
        stream: zip or legacy container, at its beginning.
        label: what messages call the file.

    Returns:
        The object, and the source texts that a legacy file carries of its modules.

    Raises:
        InputError: the file names something outside the allowed list.
        Exception: whatever reading a damaged file leads to.
    """
    return (_load_zip if is_zip(stream) else _load_legacy)(stream, label)


def _load_zip(stream: BinaryIO, label: str) -> tuple[Any, str]:
    with zipfile.ZipFile(stream) as archive:
        root = root_of(archive)

        def load_storage(dtype: torch.dtype, key: str, n_elements: int) -> Tensor:
            return _flat(archive.read(f"{root}data/{key}"), dtype, n_elements)

        unpickler = StubUnpickler(io.BytesIO(archive.read(root + "data.pkl")), label, load_storage)
        return unpickler.load(), ""


def _load_legacy(stream: BinaryIO, label: str) -> tuple[Any, str]:
    storages: dict[str, Tensor] = {}
    size = size_of_stream(stream)

    def load_storage(dtype: torch.dtype, key: str, n_elements: int) -> Tensor:
        if n_elements * dtype.itemsize > size:
            raise pickle.UnpicklingError("a storage is longer than the file")
        # the bytes come after the object that refers to them: hand out room to fill later
        return storages.setdefault(key, torch.empty(n_elements, dtype=dtype))

    if StubUnpickler(stream, label, load_storage).load() != LEGACY_MAGIC:
        raise pickle.UnpicklingError("no magic number")
    for _ in ("protocol", "system"):
        StubUnpickler(stream, label, load_storage).load()
    reader = StubUnpickler(stream, label, load_storage)
    content = reader.load()
    for key in StubUnpickler(stream, label, load_storage).load():
        _fill(storages[str(key)], stream)
    return content, "\n".join(reader.sources)


def _fill(storage: Tensor, stream: BinaryIO) -> None:
    n_elements = int.from_bytes(stream.read(8), "little")
    if n_elements != storage.numel():
        raise pickle.UnpicklingError("a storage has another length than it is said to have")
    raw = stream.read(n_elements * storage.element_size())
    storage.copy_(_flat(raw, storage.dtype, n_elements))


def _flat(raw: bytes, dtype: torch.dtype, n_elements: int) -> Tensor:
    """Tensor of exactly `n_elements` from bytes; a shorter file is an error."""
    if n_elements == 0:
        return torch.empty(0, dtype=dtype)
    return torch.frombuffer(bytearray(raw), dtype=dtype, count=n_elements)
