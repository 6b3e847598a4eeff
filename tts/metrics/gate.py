"""Measures whether the gate ends speech where the recording ends.

The gate predicts for each frame the probability that speech is over. A gate that fires late or
never leads to babble after the last word. A gate that fires early cuts off the end. Both are a
distance in frames.
"""

from __future__ import annotations

from torch import Tensor

from tts.models.tacotron2.stopping import GATE_THRESHOLD


def gate_delay(gate: Tensor, n_target: int, threshold: float = GATE_THRESHOLD) -> tuple[int, bool]:
    """Return how many frames after the end of the recording the gate fires, and whether it does.

    Args:
        gate: ``(T_mel,)`` probabilities, teacher-forced or free-running.
        n_target: number of frames of the recording.
        threshold: probability from which on the gate fires.

    Returns:
        The delay in frames, below zero for an early end, and whether the gate fired. For a gate
        that did not fire the delay counts up to the frame after the last one, and is at least the
        length of the recording: with teacher forcing the last frame is the end of the recording.
    """
    fired = (gate >= threshold).nonzero()
    if len(fired):
        return int(fired[0]) - (n_target - 1), True
    return max(len(gate) - (n_target - 1), n_target), False
