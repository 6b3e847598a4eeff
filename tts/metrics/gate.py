"""Gate health: does speech end when the recording does?

The gate gives each frame the probability that speech is over. What people complain about is one
that fires late or never (babble after the last word) or early (the end is cut off); both are a
distance in frames.
"""

from __future__ import annotations

from torch import Tensor

from tts.models.tacotron2.stopping import GATE_THRESHOLD


def gate_delay(gate: Tensor, n_target: int, threshold: float = GATE_THRESHOLD) -> tuple[int, bool]:
    """Frames from the end of the recording to the frame where the gate fires, and whether it does.

    Args:
        gate: ``(T_mel,)`` probabilities, teacher-forced or free-running.
        n_target: frames of the recording.
        threshold: probability at which speech ends.

    Returns:
        The delay, below zero for an early end, and whether the gate fired. One that did not is as
        late as could be seen: it is taken to fire behind the last frame, and teacher forced, where
        the recording ends there, no less than the length of the recording late.
    """
    fired = (gate >= threshold).nonzero()
    if len(fired):
        return int(fired[0]) - (n_target - 1), True
    return max(len(gate) - (n_target - 1), n_target), False
