"""Tells whether a slowly changing number is far above its usual values.

"Far" is measured in spreads (median absolute deviations) above the running median. A single outlier
or the slope of a learning curve hardly moves these two, and they work for losses below zero, such
as WaveGlow's.
"""

from __future__ import annotations

import math
from collections import deque
from statistics import median


class OutlierDetector:
    """Keeps the last values of a number, and compares a new value with their median and spread.

    Args:
        factor: a value is far above if it is this many spreads above the median; None for never.
        size: number of values that are kept.
    """

    #: Smallest spread, as a share of the median: a curve that hardly moves has hardly any spread.
    LEAST_SPREAD = 0.05
    #: A difference of this many spreads is more than noise.
    CLEAR = 3.0

    def __init__(self, factor: float | None, size: int) -> None:
        self.factor = factor
        self.window: deque[float] = deque(maxlen=size)

    @property
    def middle(self) -> float:
        """Return the median of the kept values."""
        return median(self.window)

    def is_far_above(self, value: float) -> bool:
        """Return whether ``value`` is far above the usual, or not finite.

        A finite value is not, until a quarter of the window is filled.
        """
        if not math.isfinite(value):
            return True
        if self.factor is None or not self._is_known:
            return False
        return value > self.middle + self.factor * self._spread

    def is_clearly_below(self, value: float) -> bool:
        """Return whether ``value`` is lower than noise alone would make it."""
        return self._is_known and value < self.middle - self.CLEAR * self._spread

    @property
    def _is_known(self) -> bool:
        return len(self.window) >= max(1, (self.window.maxlen or 0) // 4)

    @property
    def _spread(self) -> float:
        middle = self.middle
        return max(median(abs(x - middle) for x in self.window), self.LEAST_SPREAD * abs(middle))
