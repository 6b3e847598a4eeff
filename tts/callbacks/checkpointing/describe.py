"""Adds a description to every checkpoint, so that it can be used without other files.

``checkpoint["tacoglow"]`` holds the kind and sizes of the network, the mel contract, the symbol
table, the corpus and the resolved configuration of the run. It has plain containers only, so a
checkpoint opens with ``weights_only=True`` and ``synthesize.py`` needs nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import zip_longest
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback, WeightAveraging
from torch import nn

from tts.core.errors import InputError
from tts.models import stored_options
from tts.pretrained.descriptions import FORMAT, KEY


class DescribeCheckpoint(Callback):
    """Adds the description to every checkpoint.

    If a callback averages the weights, the description gets ``"ema": True``: ``state_dict`` then
    holds the averages, which are better for synthesis, and ``current_model_state`` the weights of
    the training run (see ``tts.callbacks.EMA``).

    Args:
        description: nested dicts, lists, strings, numbers and None, as :meth:`of_run` makes them.
        when_prepared: returns what is known only when the data is prepared: ``speakers``.

    Raises:
        TypeError: the description has a value of another type. The error names its key; it comes
            here, before the first save.
    """

    def __init__(
        self,
        description: Mapping[str, Any],
        when_prepared: Callable[[], Mapping[str, Any]] | None = None,
    ) -> None:
        self.description = _plain(description, KEY)
        self._when_prepared = when_prepared

    @classmethod
    def of_run(
        cls, config: Mapping[str, Any], datamodule: Any, network: nn.Module
    ) -> DescribeCheckpoint:
        """Return the callback with everything that is needed to rebuild and use a network.

        Args:
            config: the resolved configuration of the run.
            datamodule: has ``mel``, ``corpus`` and, for a Tacotron 2, ``tokenizer``.
            network: has ``config``, a dataclass.
        """
        tokenizer = getattr(datamodule, "tokenizer", None)
        description = {
            "format": FORMAT,
            "network": type(network).__name__,
            "network_config": stored_options(network.config),
            "mel": datamodule.mel.to_dict(),
            "tokenizer": tokenizer.to_dict() if tokenizer is not None else None,
            "corpus": datamodule.corpus.name,
            "config": config,
        }
        several = getattr(network.config, "n_speakers", 1) > 1
        return cls(
            description, lambda: {"speakers": list(datamodule.corpus.speakers) if several else None}
        )

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Add what is known now that the data is prepared."""
        if self._when_prepared is not None:
            self.description |= _plain(self._when_prepared(), KEY)

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Refuse to resume if the speakers have other numbers than in the checkpoint.

        Raises:
            InputError: names the first speaker that differs.
        """
        before = (checkpoint.get(KEY) or {}).get("speakers")
        now = self.description.get("speakers")
        if not before or not now:
            return
        for number, (old, new) in enumerate(zip_longest(before, now, fillvalue="nobody")):
            if old != new:
                raise InputError(
                    f"{trainer.ckpt_path}: speaker {number} is {old} there, {new} here; resume "
                    "with the speakers of that run, or begin a new run with init_from"
                )

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add the description."""
        averaged = any(isinstance(c, WeightAveraging) for c in trainer.callbacks)  # type: ignore[attr-defined]
        checkpoint[KEY] = {**self.description, **({"ema": True} if averaged else {})}


def _plain(value: Any, where: str) -> Any:
    """Copy a value into dicts, lists and scalars; ``where`` is its key."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, f"{where}.{i}") for i, item in enumerate(value)]
    if value is None or type(value) in (str, int, float, bool):
        return value
    raise TypeError(
        f"{where} is a {type(value).__name__}; use dicts, lists, strings, numbers and None only"
    )
