"""Fine-tuning with parts of the network as they are: ``freeze=[encoder]``.

A frozen part has no gradients, its batch norms keep their statistics and its dropout is off: it
computes what it computes in speech. (The dropout of Tacotron 2's pre-net is on in speech, too, and
stays on.)
"""

from __future__ import annotations

from collections.abc import Sequence

from pytorch_lightning.callbacks import Callback
from torch import nn

from tts.core.errors import InputError
from tts.training.warm_start import as_names, is_part, require_part


class KeepFrozen(Callback):
    """Freezes parts of a network, and keeps them so when the trainer switches to training mode.

    Make it before the optimiser: that gets the trainable parameters only.

    Args:
        network: what is trained.
        parts: names of modules, "encoder" or "decoder.prenet"; one name alone will do.

    Raises:
        InputError: a name that names nothing, or nothing is left to train.
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
            # in evaluation mode cuDNN refuses gradients through an LSTM, which has nothing here
            # that the mode would change
            if any(is_part(name, part) for part in names) and not isinstance(module, nn.RNNBase)
        ]

    def on_train_batch_start(self, *_: object) -> None:
        """Undo what the start of training, validation or another callback has switched on."""
        for module in self._modules:
            module.training = False
