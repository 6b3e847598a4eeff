"""Lets ``torch.compile`` join the operations of WaveGlow's couplings: ``model.compile=true``.

A layer of a coupling is two convolutions and some pointwise operations. Compiled, the pointwise
ones become a few kernels. Only training steps are compiled, because their segments are equally
long: for each other length torch would compile again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import nn

from tts.core.errors import one_line
from tts.models.waveglow.flow import CouplingNetwork

log = logging.getLogger(__name__)


class CompileCouplings(Callback):
    """Compiles the couplings of a network for the time of its training, if the run asks for it.

    Names of weights stay as they are. Where torch cannot compile, as without a compiler, one line
    says so, and the training goes on without it.

    Args:
        network: the network that is trained.
        config: the configuration of the run.
    """

    def __init__(self, network: nn.Module, config: Mapping[str, Any]) -> None:
        self._couplings: list[nn.Module] = []
        if config["model"].get("compile", False):
            self._couplings = [m for m in network.modules() if isinstance(m, CouplingNetwork)]
        self._is_compiling = True

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Compile when the network is on its device, and the averages have been copied from it."""
        self._is_compiling = True
        for coupling in self._couplings:
            coupling.forward = self._compiled(coupling, coupling.forward)

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Give the couplings back as they were."""
        for coupling in self._couplings:
            coupling.__dict__.pop("forward", None)

    def _compiled(self, coupling: nn.Module, eager: Callable[..., Any]) -> Callable[..., Any]:
        fast = torch.compile(eager, dynamic=False)

        def forward(*arguments: Any) -> Any:
            if not (self._is_compiling and coupling.training):
                return eager(*arguments)
            try:
                return fast(*arguments)
            except Exception as error:
                # an error of the network itself is raised again by the call below
                self._is_compiling = False
                reason = one_line(error).partition("; ")[0]
                log.warning(f"model.compile: torch cannot compile, so it is off: {reason}")
            return eager(*arguments)

        return forward
