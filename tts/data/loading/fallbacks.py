"""``FallbackDataset`` replaces utterances that cannot be read by others (``on_error=skip``).

The replacement is a matter of the utterance and of nothing else: batches keep their size, ranks
their number of batches, and a run that is repeated or resumed sees the same.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

from torch.utils.data import Dataset

from tts.core.errors import InputError

#: After as many in a row it is not the recordings that are at fault, but the disk.
MOST_IN_A_ROW = 100


class FallbackDataset(Dataset[Any]):
    """Another dataset, with its ``fallbacks(key)`` where its own item cannot be read.

    What was wrong goes with the item that stands in, as ``skipped``.

    Args:
        dataset: with ``fallbacks(key)``: the key itself, then others in the order of preference.
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, key: Any) -> Any:
        """Give the item, or the first of its stand-ins that can be read.

        Raises:
            InputError: none of them can.
        """
        wrong: list[str] = []
        for stand_in in islice(self.dataset.fallbacks(key), MOST_IN_A_ROW):
            try:
                item = self.dataset[stand_in]
            except InputError as error:
                wrong.append(str(error))
            else:
                return item._replace(skipped=tuple(wrong)) if wrong else item
        raise InputError(f"{wrong[0]}; nor can {len(wrong) - 1} others that could stand in for it")
