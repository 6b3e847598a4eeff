"""What is usual for a number that changes slowly, and what is far above it.

"Far" is measured in spreads (median absolute deviations) above the running median, which neither
one outlier nor the slope of a learning curve moves much, and which means the same for losses that
may be below zero, as WaveGlow's.
"""

from __future__ import annotations

import math
from collections import deque
from statistics import median


class OutlierDetector:
    """Median and spread of the last values, and whether one is far above them.

    Args:
        factor: spreads above the median that are far; None for never.
        size: values that count.
    """

    #: A curve that hardly moves has hardly a spread: it is taken to be this share of the median.
    LEAST_SPREAD = 0.05
    #: Spreads that are more than noise.
    CLEAR = 3.0

    def __init__(self, factor: float | None, size: int) -> None:
        self.factor = factor
        self.window: deque[float] = deque(maxlen=size)

    @property
    def middle(self) -> float:
        """The median."""
        return median(self.window)

    def exceeded_by(self, value: float) -> bool:
        """Whether ``value`` is far above; a number never is until a quarter of them are there."""
        if not math.isfinite(value):
            return True
        if self.factor is None or not self._is_known:
            return False
        return value > self.middle + self.factor * self._spread

    def clearly_above(self, value: float) -> bool:
        """Whether ``value`` is lower than noise alone would have it."""
        return self._is_known and value < self.middle - self.CLEAR * self._spread

    @property
    def _is_known(self) -> bool:
        return len(self.window) >= max(1, (self.window.maxlen or 0) // 4)

    @property
    def _spread(self) -> float:
        middle = self.middle
        return max(median(abs(x - middle) for x in self.window), self.LEAST_SPREAD * abs(middle))
