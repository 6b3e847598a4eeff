"""Where in an epoch a resumed run goes on, and whether the same batches come there as before.

Batches follow from the seed and the epoch, so a position is a number of batches: of those that were
trained on, whatever the workers have fetched beyond. It means the same only as long as everything
else that batches are made from is the same, which is compared here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from torch.utils.data import DataLoader

from tts.data.loading.sampler import GlobalBatchSampler

BATCHES = "batches in an epoch"
ACCUMULATE = "trainer.accumulate_grad_batches"


class TrainingPosition:
    """What a DataModule keeps so that its training batches go on where they were left."""

    def __init__(self) -> None:
        self._makings: dict[str, Any] = {}
        self._makings_before: dict[str, Any] = {}
        self._loader: DataLoader[Any] | None = None

    def state_dict(self) -> dict[str, Any]:
        """What the batches are made from, as :func:`batching_settings`."""
        return {"batching_settings": self._makings}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep what they were made from in the run that is resumed."""
        self._makings_before = state_dict.get("batching_settings", {})

    def describe(self, loader: DataLoader[Any], names: Sequence[str]) -> None:
        """Note what the batches of the training are made from."""
        self._makings = batching_settings(_sampler(loader), names)

    def prepare(
        self, loader: DataLoader[Any], names: Sequence[str], epoch: int, batch: int
    ) -> tuple[int, str]:
        """Let ``loader`` begin at a batch, and keep it until it is asked for.

        Returns:
            The batch, moved to the same share of the epoch if that has another length now, and
            what has changed, empty if nothing has.
        """
        sampler = _sampler(loader)
        now, before = batching_settings(sampler, names), self._makings_before
        changed = changed_settings(before, now)
        if changed:
            batch = rescaled_batch(batch, before, now)
        # set here, as workers begin to fetch before Lightning sets the epoch
        sampler.set_epoch(epoch)
        sampler.start_batch = batch
        self._loader = loader
        return batch, changed

    def take_loader(self) -> DataLoader[Any] | None:
        """The prepared loader, once."""
        loader, self._loader = self._loader, None
        return loader


def batching_settings(sampler: GlobalBatchSampler, names: Sequence[str]) -> dict[str, Any]:
    """What decides the batches of an epoch, under the names that a user knows.

    Args:
        sampler: of the training batches.
        names: of the training utterances.
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
    """``"data.batch_size 4 -> 8, processes 1 -> 2"``; empty if there is no difference."""
    changed = (name for name in before if name in now and before[name] != now[name])
    return ", ".join(f"{name} {before[name]} -> {now[name]}" for name in changed)


def rescaled_batch(batch: int, before: Mapping[str, Any], now: Mapping[str, Any]) -> int:
    """The batch at the same share of an epoch; it is the first of a step of the optimiser."""
    if before[BATCHES] != now[BATCHES]:
        batch = batch * now[BATCHES] // before[BATCHES]
    return batch - batch % int(now[ACCUMULATE])


def _sampler(loader: DataLoader[Any]) -> GlobalBatchSampler:
    """The sampler proper, which may be wrapped in one that adds the epoch."""
    sampler: GlobalBatchSampler = loader.batch_sampler.sampler  # type: ignore[union-attr]
    return sampler
