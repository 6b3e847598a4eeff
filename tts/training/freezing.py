"""Trains a network while some of its parts stay as they are: ``freeze=[encoder]``.

A frozen part gets no gradients, its batch norms keep their statistics and its dropout is off: it
computes what it computes in synthesis. (The dropout of Tacotron 2's pre-net is on in synthesis too,
so it stays on.)
"""

from __future__ import annotations

from collections.abc import Sequence

from pytorch_lightning.callbacks import Callback
from torch import nn

from tts.core.errors import InputError
from tts.training.network_parts import as_names, is_part, require_part


class KeepFrozen(Callback):
    """Freezes parts of a network, and keeps them in evaluation mode during training.

    Create it before the optimiser, which takes the trainable parameters only.

    Args:
        network: the network that is trained.
        parts: names of modules, "encoder" or "decoder.prenet"; a single name may be a string.

    Raises:
        InputError: the network has no part of that name, or no parameter is left to train.
    """

    def __init__(self, network: nn.Module, parts: str | Sequence[str] | None) -> None:
        names = as_names("freeze", parts)
        parameters = dict(network.named_parameters())
        for part in names:
            require_part(part, parameters, "freeze")
        for name, parameter in parameters.items():
            if any(is_part(name, part) for part in names):
                parameter.requires_grad_(False)
        if names and not any(parameter.requires_grad for parameter in parameters.values()):
            raise InputError(f"freeze={','.join(names)}: nothing is left to train")
        self._modules = [
            module
            for name, module in network.named_modules()
            # cuDNN refuses gradients through an LSTM in evaluation mode, and the mode changes
            # nothing in an LSTM without dropout
            if any(is_part(name, part) for part in names) and not isinstance(module, nn.RNNBase)
        ]

    def on_train_batch_start(self, *_: object) -> None:
        """Set evaluation mode again: the trainer and other callbacks switch to training mode."""
        for module in self._modules:
            module.training = False
