"""CUDA graphs of the fake device: a capture notes the kernels, and a replay runs these alone.

As on a GPU, a replay runs none of the Python code that was captured, reads and writes the memory of
the capture, and counts as one launch. What a capture creates has no values until the first replay.
While it lasts, whatever makes the host wait is refused, and so are copies of pageable memory. Only
what is written in place differs: a capture writes it here, and not on a GPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
from torch.utils._pytree import tree_flatten

from tests.support.fake_device.kernels import NO_KERNEL, compute


class FakeGraph:
    """Stands for ``torch.cuda.CUDAGraph``; the methods are those that this project uses."""

    def __init__(self, device: Any) -> None:
        self._device = device
        self._kernels: list[Any] = []

    def note(self, func: Any, args: Any, kwargs: Any, out: Any) -> None:
        """Note a kernel with its operands and its result, all of them tensors of the CPU."""
        is_view = any(r.alias_info and not r.alias_info.is_write for r in func._schema.returns)
        if not is_view and func.overloadpacket not in NO_KERNEL:
            self._kernels.append((func, args, kwargs, tree_flatten(out)[0]))

    def replay(self) -> None:
        """Run the kernels again."""
        self._device.launches["graph"] += 1
        with torch.no_grad():
            for func, args, kwargs, out in self._kernels:
                again = tree_flatten(compute(func, args, kwargs))[0]
                for ours, new in zip(out, again, strict=True):
                    if isinstance(ours, torch.Tensor) and ours.data_ptr() != new.data_ptr():
                        ours.copy_(new)

    def forget_values(self) -> None:
        """Make what the capture created useless, because a capture computes nothing."""
        for _, args, kwargs, out in self._kernels:
            known = {x.data_ptr() for x in tree_flatten((args, kwargs))[0] if _is_tensor(x)}
            for x in out:
                if _is_tensor(x) and x.is_floating_point() and x.data_ptr() not in known:
                    x.fill_(float("nan"))


def graph_functions(device: Any) -> dict[str, Any]:
    """Return what replaces functions of ``torch.cuda`` while a fake device is there."""

    @contextmanager
    def capture(graph: FakeGraph, **_: Any) -> Iterator[None]:
        device.capturing, device.graph = True, graph
        try:
            yield
        finally:
            device.capturing, device.graph = False, None
            graph.forget_values()

    return {
        "CUDAGraph": lambda: FakeGraph(device),
        "graph": capture,
        "graph_pool_handle": object,
        "current_stream": lambda *_: mock.Mock(),
        "Stream": lambda *_, **__: mock.Mock(),
    }


def _is_tensor(x: Any) -> bool:
    return isinstance(x, torch.Tensor)
