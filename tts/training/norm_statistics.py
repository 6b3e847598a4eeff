"""Lets each rank normalise its batches by statistics of its own: ``trainer.sync_batchnorm=false``.

Then the ranks do not wait for each other in each norm of each step. But the same global batch gives
other results with another number of ranks, as each normalises its share only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
import torch
import torch.distributed as dist
from pytorch_lightning.callbacks import Callback
from torch import nn
from torch.optim import Optimizer

from tts.models.layers import MaskedBatchNorm1d


class OwnNorms(Callback):
    """Keeps statistics of batches apart, and the running statistics equal on all ranks.

    The running statistics, with which a network is validated and speaks, are means over the ranks:
    one reduction in each step.

    It does nothing unless ``trainer.sync_batchnorm`` is false, or if there is no batch norm.

    Args:
        network: the network that is trained.
        config: the configuration of the run.
    """

    def __init__(self, network: nn.Module, config: Mapping[str, Any]) -> None:
        norms = [part for part in network.modules() if isinstance(part, MaskedBatchNorm1d)]
        self._norms = [] if config["trainer"].get("sync_batchnorm", True) else norms
        for norm in self._norms:
            norm.over_ranks = False

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Optimizer
    ) -> None:
        """Take means of the running statistics, before averages of the weights include them."""
        # a frozen part keeps its own, which are equal
        buffers = [buffer for norm in self._norms if norm.training for buffer in norm.buffers()]
        if trainer.world_size == 1 or not buffers:
            return
        joined = torch.cat([buffer.flatten() for buffer in buffers])
        dist.all_reduce(joined)
        joined /= trainer.world_size
        means = torch.split(joined, [buffer.numel() for buffer in buffers])
        torch._foreach_copy_(buffers, [m.view_as(b) for m, b in zip(means, buffers, strict=True)])
