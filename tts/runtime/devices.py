"""Which devices a run asks for, checked before anything is built.

``trainer.gpus=N`` is this project's spelling of ``accelerator=gpu devices=N``, which Lightning 2
dropped. Accepted: ``null`` (leave ``accelerator`` and ``devices`` alone), ``0`` (the CPU), a count,
``-1`` or ``auto`` (all), a list of indices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tts.core.errors import InputError


@dataclass(frozen=True)
class Devices:
    """``accelerator`` and ``devices`` as Lightning's Trainer takes them, resolved to a count."""

    accelerator: str
    devices: int | list[int]

    @property
    def count(self) -> int:
        """Number of processes on this node."""
        return self.devices if isinstance(self.devices, int) else len(self.devices)


def world_size(options: Mapping[str, Any]) -> int:
    """Number of processes on all nodes, of the options of ``conf/trainer``.

    Raises:
        InputError: as ``resolve_devices``.
    """
    devices = resolve_devices(options["gpus"], options["accelerator"], options["devices"])
    return devices.count * int(options["num_nodes"])


def resolve_devices(gpus: Any, accelerator: str, devices: Any) -> Devices:
    """What ``trainer.gpus``, ``trainer.accelerator`` and ``trainer.devices`` come to here.

    Raises:
        InputError: more GPUs than there are, an index that does not exist, or no number at all.
    """
    if gpus is not None:
        if gpus in (0, "0"):
            return Devices("cpu", 1)
        return Devices("gpu", _gpus(gpus, "trainer.gpus"))
    if accelerator == "auto":
        accelerator = _best_accelerator()
    if accelerator in ("gpu", "cuda"):
        return Devices("gpu", _gpus(devices, "trainer.devices"))
    if accelerator == "mps":
        return Devices("mps", 1)
    if accelerator == "cpu":
        count = 1 if devices == "auto" else _integer(devices, "trainer.devices")
        if count < 1:
            raise InputError(f"trainer.devices={devices}: give a number of processes from 1 up")
        return Devices("cpu", count)
    raise InputError(f"trainer.accelerator={accelerator}: use auto, cpu, gpu, cuda or mps")


def _best_accelerator() -> str:
    import torch

    if torch.cuda.device_count() > 0:
        return "gpu"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _gpus(asked: Any, key: str) -> int | list[int]:
    import torch

    found = torch.cuda.device_count()
    if isinstance(asked, str) and "," in asked:
        asked = [part for part in asked.split(",") if part.strip()]
    if isinstance(asked, (list, tuple)) or hasattr(asked, "_content"):
        indices = [_integer(index, key) for index in asked]
        if absent := [index for index in indices if not 0 <= index < found]:
            raise InputError(f"{key} asks for GPU {absent[0]}, but {found} GPUs were found")
        return indices
    count = found if asked in ("auto", -1, "-1") else _integer(asked, key)
    if count > found or count < 1:
        raise InputError(
            f"{key}={asked} asks for {max(count, 1)} GPUs, but {found} were found; on this machine"
            " use trainer.accelerator=cpu, with trainer.devices=N for N processes"
        )
    return count


def _integer(value: Any, key: str) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise InputError(f"{key}={value} is not a number of devices") from None
