"""Settles the options of a training that depend on its devices; the run saves the result."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping
from typing import Any

from torch.nn.parallel import DistributedDataParallel

from tts.runtime.devices import resolve_devices, resolve_precision


def settle_device_options(
    config: Mapping[str, Any],
) -> tuple[dict[str, Any], list[tuple[int, str]]]:
    """Return a configuration without open choices, and lines for the log with their levels.

    * ``trainer.precision``: see :func:`tts.runtime.devices.resolve_precision`.
    * ``trainer.benchmark``: off if the run has to be deterministic.
    * ``model.optimizer.fused``: on with NVIDIA's GPUs if it is null.

    Args:
        config: the resolved configuration of a training; it is not changed.

    Raises:
        InputError: the devices are not there.
    """
    trainer, model = dict(config["trainer"]), dict(config["model"])
    lines: list[tuple[int, str]] = []
    devices = resolve_devices(trainer["gpus"], trainer["accelerator"], trainer["devices"])
    asked = trainer["precision"]
    trainer["precision"] = resolve_precision(asked, devices)
    if asked == "auto":
        lines.append((logging.INFO, f"trainer.precision=auto: {trainer['precision']}"))
    elif asked != trainer["precision"]:
        line = "trainer.precision=16-mixed: a CPU computes in bf16-mixed instead"
        lines.append((logging.WARNING, line))
    # cuDNN may otherwise choose another kernel in each run
    trainer["benchmark"] = bool(trainer.get("benchmark")) and not trainer["deterministic"]
    optimizer = dict(model["optimizer"])
    if optimizer.get("fused", False) is None:
        # with null, torch chooses what is right on a CPU
        optimizer["fused"] = True if devices.accelerator == "gpu" else None
    model["optimizer"] = optimizer
    return {**config, "trainer": trainer, "model": model}, lines


def ddp_options() -> dict[str, Any]:
    """Return the options of torch's DDP.

    Buffers are equal without copies, because batch norm updates them with the statistics of all
    ranks. Newer versions of torch warn of the former name of this option.
    """
    known = inspect.signature(DistributedDataParallel).parameters
    copies = "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"
    return {copies: False, "gradient_as_bucket_view": True}
