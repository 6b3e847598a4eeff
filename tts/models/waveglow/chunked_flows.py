"""Runs each flow of WaveGlow over chunks of time, so that long spectrograms take little memory.

Memory is needed inside a flow: the conditions of its layers are hundreds of times as large as the
samples. The values between two flows have the size of the samples. So each flow runs over all
chunks before the next flow starts. Memory hardly grows with the length, and a chunk overlaps its
neighbours only by the reach of one flow.

Shapes: B batch, T_mel frames, T groups of samples, C channels.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tts.models.waveglow.condition import (
    Condition,
    ConditionedOperation,
    FrameCondition,
    UpsampledCondition,
)
from tts.models.waveglow.config import WaveGlowConfig


class ChunkedFlows:
    """Runs operations with the reach of one flow, chunk by chunk.

    Args:
        reader: computes the condition from the mel.
        config: sizes of the network.
        mel: ``(B, n_mels, T_mel)``.
        n_groups: T of all channels that operations are applied to.
        max_frames: most frames of a chunk, without its overlap; None makes a single chunk.

    Raises:
        ValueError: ``max_frames`` is below 1, or the mel is shorter than the samples.
    """

    def __init__(
        self,
        reader: FrameCondition | UpsampledCondition,
        config: WaveGlowConfig,
        mel: Tensor,
        n_groups: int,
        max_frames: int | None,
    ) -> None:
        if max_frames is not None and max_frames < 1:
            raise ValueError(f"chunk_frames={max_frames}: must be at least 1")
        self._reader, self._mel = reader, mel
        self._rate, self._margin = config.groups_per_frame, config.flow_frames
        self._whole: Condition | None = None
        if max_frames is None or n_groups <= max_frames * self._rate:
            # all flows share one condition
            self._whole = reader.condition(mel, n_groups)
            return
        self._n_frames = -(-n_groups // self._rate)
        n_chunks = -(-self._n_frames // max_frames)
        # chunks of equal size: a short one at the end would save no memory
        self._size = -(-self._n_frames // n_chunks)

    def __call__(self, operate: ConditionedOperation, x: Tensor) -> Tensor:
        """Apply an operation to all channels; the result differs by rounding only.

        Args:
            operate: operation with the reach of one flow.
            x: ``(B, C, T)``.

        Returns:
            ``(B, C', T)``.
        """
        if self._whole is not None:
            return operate(x, self._whole)
        starts = range(0, self._n_frames, self._size)
        return torch.cat([self._chunk(operate, x, start) for start in starts], dim=2)

    def _chunk(self, operate: ConditionedOperation, x: Tensor, start: int) -> Tensor:
        """Apply an operation to the chunk that begins at frame ``start``."""
        rate = self._rate
        stop = min(start + self._size, self._n_frames)
        first, last = max(start - self._margin, 0), stop + self._margin
        # the up-sampler of the last chunk needs all remaining frames
        frames = self._mel[:, :, first:] if last >= self._n_frames else self._mel[:, :, first:last]
        groups = x[:, :, first * rate : last * rate]
        out = operate(groups, self._reader.condition(frames, groups.size(2)))
        return out[:, :, (start - first) * rate : (stop - first) * rate]
