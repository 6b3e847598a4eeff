"""Defines what the engine may take on, and how long it may take (``EngineLimits``)."""

from __future__ import annotations

from dataclasses import dataclass

from tts.core.ranges import Amount, Count, OptionalCount, Timeout, check_fields


@dataclass(frozen=True)
class EngineLimits:
    """Holds the limits of the engine.

    Attributes:
        batch_size: units that are decoded together at most.
        exact: decode a unit alone where a batch would change its last digits: on GPUs, and on a CPU
            where torch has more than two threads. Otherwise such batches are decoded, too.
        interactive: requests of the interactive lane that may be unfinished at a time.
        batch: requests of the batch lane that may be unfinished at a time.
        sentence_seconds: computing time after which a unit is given up.
        drain_seconds: time that speech which is being made gets to end, when the engine closes.
        threads: threads of torch; None keeps torch's own number. The last digits of the sound can
            depend on it, so ``synthesize.py`` gives the same samples with the same number.

    Raises:
        InputError: a value is not legal.
    """

    batch_size: Count = 8
    interactive: Count = 16
    batch: Count = 100
    sentence_seconds: Timeout = 60.0
    drain_seconds: Amount = 20.0
    threads: OptionalCount = None
    exact: bool = True

    def __post_init__(self) -> None:
        check_fields(self)
