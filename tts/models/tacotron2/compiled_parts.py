"""Defines the parts of compiled decoding that hold buffers: dropout, LSTMs and pitch.

:mod:`tts.models.tacotron2.compiled_decoder` joins them to a decoder step. Each part can drop the
rows of utterances that have ended (``keep``): the loops compute each row separately, so the other
rows stay as they are, bit for bit.

Shapes: ``B`` batch, ``H`` hidden units, ``K`` inputs of an LSTM.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tts.models.tacotron2.int8_decoder import Int8LSTMCell
from tts.models.tacotron2.pitch import PitchHead
from tts.models.tacotron2.prenet import Generators, Prenet


class PrenetMasks:
    """Draws the pre-net's dropout as :meth:`Prenet.step` does."""

    def __init__(self, prenet: Prenet, generator: Generators) -> None:
        import numpy as np

        self._generators: Sequence[torch.Generator | None] = (
            generator if isinstance(generator, Sequence) else [generator]
        )
        self._keep = 1 - prenet.dropout
        self._draws = prenet.dropout > 0
        masks = [torch.ones(len(self._generators), len(w)) for w in prenet.parameters()]
        self._rows = [list(mask[:, None]) for mask in masks]
        self._arrays = [mask.numpy() for mask in masks]
        self.scale = np.float32(1) / np.float32(self._keep)

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows only."""
        if len(self._generators) > 1:
            self._generators = [self._generators[row] for row in rows]
            masks = [torch.ones(len(rows), array.shape[1]) for array in self._arrays]
            self._rows = [list(mask[:, None]) for mask in masks]
            self._arrays = [mask.numpy() for mask in masks]

    def draw(self) -> list[Any]:
        """Return two masks ``(1 or B, prenet_dim)`` of 0 and 1; the next call overwrites them."""
        if self._draws:
            for rows in self._rows:
                for row, generator in zip(rows, self._generators, strict=True):
                    row.bernoulli_(self._keep, generator=generator)
        return self._arrays


def compiled_lstm(loops: Any, cell: nn.Module, n_batch: int) -> FloatLstm | Int8Lstm:
    """Return the compiled version of an LSTM cell, which begins with an all-zero state."""
    if isinstance(cell, Int8LSTMCell):
        return Int8Lstm(loops, cell, n_batch)
    assert isinstance(cell, nn.LSTMCell)
    return FloatLstm(loops, cell, n_batch)


class FloatLstm:
    """Runs an LSTM cell whose hidden state lies in the first columns of a shared buffer."""

    def __init__(self, loops: Any, cell: nn.LSTMCell, n_batch: int) -> None:
        self.loops = loops
        self.weights = array_of(cell.weight_ih), array_of(cell.weight_hh)
        self.bias = array_of(cell.bias_ih + cell.bias_hh)
        self.gates = array_of(torch.empty(n_batch, len(self.bias)))
        self.cell = array_of(torch.zeros(n_batch, cell.hidden_size))

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows only."""
        self.gates, self.cell = self.gates[rows], self.cell[rows]

    def step(self, inputs: Any, hidden: Any) -> None:
        """Run one step.

        Args:
            inputs: ``(B, K)``.
            hidden: ``(B, H or more)``, the hidden state in the first columns; overwritten.
        """
        self.loops.linear(self.gates, inputs, self.weights[0], self.bias)
        self.loops.add_product(self.gates, hidden, self.weights[1])
        self.loops.lstm(self.gates, self.cell, hidden)


class Int8Lstm:
    """Runs an LSTM cell from 8-bit weights, with the interface of :class:`FloatLstm`."""

    def __init__(self, loops: Any, cell: Int8LSTMCell, n_batch: int) -> None:
        from tts.models.kernels import int8_product

        self.loops, self.add_product = loops, int8_product.add_int8_product
        matrices = ((cell.weight_ih, cell.scale_ih), (cell.weight_hh, cell.scale_hh))
        self.weights = [
            (array_of(torch.empty(n_batch, weight.shape[1]).short()), weight, scale)
            for weight, scale in (map(array_of, pair) for pair in matrices)
        ]
        self.bias = array_of(cell.bias)
        self.gates = array_of(torch.empty(n_batch, len(self.bias)))
        self.cell = array_of(torch.zeros(n_batch, len(self.bias) // 4))

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows only."""
        self.gates, self.cell = self.gates[rows], self.cell[rows]
        self.weights = [(buffer[rows], *weight) for buffer, *weight in self.weights]

    def step(self, inputs: Any, hidden: Any) -> None:
        """Run one step, see :meth:`FloatLstm.step`."""
        self.gates[:] = self.bias
        for x, weights in zip((inputs, hidden), self.weights, strict=True):
            self.add_product(self.gates, x, *weights)
        self.loops.lstm(self.gates, self.cell, hidden)


class CompiledPitch:
    """Does the work of :class:`PitchHead`, without the products that join the projections."""

    def __init__(self, loops: Any, head: PitchHead, n_batch: int) -> None:
        self.loops, self.head = loops, head
        layers = (head.seen, head.code, head.frames)
        self.prenet_weight, self.code, self.frames = (array_of(layer.weight) for layer in layers)
        self.bias = array_of(head.frames.bias)
        self.last = array_of(torch.zeros(n_batch, self.prenet_weight.shape[1]))

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows only."""
        self.last = self.last[rows]

    def add_last(self, inputs: Any) -> None:
        """Add the last pitch to the first columns of ``inputs``, which are the pre-net's output."""
        self.loops.add_product(inputs, self.last, self.prenet_weight)

    def frame_offset(self, projected: Tensor) -> Tensor:
        """Return what the most probable pitch adds to the frames.

        Args:
            projected: ``(B, ·)``, logits and states next to each other.

        Returns:
            ``(B, r, n_mels)`` for ``r`` frames of a step.
        """
        n_batch, n_frames = len(projected), self.head.n_frames
        n_logits = n_frames * self.prenet_weight.shape[1]
        codes = self.head.best_code(projected[:, :n_logits].reshape(n_batch, n_frames, -1))
        self.last[:] = codes[:, -1].numpy()
        states = projected[:, n_logits:].reshape(n_batch * n_frames, -1).clone()
        self.loops.add_product(states.numpy(), codes.flatten(0, 1).numpy(), self.code)
        frames = projected.new_empty(len(states), len(self.bias))
        self.loops.linear(frames.numpy(), states.relu_().numpy(), self.frames, self.bias)
        return frames.view(n_batch, n_frames, -1)


def array_of(tensor: Tensor) -> Any:
    """Return the values of a tensor in C order, without a copy if they already have it."""
    return tensor.detach().contiguous().numpy()
