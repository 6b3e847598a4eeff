"""Chooses how a recurrence is computed: for a CPU, for a GPU, or by a library.

Shapes: ``S`` steps, ``B`` batch.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from tts.models.kernels.runner import Runner


def apply_recurrence(
    for_cpus: type[torch.autograd.Function],
    for_gpus: type[torch.autograd.Function],
    runner: Runner,
    inputs: Tensor,
    *others: Tensor | None,
) -> Any:
    """Apply a recurrence; under autocast in autocast's precision, like a matrix product.

    Args:
        for_cpus: function for CPUs, unless the runner is to use graphs there too.
        for_gpus: function for other devices, whose first argument is the runner.
        runner: runs the steps.
        inputs: the first argument of both.
        *others: their other arguments.
    """
    device = inputs.device
    call: Any = for_cpus.apply
    if device.type != "cpu" or runner.uses_graphs(device):
        call = partial(for_gpus.apply, runner)
    if not torch.is_autocast_enabled(device.type):
        return call(inputs, *others)
    dtype = torch.get_autocast_dtype(device.type)
    with torch.autocast(device.type, enabled=False):
        return call(*(None if t is None else t.to(dtype) for t in (inputs, *others)))


def library_lstm(cell: nn.LSTMCell, inputs: Tensor) -> Tensor:
    """Run torch's LSTM from a zero state: ``(S, B, input_size)`` -> ``(S, B, hidden_size)``."""
    state = inputs.new_zeros(1, inputs.shape[1], cell.hidden_size)
    weights = [cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh]
    return torch.lstm(inputs, [state, state], weights, True, 1, 0.0, True, False, False)[0]
