"""What is usual for a number that changes slowly, and what is far above it.

"Far" is measured in spreads (median absolute deviations) above the running median, which neither
one outlier nor the slope of a learning curve moves much, and which means the same for losses that
may be below zero, as WaveGlow's.
"""

from __future__ import annotations

import math
from collections import deque
from statistics import median


class UsualRange:
    """Median and spread of the last values, and whether one is far above them.

    Args:
        factor: spreads above the median that are far; None for never.
        size: values that count.
    """

    #: A curve that hardly moves has hardly a spread: it is taken to be this share of the median.
    LEAST_SPREAD = 0.05

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
        if self.factor is None or len(self.window) < (self.window.maxlen or 0) // 4:
            return False
        middle = self.middle
        spread = median(abs(x - middle) for x in self.window)
        limit = middle + self.factor * max(spread, self.LEAST_SPREAD * abs(middle))
        return value > limit
