"""Draws the pre-net's dropout of generation for many decoder steps of a GPU at once.

A generator of the CPU gives the same factors on every device. Its numbers have to be copied to a
GPU, and a copy in each step would make the host wait in each step. So the factors of many steps are
drawn one after the other, as a CPU draws them, and are copied together.

Shapes: ``B`` batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

#: Number of decoder steps whose factors go to a GPU together.
STEPS_AHEAD = 32


class FactorsAhead:
    """Gives the dropout factors of one layer after the other, 0 or ``1 / (1 - rate)``.

    Args:
        generators: one for the batch, or one for each utterance.
        dim: width of a layer.
        n_layers: layers of a decoder step.
        rate: share of the values that become 0.
        like: a tensor of the type and on the device of the factors.
    """

    def __init__(
        self,
        generators: Sequence[torch.Generator],
        dim: int,
        n_layers: int,
        rate: float,
        like: Tensor,
    ) -> None:
        self._generators, self._dim, self._rate, self._like = generators, dim, rate, like
        self._n_layers, self._n_ahead = n_layers, STEPS_AHEAD * n_layers
        self._states: list[Tensor] = []
        self._ready = like.new_empty(0)
        self._n_drawn = self._n_left = 0

    @property
    def n_steps(self) -> int:
        """Return the number of decoder steps whose factors were taken."""
        return (self._n_drawn - self._n_left) // self._n_layers

    def take(self) -> Tensor:
        """Return the factors of the next layer, ``(1, dim)`` or ``(B, dim)``."""
        return self._take(1)[0]

    def take_steps(self, n_steps: int) -> Tensor:
        """Return the factors of the next steps, ``(n_steps, n_layers, 1 or B, dim)``.

        Args:
            n_steps: the same number in each call, a divisor of :data:`STEPS_AHEAD`.
        """
        factors = self._take(n_steps * self._n_layers)
        return factors.view(n_steps, self._n_layers, *factors.shape[1:])

    def _take(self, n: int) -> Tensor:
        """Return the factors of the next ``n`` layers."""
        if not self._n_left:
            self._states = [generator.get_state() for generator in self._generators]
            drawn = torch.stack([self._draw() for _ in range(self._n_ahead)])
            if drawn.device.type == "cpu" and self._like.device.type != "cpu":
                drawn = drawn.pin_memory()
            moved = drawn.to(self._like.device, self._like.dtype, non_blocking=True)
            self._ready = moved / (1 - self._rate)
            self._n_drawn, self._n_left = self._n_drawn + self._n_ahead, self._n_ahead
        first = self._n_ahead - self._n_left
        self._n_left -= n
        return self._ready[first : first + n]

    def rewind(self, n_unused: int) -> None:
        """Set the generators to where they would be if each step had drawn its own factors.

        Args:
            n_unused: last decoder steps that were computed, but whose result is not used.
        """
        if not self._states:
            return
        n_used = self._n_ahead - self._n_left - n_unused * self._n_layers
        for generator, state in zip(self._generators, self._states, strict=True):
            generator.set_state(state)
        for _ in range(n_used):
            self._draw()

    def _draw(self) -> Tensor:
        """Draw one layer's zeros and ones: one row for each generator."""
        rows = [
            torch.empty(1, self._dim, device=g.device).bernoulli_(1 - self._rate, generator=g)
            for g in self._generators
        ]
        return torch.cat(rows)
