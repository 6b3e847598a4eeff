"""Decides what the engine does next; knows neither torch nor threads.

The order is:

1. The interactive lane before the batch lane, looked at again before every task. So a book never
   makes a sentence wait longer than for the task that is running.
2. In a lane, requests without any sound yet come first: they decide the time to the first sound.
3. The sound of a decoded unit comes before the decoding of others.
4. Requests take turns, unit by unit. A new request joins at the turn of those that are there, so
   that nobody waits until it has caught up.

Units that wait at the same place of 1 and 2 are decoded together, if their options allow it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

#: The lanes in their order.
LANES = ("interactive", "batch")

T = TypeVar("T")


@dataclass(frozen=True)
class Task(Generic[T]):
    """Describes something that could be done next.

    Attributes:
        owner: the request that it is done for.
        item: what it is done with.
        lane: number of its lane, 0 first.
        is_first: whether it leads to the first sound of its request.
        turn: turn of its unit.
        order: number of its request, in the order in which they came.
        group: tasks of equal group can be done together; None for a task that stands alone.
        most: how many tasks of its group may be done together.
    """

    owner: Any
    item: T
    lane: int
    is_first: bool
    turn: float
    order: int
    group: Hashable = None
    most: int = 1

    @property
    def urgency(self) -> tuple[int, bool]:
        """Return the place of the request that only equal requests share; the smallest is first."""
        return self.lane, not self.is_first

    @property
    def place(self) -> tuple[object, ...]:
        """Return the place among all tasks; the smallest is first."""
        return (*self.urgency, self.group is not None, self.turn, self.order)


def next_tasks(tasks: Sequence[Task[T]]) -> list[Task[T]]:
    """Return the tasks to do now, together; all of one group, or a single one."""
    if not tasks:
        return []
    first = min(tasks, key=lambda task: task.place)
    if first.group is None:
        return [first]
    mates = [t for t in tasks if t.group == first.group and t.urgency == first.urgency]
    most = min(task.most for task in mates)
    return sorted(mates, key=lambda task: task.place)[:most]


def joining_turn(turns: Sequence[float]) -> float:
    """Return the turn at which a new request joins those of its lane.

    Args:
        turns: for each unfinished request of the lane, the turn of its next unit.
    """
    return min(turns, default=0.0)
