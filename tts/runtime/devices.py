"""Resolves the devices that a run asks for, before anything is built.

``trainer.gpus=N`` is this project's spelling of ``accelerator=gpu devices=N``, which Lightning 2
has dropped. Its values are ``null`` (``accelerator`` and ``devices`` decide), ``0`` (the CPU), a
count, ``-1`` or ``auto`` (all GPUs) and a list of indices.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tts.core.errors import InputError

log = logging.getLogger(__name__)

#: The first of NVIDIA's generations (compute capabilities) that computes in bfloat16.
_BFLOAT16 = 8


@dataclass(frozen=True)
class Devices:
    """Holds ``accelerator`` and ``devices`` for Lightning's Trainer, resolved to a count."""

    accelerator: str
    devices: int | list[int]

    @property
    def count(self) -> int:
        """Return the number of processes on this node."""
        return self.devices if isinstance(self.devices, int) else len(self.devices)


def world_size(options: Mapping[str, Any]) -> int:
    """Return the number of processes on all nodes.

    Args:
        options: the options of ``conf/trainer``.

    Raises:
        InputError: for the reasons of :func:`resolve_devices`.
    """
    devices = resolve_devices(options["gpus"], options["accelerator"], options["devices"])
    return devices.count * int(options["num_nodes"])


def resolve_devices(gpus: Any, accelerator: str, devices: Any) -> Devices:
    """Return the devices of ``trainer.gpus``, ``trainer.accelerator`` and ``trainer.devices``.

    Raises:
        InputError: there are fewer GPUs, an index does not exist, or a value is no number.
    """
    if gpus is not None:
        if gpus in (0, "0"):
            return Devices("cpu", 1)
        return Devices("gpu", _resolve_gpus(gpus, "trainer.gpus"))
    if accelerator == "auto":
        accelerator = "cpu" if best_device("trainer.accelerator") == "cpu" else "gpu"
    if accelerator in ("gpu", "cuda"):
        return Devices("gpu", _resolve_gpus(devices, "trainer.devices"))
    if accelerator == "mps":
        return Devices("mps", 1)
    if accelerator == "cpu":
        count = 1 if devices == "auto" else _integer(devices, "trainer.devices")
        if count < 1:
            raise InputError(f"trainer.devices={devices}: give a number of processes from 1 up")
        return Devices("cpu", count)
    raise InputError(f"trainer.accelerator={accelerator}: use auto, cpu, gpu, cuda or mps")


def resolve_precision(precision: Any, devices: Devices) -> Any:
    """Return the precision that these devices compute in.

    Args:
        precision: ``trainer.precision``. ``"auto"`` is bfloat16 on NVIDIA's GPUs that have it
            (Ampere and later), float16 on others, and float32 elsewhere. A CPU computes in
            bfloat16 where float16 is asked for.
        devices: the resolved devices. If they differ, the oldest decides.

    Returns:
        A precision of Lightning's Trainer.
    """
    if precision != "auto":
        is_half = precision in (16, "16", "16-mixed")
        return "bf16-mixed" if is_half and devices.accelerator == "cpu" else precision
    if devices.accelerator != "gpu":
        return "32-true"
    import torch

    chosen = devices.devices
    indices = range(chosen) if isinstance(chosen, int) else chosen
    has_bfloat16 = all(torch.cuda.get_device_capability(i)[0] >= _BFLOAT16 for i in indices)
    return "bf16-mixed" if has_bfloat16 else "16-mixed"


def best_device(key: str) -> str:
    """Return what ``auto`` means on this machine: ``"cuda"`` or ``"cpu"``.

    Apple's GPUs are used by name only. torch has no kernel there for the gradient of WaveGlow's
    log-determinants, which the CPU computes instead, and nothing else of the networks has been
    tried. Where there is one, a line says so once.

    Args:
        key: the option whose value is ``auto``, for the line.
    """
    import torch

    if torch.cuda.device_count() > 0:
        return "cuda"
    if torch.backends.mps.is_available():
        _say_no_mps(key)
    return "cpu"


@cache
def _say_no_mps(key: str) -> None:
    log.info(
        "%s=auto: the CPU is used, because the networks have not been tried on Apple's GPUs; "
        "%s=mps tries it",
        *(key, key),
    )


def _resolve_gpus(requested: Any, key: str) -> int | list[int]:
    import torch

    n_gpus = torch.cuda.device_count()
    if isinstance(requested, str) and "," in requested:
        requested = [part for part in requested.split(",") if part.strip()]
    if isinstance(requested, (list, tuple)) or hasattr(requested, "_content"):
        indices = [_integer(index, key) for index in requested]
        if absent := [index for index in indices if not 0 <= index < n_gpus]:
            raise InputError(f"{key} asks for GPU {absent[0]}, but {n_gpus} GPUs were found")
        return indices
    count = n_gpus if requested in ("auto", -1, "-1") else _integer(requested, key)
    if count > n_gpus or count < 1:
        raise InputError(
            f"{key}={requested} asks for {max(count, 1)} GPUs, but {n_gpus} were found; on this "
            "machine use trainer.accelerator=cpu, with trainer.devices=N for N processes"
        )
    return count


def _integer(value: Any, key: str) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise InputError(f"{key}={value} is not a number of devices") from None
