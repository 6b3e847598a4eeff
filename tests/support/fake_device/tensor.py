"""The tensors of the device, and the names of the device."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

#: Environment variable with the path of the compiled stub.
STUB = "FAKE_CUDA_STUB"

if (_stub := os.environ.get(STUB)) and "torch" not in sys.modules:
    _spec = importlib.util.find_spec("torch")
    assert _spec is not None
    assert _spec.origin is not None
    for _library in ("libc10.so", "libtorch_cpu.so"):
        ctypes.CDLL(str(Path(_spec.origin).parent / "lib" / _library), ctypes.RTLD_GLOBAL)
    ctypes.CDLL(_stub, ctypes.RTLD_GLOBAL)

import torch  # noqa: E402
from torch.overrides import TorchFunctionMode  # noqa: E402
from torch.utils._pytree import tree_flatten, tree_unflatten  # noqa: E402

DEVICE = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
#: What the C++ part of torch takes the device for.
HOST = torch.device("cuda:0" if torch._C._get_accelerator().type == "cuda" else "meta")


class OnDevice(torch.Tensor):
    """A tensor of the device; ``host`` holds its values on the CPU, with the same views."""

    host: torch.Tensor
    #: Runs one operation; FakeDevice sets it for the time of its block.
    run: Any = None

    @staticmethod
    def __new__(cls, real: torch.Tensor) -> OnDevice:
        tensor = torch.Tensor._make_wrapper_subclass(
            cls,
            real.size(),
            strides=real.stride(),
            storage_offset=real.storage_offset(),
            dtype=real.dtype,
            layout=real.layout,
            device=HOST,
        )
        tensor.host = real
        return tensor

    device = property(lambda self: DEVICE)
    is_cuda = property(lambda self: True)
    is_cpu = property(lambda self: False)
    is_meta = property(lambda self: False)
    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return OnDevice.run(func, args, kwargs or {})

    def numpy(self, *, force: bool = False):
        if not force:
            raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu()")
        return self.detach().cpu().numpy()

    def __array__(self, *_):
        return self.numpy()

    def tolist(self):
        return self.detach().cpu().tolist()

    def __repr__(self, **_):
        return f"OnDevice({self.host!r})"

    def __deepcopy__(self, memo):
        copy = type(self)(self.host.detach().clone())
        if getattr(self, "_is_param", False):
            copy = torch.nn.Parameter(copy, self.requires_grad)
        memo[id(self)] = copy
        return copy

    def __reduce_ex__(self, protocol):
        # A checkpoint holds plain tensors; map_location would bring them back to a real device
        return self.host.detach().__reduce_ex__(protocol)


class DeviceNames(TorchFunctionMode):
    """Says ``meta`` to the C++ part where Python says ``cuda``.

    Attributes:
        depth: how many calls that were renamed are running.
    """

    def __init__(self) -> None:
        super().__init__()
        self.depth = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        leaves, spec = tree_flatten((args, kwargs))
        ours = [_names_the_device(leaf) for leaf in leaves]
        if not any(ours) or func in (torch._C._nn._parse_to, torch.device):
            return func(*args, **kwargs)
        if func in (torch.tensor, torch.as_tensor) and not isinstance(args[0], torch.Tensor):
            return func(*args, **{**kwargs, "device": "cpu"}).to(DEVICE)
        if func is torch.Tensor.new_tensor:
            return torch.tensor(args[1], dtype=kwargs.get("dtype", args[0].dtype)).to(DEVICE)
        if HOST == DEVICE:
            return func(*args, **kwargs)
        renamed = [
            HOST if our and not isinstance(leaf, OnDevice) else leaf
            for our, leaf in zip(ours, leaves, strict=True)
        ]
        args, kwargs = tree_unflatten(renamed, spec)
        self.depth += 1
        try:
            return func(*args, **kwargs)
        finally:
            self.depth -= 1


def _names_the_device(value: Any) -> bool:
    if isinstance(value, torch.device):
        return value.type == "cuda"
    return isinstance(value, OnDevice) or (isinstance(value, str) and value.split(":")[0] == "cuda")
