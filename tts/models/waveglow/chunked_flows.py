"""WaveGlow on long spectrograms: each flow runs over pieces of time, then the next flow does.

What takes memory lies within a flow: its layers' conditions are hundreds of times as large as the
samples. What goes from flow to flow has the size of the samples. So memory hardly grows with the
length, and a piece needs no more around it than one flow reaches.

Shapes: B batch, T_mel frames, T groups of samples, C channels.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tts.models.waveglow.condition import Condition, FrameCondition, UpsampledCondition
from tts.models.waveglow.config import WaveGlowConfig

#: ``(B, C, T)`` channels and what the mel tells of them -> ``(B, C', T)``.
ConditionedOperation = Callable[[Tensor, Condition], Tensor]


class ChunkedFlows:
    """Runs operations that see a flow's reach on either side, piece by piece.

    Args:
        reader: makes conditions of the mel.
        config: of the network.
        mel: ``(B, n_mels, T_mel)``.
        n_groups: T of everything that is operated on.
        most_frames: of a piece, without what is around it; None makes one piece of all.

    Raises:
        ValueError: `most_frames` below 1, or the mel is shorter than the samples.
    """

    def __init__(
        self,
        reader: FrameCondition | UpsampledCondition,
        config: WaveGlowConfig,
        mel: Tensor,
        n_groups: int,
        most_frames: int | None,
    ) -> None:
        if most_frames is not None and most_frames < 1:
            raise ValueError(f"chunk_frames={most_frames}: must be at least 1")
        self._reader, self._mel = reader, mel
        self._rate, self._margin = config.groups_per_frame, config.flow_frames
        self._whole: Condition | None = None
        if most_frames is None or n_groups <= most_frames * self._rate:
            # one condition serves all flows
            self._whole = reader.condition(mel, n_groups)
            return
        self._n_frames = -(-n_groups // self._rate)
        n_pieces = -(-self._n_frames // most_frames)
        # of one size: a short piece at the end would save nothing
        self._size = -(-self._n_frames // n_pieces)

    def __call__(self, operate: ConditionedOperation, x: Tensor) -> Tensor:
        """``(B, C, T)`` -> ``(B, C', T)``: what `operate` gives of the whole, up to round-off."""
        if self._whole is not None:
            return operate(x, self._whole)
        starts = range(0, self._n_frames, self._size)
        return torch.cat([self._piece(operate, x, start) for start in starts], dim=2)

    def _piece(self, operate: ConditionedOperation, x: Tensor, start: int) -> Tensor:
        rate = self._rate
        stop = min(start + self._size, self._n_frames)
        first, last = max(start - self._margin, 0), stop + self._margin
        # the up-sampler of the last piece sees every frame that is left
        frames = self._mel[:, :, first:] if last >= self._n_frames else self._mel[:, :, first:last]
        groups = x[:, :, first * rate : last * rate]
        out = operate(groups, self._reader.condition(frames, groups.size(2)))
        return out[:, :, (start - first) * rate : (stop - first) * rate]
