"""Says at the start how much memory of the GPU the training will need, and warns if it is too much.

It is an estimate: it leaves out what CUDA itself and the work space of its libraries need, some
hundred MB, and the losses of critics and of spoken sound.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, WeightAveraging

from tts.callbacks.memory import GIB
from tts.training.activation_memory import Sizes, activation_bytes
from tts.training.failures import memory_advice

log = logging.getLogger(__name__)


class MemoryEstimate(Callback):
    """Logs one line before the first step of a training on a GPU: needed and existing memory.

    The first batch of a new run is its heaviest. A training is never refused.

    Args:
        config: the configuration of the run.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        self._activations: Callable[[Sizes], int] | None = None

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Measure the network while it is still on the CPU."""
        on_gpu = trainer.strategy.root_device.type == "cuda"
        if stage != "fit" or not on_gpu or not trainer.is_global_zero:
            return
        try:
            network: Any = pl_module.network
            self._activations = activation_bytes(network, self._config["trainer"]["precision"])
        except Exception as error:
            # a network of the user's own may do what this cannot follow
            log.info("no estimate of the GPU's memory: %s", error)

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Write the line for the first batch."""
        if self._activations is None:
            return
        activations, self._activations = self._activations, None
        needed = {
            **held_bytes(trainer, pl_module),
            "activations": activations(batch_sizes(batch)),
        }
        card = card_bytes(trainer.strategy.root_device)
        total = sum(needed.values())
        parts = ", ".join(f"{name} {n / GIB:.2g}" for name, n in needed.items() if n)
        line = (
            f"memory: estimated {total / GIB:.1f} GB of the card's {card / GIB:.1f} GB for a batch "
            f"of {_described(batch)} ({parts})"
        )
        if total > card:
            log.warning(f"{line}; if it does not fit, {memory_advice(self._config)}")
        else:
            log.info(line)


def held_bytes(trainer: pl.Trainer, module: pl.LightningModule) -> dict[str, int]:
    """Return the bytes that a training holds in all steps, by what they are for."""
    weights = sum(tensor.nbytes for tensor in (*module.parameters(), *module.buffers()))
    trained = sum(p.nbytes for p in module.parameters() if p.requires_grad)
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    n_averages = sum(isinstance(callback, WeightAveraging) for callback in callbacks)
    return {
        "weights": weights,
        "gradients": trained,
        "optimiser": trained * _states(trainer.optimizers[0].param_groups[0]),
        "averages": weights * n_averages,
    }


def _states(group: Mapping[str, Any]) -> int:
    """Return how many values an optimiser keeps for each parameter."""
    if "betas" in group:
        return 3 if group.get("amsgrad") else 2
    return 1 if group.get("momentum") else 0


def batch_sizes(batch: Any) -> Sizes:
    """Return the sizes of a batch, as :func:`activation_bytes` takes them."""
    if hasattr(batch, "wave"):
        return tuple(batch.wave.shape)
    return (*batch.text.shape, batch.mel.shape[2])


def _described(batch: Any) -> str:
    if hasattr(batch, "wave"):
        return f"{len(batch.wave)} segments of {batch.wave.shape[1]} samples"
    n_batch, n_text, n_mel = batch_sizes(batch)
    return f"{n_batch} utterances of up to {n_text} symbols and {n_mel} frames"


def card_bytes(device: torch.device) -> int:
    """Return the memory of a GPU."""
    return int(torch.cuda.get_device_properties(device).total_memory)
