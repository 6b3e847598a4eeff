"""Reads a pickled WaveGlow without running anything that the file names.

NVIDIA's WaveGlow files hold the module itself, not its weights. The unpickler here turns every
module into a `Stub`, which stores what the file says about it and does nothing, and it builds
tensors with functions of this module. A name outside a short list is refused before it is looked
up. Both containers of torch are read: the zip of torch 1.6 and later, and the older sequence of
pickles, which holds a magic number, protocol, system, object and storage keys, and then for each
key its length and its bytes.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import torch
from torch import Tensor

from tts.core.errors import InputError
from tts.pretrained.limits import DTYPES, is_zip, open_zip, root_of, size_of_stream

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C

# classes whose objects become stubs; the package waveglow on PyPI nests NVIDIA's files
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
    """Stands for an object of the file: it keeps the object's state, and has no behaviour.

    Attributes:
        origin: "module.Class" that the file names.
        state: attributes that the file would have set on the object.
    """

    origin = ""

    def __init__(self, *_: Any) -> None:
        self.state: dict[str, Any] = {}

    def __new__(cls, *_: Any) -> Stub:
        """Accept the arguments of any constructor."""
        return super().__new__(cls)

    def __setstate__(self, state: Any) -> None:
        self.state = state if isinstance(state, dict) else {}

    def tensors(
        self, prefix: str = "", visited: set[int] | None = None
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield the parameters and buffers of the module tree under their state-dict names.

        Args:
            prefix: beginning of the names.
            visited: ids of the modules that were visited before this one.

        Raises:
            pickle.UnpicklingError: the modules are no tree: one is in two places.
        """
        visited = set() if visited is None else visited
        if id(self) in visited:
            raise pickle.UnpicklingError("a module is in two places")
        visited.add(id(self))
        for kind in ("_parameters", "_buffers"):
            for name, value in self.state.get(kind, {}).items():
                if isinstance(value, Tensor):
                    yield prefix + name, value
        for name, child in self.state.get("_modules", {}).items():
            if isinstance(child, Stub):
                yield from child.tensors(f"{prefix}{name}.", visited)


class StubUnpickler(pickle.Unpickler):
    """Unpickles without importing anything: this module has an object for each allowed name.

    Args:
        stream: the pickle.
        label: name of the file in messages.
        load_storage: returns a flat tensor for (dtype, key, number of elements).
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
        """Return the object for an allowed name.

        Raises:
            InputError: no WaveGlow needs the name.
        """
        if (module, name) in _STUBS:
            return type(name, (Stub,), {"origin": f"{module}.{name}"})
        if module == "torch" and name in DTYPES:
            return DTYPES[name]
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
    """Make new functions for the allowed names: no file can alter them for the next one."""

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
        # every module had it as an attribute until torch 1.4, as in every published WaveGlow
        ("torch.nn.backends.thnn", "_get_thnn_function_backend"): nothing,
    }


def load_stubs(stream: BinaryIO, label: str) -> tuple[Any, str]:
    """Read a file of torch with stubs in the place of modules.

    Args:
        stream: zip or older container, at its beginning.
        label: name of the file in messages.

    Returns:
        The object in the file, and the source texts of its modules, which the older container has.

    Raises:
        InputError: the file names something outside the allowed list.
        Exception: the file is damaged; any type of exception may come.
    """
    return (_load_zip if is_zip(stream) else _load_legacy)(stream, label)


def _load_zip(stream: BinaryIO, label: str) -> tuple[Any, str]:
    with open_zip(stream) as archive:
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
        # the bytes come after the object that refers to them: return a tensor to be filled later
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
        raise pickle.UnpicklingError("a storage has another length than the object gives it")
    raw = stream.read(n_elements * storage.element_size())
    storage.copy_(_flat(raw, storage.dtype, n_elements))


def _flat(raw: bytes, dtype: torch.dtype, n_elements: int) -> Tensor:
    """Return a tensor of exactly `n_elements` from bytes; fewer bytes are an error."""
    if n_elements == 0:
        return torch.empty(0, dtype=dtype)
    return torch.frombuffer(bytearray(raw), dtype=dtype, count=n_elements)
