"""Finds the batch at which a resumed run continues, and compares the batches with those before.

Batches follow from the seed and the epoch, so a position is a number of batches: of those that the
network was trained on, not of those that the workers have read ahead. A position is the same only
while all other settings of the batches are the same; this module compares them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from torch.utils.data import DataLoader

from tts.data.loading.sampler import GlobalBatchSampler

BATCHES = "batches in an epoch"
ACCUMULATE = "trainer.accumulate_grad_batches"
# the name in checkpoints
_STATE_KEY = "makings"


class TrainingPosition:
    """Keeps what a DataModule needs to continue an epoch where the run stopped."""

    def __init__(self) -> None:
        self._settings: dict[str, Any] = {}
        self._settings_before: dict[str, Any] = {}
        self._loader: DataLoader[Any] | None = None

    def state_dict(self) -> dict[str, Any]:
        """Return the settings of :func:`batching_settings`, for a checkpoint."""
        return {_STATE_KEY: self._settings}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep the settings of the run that is resumed."""
        self._settings_before = state_dict.get(_STATE_KEY, {})

    def describe(self, loader: DataLoader[Any], names: Sequence[str]) -> None:
        """Keep the settings of the training batches."""
        self._settings = batching_settings(_sampler(loader), names)

    def prepare(
        self, loader: DataLoader[Any], names: Sequence[str], epoch: int, batch: int
    ) -> tuple[int, str]:
        """Let ``loader`` begin at a batch, and keep it until ``take_loader`` is called.

        Returns:
            The batch, which is at the same share of the epoch if its length has changed; and what
            has changed, "" if nothing has.
        """
        sampler = _sampler(loader)
        now, before = batching_settings(sampler, names), self._settings_before
        changed = changed_settings(before, now)
        if changed:
            batch = rescaled_batch(batch, before, now)
        # here and not by Lightning, which sets the epoch when the workers have begun to read
        sampler.set_epoch(epoch)
        sampler.start_batch = batch
        self._loader = loader
        return batch, changed

    def take_loader(self) -> DataLoader[Any] | None:
        """Return the prepared loader once, and None after that."""
        loader, self._loader = self._loader, None
        return loader


def batching_settings(sampler: GlobalBatchSampler, names: Sequence[str]) -> dict[str, Any]:
    """Return what decides the batches of an epoch, under the names that the user knows.

    Args:
        sampler: sampler of the training batches.
        names: ids of the training utterances.
    """
    digest = hashlib.sha256("\n".join(names).encode())
    digest.update(sampler.lengths.tobytes())
    return {
        "training recordings": len(names),
        "their names and lengths": digest.hexdigest()[:12],
        "data.batch_size": getattr(sampler, "batch_size", None),
        "data.frames_per_batch": getattr(sampler, "frames_per_batch", None),
        "processes": sampler.world_size,
        ACCUMULATE: sampler.accumulate,
        "seed": sampler.seed,
        BATCHES: len(sampler),
    }


def changed_settings(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return what has changed: ``"data.batch_size 4 -> 8, processes 1 -> 2"``; "" if nothing."""
    changed = (name for name in before if name in now and before[name] != now[name])
    return ", ".join(f"{name} {before[name]} -> {now[name]}" for name in changed)


def rescaled_batch(batch: int, before: Mapping[str, Any], now: Mapping[str, Any]) -> int:
    """Return the batch at the same share of an epoch; an optimiser step begins with it."""
    if before[BATCHES] != now[BATCHES]:
        batch = batch * now[BATCHES] // before[BATCHES]
    return batch - batch % int(now[ACCUMULATE])


def _sampler(loader: DataLoader[Any]) -> GlobalBatchSampler:
    """Return the sampler that forms the batches; another one may be wrapped around it."""
    sampler: GlobalBatchSampler = loader.batch_sampler.sampler  # type: ignore[union-attr]
    return sampler
