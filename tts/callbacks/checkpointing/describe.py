"""Checkpoints that describe themselves.

Every checkpoint gets ``checkpoint["tacoglow"]``: which network, its sizes, the mel contract, the
symbol table, the corpus and the resolved configuration of the run, in plain containers, so that it
opens with ``weights_only=True`` and ``synthesize.py`` needs nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import zip_longest
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback, WeightAveraging

from tts.core.errors import InputError

#: Key of the description in a checkpoint.
KEY = "tacoglow"


class DescribeCheckpoint(Callback):
    """Adds the description to every checkpoint.

    Where a callback averages the weights, ``"ema": True`` is added: ``state_dict`` then holds the
    averages, which are what one wants to hear, and ``current_model_state`` the weights of the
    training run (see ``tts.callbacks.EMA``).

    Args:
        description: ``format``, ``network``, ``network_config``, ``mel``, ``tokenizer``,
            ``corpus``, ``config``: nested dicts, lists, strings, numbers, None.
        when_prepared: gives what is known only once the data is prepared: ``speakers``.

    Raises:
        TypeError: at once, not at the first save, if a value is anything else, naming its key.
    """

    def __init__(
        self,
        description: Mapping[str, Any],
        when_prepared: Callable[[], Mapping[str, Any]] | None = None,
    ) -> None:
        self.description = _plain(description, KEY)
        self._when_prepared = when_prepared

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Complete the description."""
        if self._when_prepared is not None:
            self.description |= _plain(self._when_prepared(), KEY)

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Refuse to go on with other voices under the same numbers.

        Raises:
            InputError: naming the first that is another.
        """
        there = (checkpoint.get(KEY) or {}).get("speakers")
        here = self.description.get("speakers")
        if not there or not here:
            return
        for number, (old, new) in enumerate(zip_longest(there, here, fillvalue="nobody")):
            if old != new:
                raise InputError(
                    f"{trainer.ckpt_path}: speaker {number} is {old} there, {new} here; go on with "
                    "the speakers of that run, or begin a new one with init_from"
                )

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add the description."""
        averaged = any(isinstance(c, WeightAveraging) for c in trainer.callbacks)  # type: ignore[attr-defined]
        checkpoint[KEY] = {**self.description, **({"ema": True} if averaged else {})}


def _plain(value: Any, where: str) -> Any:
    """Copy ``value`` into dicts, lists and scalars."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, f"{where}.{i}") for i, item in enumerate(value)]
    if value is None or type(value) in (str, int, float, bool):
        return value
    raise TypeError(f"{where} is a {type(value).__name__}; a checkpoint describes itself plainly")
