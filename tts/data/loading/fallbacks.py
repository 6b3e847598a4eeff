"""Replaces utterances that cannot be read by others (``on_error=skip``).

The replacement depends on the utterance alone: batches keep their size, ranks keep their number of
batches, and a run that is repeated or resumed reads the same utterances.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

from torch.utils.data import Dataset

from tts.core.errors import InputError

#: If so many utterances in a row cannot be read, the disk is at fault and not the recordings.
MOST_IN_A_ROW = 100


class FallbackDataset(Dataset[Any]):
    """Gives the items of another dataset, or a fallback for an item that cannot be read.

    The messages about items that could not be read are the ``skipped`` of the fallback.

    Args:
        dataset: its ``fallbacks(key)`` gives the key itself and then others, the best one first.
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, key: Any) -> Any:
        """Return the item, or its first fallback that can be read.

        Raises:
            InputError: none of them can be read.
        """
        faults: list[str] = []
        for fallback in islice(self.dataset.fallbacks(key), MOST_IN_A_ROW):
            try:
                item = self.dataset[fallback]
            except InputError as error:
                faults.append(str(error))
            else:
                return item._replace(skipped=tuple(faults)) if faults else item
        raise InputError(
            f"{faults[0]}; the {len(faults) - 1} utterances that could replace it cannot be read "
            "either"
        )
