"""Saves and restores the random generators: torch's on each device, numpy's and Python's.

The states are tensors and plain numbers, so that a checkpoint that holds them opens with
``weights_only=True``. CUDA and MPS are touched only where they are in use.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

RngState = dict[str, Any]


def rng_state(device: torch.device | None = None) -> RngState:
    """Return the state of the generators of this process, those of ``device`` included.

    Args:
        device: the device of the network; only the CPU's generators if None.
    """
    numpy = np.random.get_state(legacy=False)
    state: RngState = {
        "cpu": torch.get_rng_state(),
        "python": random.getstate(),
        "numpy": {
            "key": torch.from_numpy(numpy["state"]["key"].astype(np.int64)),
            "pos": int(numpy["state"]["pos"]),
            "has_gauss": int(numpy["has_gauss"]),
            "gauss": float(numpy["gauss"]),
        },
    }
    if device is not None and device.type in ("cuda", "mps"):
        state[device.type] = _device_state(device)
    return state


def set_rng_state(state: RngState, device: torch.device | None = None) -> None:
    """Restore what :func:`rng_state` returned; generators that it lacks stay as they are."""
    torch.set_rng_state(state["cpu"].cpu())
    if "python" in state:
        version, internal, gauss = state["python"]
        random.setstate((version, tuple(internal), gauss))
    if "numpy" in state:
        _set_numpy_state(**state["numpy"])
    if device is not None and device.type in state:
        _set_device_state(state[device.type].cpu(), device)


@contextmanager
def isolated_rng(seed: int | None = None) -> Iterator[None]:
    """Restore all generators after the block, so that its draws have no effect outside.

    Args:
        seed: for torch's generators inside the block; they keep their state if None.
    """
    before = rng_state()
    devices = _devices_in_use()
    states = [_device_state(device) for device in devices]
    try:
        if seed is not None:
            torch.manual_seed(seed)
        yield
    finally:
        set_rng_state(before)
        for device, state in zip(devices, states, strict=True):
            _set_device_state(state, device)


def _set_numpy_state(key: torch.Tensor, pos: int, has_gauss: int, gauss: float) -> None:
    np.random.set_state(("MT19937", key.numpy().astype(np.uint32), pos, has_gauss, gauss))


def _devices_in_use() -> list[torch.device]:
    devices = []
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        devices += [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        devices.append(torch.device("mps"))
    return devices


def _device_state(device: torch.device) -> torch.Tensor:
    if device.type == "mps":
        return torch.mps.get_rng_state()
    return torch.cuda.get_rng_state(device)


def _set_device_state(state: torch.Tensor, device: torch.device) -> None:
    if device.type == "mps":
        torch.mps.set_rng_state(state)
    else:
        torch.cuda.set_rng_state(state, device)
