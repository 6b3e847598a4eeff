"""Defines the part of a network that becomes one file: a module, and names and axes of its tensors.

An axis is a number, or a name that stands for a length which may change; ``"32*T_mel"`` is a
multiple of such a length. Torch's dynamic shapes, ONNX's names and the description all come from
the same table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

Shape = tuple[int | str, ...]
Tensors = tuple[Tensor, ...]


@dataclass(frozen=True)
class Sample:
    """Holds an input, and the output that the network itself computes from it."""

    inputs: Tensors
    expected: Tensors


@dataclass(frozen=True)
class ExportedModule:
    """Describes one file of an export.

    Attributes:
        name: name of the file, without its ending.
        module: takes the inputs in their order and returns a tuple of the outputs.
        inputs: shapes by name.
        outputs: shapes by name.
        sample: ``(batch, length)`` -> random input and the expected output, which the network
            computes and not `module`.
    """

    name: str
    module: nn.Module
    inputs: Mapping[str, Shape]
    outputs: Mapping[str, Shape]
    sample: Callable[[int, int], Sample]

    def dynamic_shapes(self) -> tuple[dict[int, Any], ...]:
        """Return the axes that may change: for each input a dimension by number of the axis."""
        names = {
            axis.rpartition("*")[2]
            for shape in self.inputs.values()
            for axis in shape
            if isinstance(axis, str)
        }
        lengths = {name: torch.export.Dim(name, min=1) for name in names}
        return tuple(
            {i: _dimension(axis, lengths) for i, axis in enumerate(shape) if isinstance(axis, str)}
            for shape in self.inputs.values()
        )


def _dimension(axis: str, lengths: Mapping[str, Any]) -> Any:
    factor, _, name = axis.rpartition("*")
    return lengths[name] * int(factor) if factor else lengths[name]
