"""Averages the weights of several checkpoints of one training.

Checkpoints of a run with a small learning rate lie around a minimum that none of them has reached.
Their mean is nearer to it (Polyak and Juditsky, 1992; Izmailov et al., 2018, arXiv 1803.05407).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from tts.core.errors import InputError
from tts.pretrained.checkpoint import LoadedCheckpoint, build
from tts.pretrained.files import read_checkpoint, save


def average(sources: Sequence[str | Path], target: str | Path) -> list[str]:
    """Write the mean of checkpoints as safetensors, with the description of the last of them.

    Args:
        sources: two or more checkpoints of the same network that `tts.pretrained.load` reads.
        target: the file to write.

    Returns:
        A line for the user that says what was written.

    Raises:
        InputError: there are fewer than two sources, one cannot be loaded, or one has other sizes
            or other symbols than the first.
    """
    if len(sources) < 2:
        raise InputError("average: name two checkpoints or more, and the file to write last")
    read = [read_checkpoint(source) for source in sources]
    for file, checkpoint in read[1:]:
        _check_alike(read[0][1], file, checkpoint)
    file, last = read[-1]
    network = build(file, last)
    network.load_state_dict(_mean([checkpoint.state for _, checkpoint in read]))
    save(network, target, "safetensors", last.description)
    return [f"{target}: the mean of {len(read)} checkpoints, as safetensors"]


def _mean(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Average every weight, in float64 so that the order of the files does not matter."""
    return {
        name: torch.stack([state[name].double() for state in states]).mean(0).to(value.dtype)
        for name, value in states[0].items()
    }


def _check_alike(first: LoadedCheckpoint, file: Path, other: LoadedCheckpoint) -> None:
    for part in ("network", "network_config", "mel", "tokenizer", "speakers"):
        if first.description[part] != other.description[part]:
            raise InputError(
                f"{file}: {part} differs from the first checkpoint's; average checkpoints of one "
                "training"
            )
    if first.state.keys() != other.state.keys():
        raise InputError(
            f"{file}: its weights have other names than the first checkpoint's; average "
            "checkpoints of one training"
        )
