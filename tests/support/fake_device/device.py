"""The device itself: a dispatch mode that checks, counts and computes each operation."""

from __future__ import annotations

import os
import traceback
import warnings
from collections import Counter
from contextlib import ExitStack, nullcontext
from pathlib import Path
from unittest import mock

from tests.support.fake_device.tensor import HOST, DeviceNames, OnDevice  # isort: skip

import torch
from torch.utils._mode_utils import no_dispatch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

from tests.support.fake_device.graphs import graph_functions
from tests.support.fake_device.kernels import (
    MIXED,
    NO_KERNEL,
    NONDETERMINISTIC,
    SCALARS,
    WAITS,
    aten,
    compute,
    is_rounded,
    to_tf32,
)

_NOT_THE_CAUSE = (str(Path(__file__).parent), str(Path(torch.__file__).parent))
#: Functions of torch.cuda that have nothing to do here.
_NOTHING = (
    *("_lazy_init", "set_device", "empty_cache", "manual_seed", "manual_seed_all"),
    "reset_peak_memory_stats",
)


class FakeDevice(TorchDispatchMode):
    """Provides a GPU inside its ``with`` block.

    Attributes:
        syncs: how often which operation made the host wait for a result, and at which place.
        uploads: copies to the device, likewise; the name ends in "waits" if torch waits for them.
        launches: operations that start a kernel, by name.
        collectives: operations between processes, with their places.
        operations: names of all operations, with the types of their operands.

    Args:
        package: the package whose lines are named as places.
        count: number of GPUs; with `LOCAL_RANK` in the environment this process has one of them.
        tf32: round what the tensor cores of Ampere and later round.
        ddp: whether DDP runs, which makes tensors in C++, where the device has another name.
    """

    def __init__(
        self,
        package: str = f"{os.sep}tts{os.sep}",
        count: int = 1,
        tf32: bool = False,
        ddp: bool = False,
    ) -> None:
        super().__init__()
        self._package, self._count, self._tf32, self._ddp = package, count, tf32, ddp
        #: Whether a CUDA graph is being captured: then waits and pageable copies are refused.
        self.capturing = False
        self.graph = None
        #: See `torch.cuda.set_sync_debug_mode`: 1 warns of each wait, 2 refuses it.
        self.sync_debug_mode = 0
        self._names = DeviceNames()
        self.clear()

    def clear(self) -> None:
        """Begin to count anew."""
        self.syncs: Counter[tuple[str, str]] = Counter()
        self.uploads: Counter[tuple[str, str]] = Counter()
        self.launches: Counter[str] = Counter()
        self.collectives: Counter[tuple[str, str]] = Counter()
        self.operations: set[tuple[str, torch.dtype]] = set()

    @property
    def waits(self) -> Counter[tuple[str, str]]:
        """Return everything that the host waited for: results, and copies to the device."""
        return self.syncs + Counter(
            {key: n for key, n in self.uploads.items() if key[0].endswith("waits")}
        )

    def __enter__(self) -> FakeDevice:
        OnDevice.run = self._run
        self._stack = ExitStack()
        # The autograd engine would look for a thread of the device
        self._stack.enter_context(torch.autograd.set_multithreading_enabled(False))
        for target, name, value in self._patches():
            self._stack.enter_context(mock.patch.object(target, name, value, create=True))
        self._stack.enter_context(self._names)
        return super().__enter__()

    def __exit__(self, *error):
        super().__exit__(*error)
        self._stack.close()

    def _patches(self):
        cuda, states = torch.cuda, {}
        zeros = torch.zeros(16, dtype=torch.uint8)
        properties = mock.Mock(multi_processor_count=132, major=9, total_memory=80 << 30)
        functions = {
            "is_available": lambda: True,
            "is_initialized": lambda: True,
            "is_bf16_supported": lambda *_: True,
            "device_count": lambda: self._count,
            "current_device": lambda: 0,
            "get_device_name": lambda *_: "a GPU that is not there",
            "get_device_capability": lambda *_: (9, 0),
            "get_device_properties": lambda *_: properties,
            "get_rng_state": lambda device=0: states.get(str(device), zeros).clone(),
            "set_rng_state": lambda state, device=0: states.__setitem__(str(device), state.clone()),
            "synchronize": lambda *_: self._note(self.syncs, "torch.cuda.synchronize"),
            "set_sync_debug_mode": self._set_sync_debug_mode,
            "get_sync_debug_mode": lambda: self.sync_debug_mode,
            **{name: lambda *_: 0 for name in ("memory_allocated", "max_memory_allocated")},
            # A function of its own for each name, because Dynamo allows no two names for one
            **{name: lambda *_, **__: None for name in _NOTHING},
            "stream": lambda *_: nullcontext(),
            **graph_functions(self),
        }
        for name, value in functions.items():
            yield cuda, name, value
        yield cuda.amp.common, "amp_definitely_not_available", lambda: False
        yield torch.backends.cudnn, "is_acceptable", lambda tensor: False
        yield torch.nn.Module, "_apply", _swapping(torch.nn.Module._apply)
        # Wrappers that are made in inference mode cannot have views
        yield torch._C, "_InferenceMode", lambda on: torch.no_grad() if on else nullcontext()
        import torch.optim.optimizer as optimizer
        import torch.utils._foreach_utils as foreach

        types = [*foreach._foreach_supported_types, OnDevice]
        yield foreach, "_foreach_supported_types", types
        yield optimizer, "_foreach_supported_types", types

    def _set_sync_debug_mode(self, mode) -> None:
        modes = ("default", "warn", "error")
        self.sync_debug_mode = modes.index(mode) if isinstance(mode, str) else mode

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return self._run(func, args, kwargs or {})

    def _run(self, func, args, kwargs):
        """Check, note and compute one operation."""
        packet = func.overloadpacket
        leaves = tree_flatten((args, kwargs))[0]
        ours = [x for x in leaves if isinstance(x, OnDevice)]
        theirs = [x for x in leaves if isinstance(x, torch.Tensor) and not isinstance(x, OnDevice)]
        if func.namespace == "c10d":
            return self._collective(func, args, kwargs, theirs)
        if packet in (aten.pin_memory, aten._pin_memory, aten.is_pinned) and not ours:
            return _is_pinned(args[0]) if packet is aten.is_pinned else _pinned(args[0])
        on_device = self._is_result_on_device(kwargs, ours)
        if not ours and not on_device:
            return func(*args, **kwargs)
        self._refuse(func, kwargs, args, ours, theirs, on_device)
        self._observe(func, args, kwargs, ours, theirs, on_device)
        return self._computed(func, args, kwargs, ours, on_device)

    def _is_result_on_device(self, kwargs, ours) -> bool:
        place = kwargs.get("device")
        if place is None:
            return bool(ours)
        place = torch.device(place)
        is_ours = bool(self._names.depth or ours or self._ddp)
        return place.type == "cuda" or (place == HOST and is_ours)

    def _computed(self, func, args, kwargs, ours, on_device: bool):
        packet = func.overloadpacket
        known = {id(x.host): x for x in ours}
        kwargs = {key: value for key, value in kwargs.items() if key != "pin_memory"}
        if kwargs.get("device") is not None:
            kwargs["device"] = torch.device("cpu")
        real_args, real_kwargs = tree_map(_real, (args, kwargs))
        if self._tf32 and is_rounded(packet):
            # The summand of addmm and its kin is not rounded
            kept = packet in (aten.addmm, aten.addmm_, aten.baddbmm)
            real_args = (*real_args[:kept], *tree_map(to_tf32, real_args[kept:]))
        out = compute(func, real_args, real_kwargs)
        if self.graph is not None:
            self.graph.note(func, real_args, real_kwargs, out)
        if packet is aten.copy_ and not isinstance(args[0], OnDevice):
            return args[0]
        if not on_device or packet in (aten._local_scalar_dense, aten.equal):
            return out
        if packet is aten._pack_padded_sequence:
            return OnDevice(out[0]), out[1]
        if torch.Tag.inplace_view in func.tags:
            # the tensor itself gets another shape, such as by transpose_
            with no_dispatch():
                func(*args, **kwargs)
        return tree_map(lambda x: _wrapped(x, known), out)

    def _collective(self, func, args, kwargs, theirs):
        """Let Gloo do what NCCL does, for tensors of the device only."""
        self._note(self.collectives, func.name())
        if theirs and "barrier" not in func.name():
            raise RuntimeError(f"No backend type associated with device type cpu ({func.name()})")
        out = func(*tree_map(_real, args), **tree_map(_real, kwargs))
        known = {id(x.host): x for x in tree_flatten(args)[0] if isinstance(x, OnDevice)}
        return tree_map(lambda x: _wrapped(x, known), out)

    def _refuse(self, func, kwargs, args, ours, theirs, on_device: bool) -> None:
        """Raise what a GPU raises."""
        packet = func.overloadpacket
        if packet in NONDETERMINISTIC and torch.are_deterministic_algorithms_enabled():
            raise RuntimeError(f"{func.name()} does not have a deterministic implementation")
        generator = kwargs.get("generator")
        if generator is not None and on_device and generator.device.type == "cpu":
            raise RuntimeError("Expected a 'cuda' device type for generator but found 'cpu'")
        if packet is aten._pack_padded_sequence and isinstance(args[1], OnDevice):
            raise RuntimeError("'lengths' argument should be a 1D CPU int64 tensor, not 1D cuda:0")
        if ours and "mkldnn" in func.name():
            raise NotImplementedError(f"{func} has no kernel for cuda")
        if not ours or not theirs or packet in MIXED:
            return
        takes_scalars = (
            packet in SCALARS or torch.Tag.pointwise in func.tags or "foreach" in func.name()
        )
        if not takes_scalars or any(x.ndim for x in theirs):
            shapes = [tuple(x.shape) for x in theirs]
            raise RuntimeError(
                "Expected all tensors to be on the same device, but found at least two devices, "
                f"cuda:0 and cpu! (when calling {func.name()}, on the CPU: {shapes})"
            )

    def _observe(self, func, args, kwargs, ours, theirs, on_device: bool) -> None:
        """Note what the host waits for, and count kernels."""
        packet, name = func.overloadpacket, func.name().removeprefix("aten::")
        self.operations |= {(func.name(), x.dtype) for x in ours}
        down = packet is aten._to_copy and bool(ours) and not on_device
        down |= packet is aten.copy_ and not isinstance(args[0], OnDevice)
        if down or _selects_by_mask(packet, args) or packet in WAITS:
            self._note(self.syncs, name)
        elif theirs and packet in (aten._to_copy, aten.copy_):
            third = len(args) > 2 and packet is aten.copy_ and args[2]
            # Without non_blocking, torch waits for all work in the stream, not for the copy alone
            waits = not kwargs.get("non_blocking", third)
            how = "waits" if waits else "pinned" if _is_pinned(theirs[0]) else "pageable"
            self._note(self.uploads, f"{name} {tuple(theirs[0].shape)} {how}")
        is_view = any(r.alias_info and not r.alias_info.is_write for r in func._schema.returns)
        if not is_view and packet not in NO_KERNEL:
            self.launches[name] += 1

    def _note(self, into: Counter, what: str) -> None:
        if self.capturing and not what.endswith("pinned"):
            raise RuntimeError(f"operation not permitted when stream is capturing ({what})")
        if self.sync_debug_mode and (into is self.syncs or what.endswith("waits")):
            if self.sync_debug_mode == 2:
                raise RuntimeError("called a synchronizing CUDA operation")
            warnings.warn("called a synchronizing CUDA operation", stacklevel=2)
        frames = [f for f in traceback.extract_stack() if not f.filename.startswith(_NOT_THE_CAUSE)]
        inside = [f for f in frames if self._package in f.filename]
        place = "elsewhere"
        if frames:
            place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}"
        if inside:
            here = f"{inside[-1].filename.split(self._package)[-1]}:{inside[-1].lineno}"
            place = here if inside[-1] is frames[-1] else f"{here} > {place}"
        into[what, place] += 1


def _selects_by_mask(packet, args) -> bool:
    """Return whether an operation takes a mask as an index, so that its size is not known."""
    if packet not in (aten.index, aten.index_put, aten.index_put_):
        return False
    return any(x is not None and x.dtype in (torch.bool, torch.uint8) for x in args[1])


def _swapping(apply):
    """Let parameters become tensors of the device while they remain the same objects."""

    def swapping(module, *args, **kwargs):
        before = torch.__future__.get_swap_module_params_on_conversion()
        torch.__future__.set_swap_module_params_on_conversion(True)
        try:
            return apply(module, *args, **kwargs)
        finally:
            torch.__future__.set_swap_module_params_on_conversion(before)

    return swapping


def _real(x):
    return x.host if isinstance(x, OnDevice) else x


def _pinned(x):
    copy = x.clone()
    copy.fake_pinned = True
    return copy


def _is_pinned(x) -> bool:
    return getattr(x, "fake_pinned", False)


def _wrapped(x, known):
    """Return a result as a tensor of the device; a changed operand keeps its wrapper."""
    if not isinstance(x, torch.Tensor) or isinstance(x, OnDevice):
        return x
    return known[id(x)] if id(x) in known else OnDevice(x)
