"""Measures the peak memory of this process, on every platform."""

from __future__ import annotations

import torch

from tts.core.memory import peak_resident_bytes

GIB = 2**30


def peak_memory_gb(device: torch.device) -> dict[str, float]:
    """Return the peaks since the process began, in GiB.

    Args:
        device: the device that the process trains on.

    Returns:
        ``memory_process_gb``: main memory that the process has held (not on Windows, which does not
        report it). ``memory_device_gb``: what tensors have held on a CUDA device, or what the Metal
        driver holds now.
    """
    peaks: dict[str, float] = {}
    if (peak := peak_resident_bytes()) is not None:
        peaks["memory_process_gb"] = peak / GIB
    if device.type == "cuda":
        peaks["memory_device_gb"] = torch.cuda.max_memory_allocated(device) / GIB
    elif device.type == "mps":
        peaks["memory_device_gb"] = torch.mps.driver_allocated_memory() / GIB
    return peaks
