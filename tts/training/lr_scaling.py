"""Scales the learning rate of a run whose global batch differs from the one it was chosen for.

``model.scale_lr`` is off by default, and a run that scales says so. The linear rule is that of
Goyal et al. (2017), §2.1; the square root, which keeps the variance of a step, that of Krizhevsky
(2014).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tts.core.errors import InputError

#: Exponent of (global batch / reference batch) for each value of ``model.scale_lr``.
RULES = {"none": 0.0, "linear": 1.0, "sqrt": 0.5}


def scaled_optimizer(
    config: Mapping[str, Any], world_size: int
) -> tuple[dict[str, Any], str | None]:
    """Return the optimiser's options with the scaled learning rate, and a sentence for the log.

    Args:
        config: the configuration of the run; it is not changed.
        world_size: number of processes on all nodes.

    Returns:
        Options in the form of ``config["model"]["optimizer"]``; the sentence, or None where the
        user needs to know nothing.

    Raises:
        InputError: the rate is to be scaled, but the number of utterances in a step varies.
    """
    model, options = config["model"], dict(config["model"]["optimizer"])
    rule, batch_size = model["scale_lr"], config["data"]["batch_size"]
    accumulate = config["trainer"]["accumulate_grad_batches"]
    if rule == "none":
        if world_size == 1:
            return options, None
        return options, (
            f"{world_size} processes share a step; the learning rate stays {options['lr']:g} "
            "(model.scale_lr=linear or sqrt would scale it)"
        )
    if batch_size is None or _frames_per_batch(config) is not None:
        raise InputError(
            f"model.scale_lr={rule}: with data.frames_per_batch a step has no fixed number of "
            "utterances; set model.optimizer.lr itself"
        )
    global_batch, reference = batch_size * world_size * accumulate, model["reference_batch_size"]
    lr = options["lr"] * (global_batch / reference) ** RULES[rule]
    sentence = (
        f"learning rate {options['lr']:g} -> {lr:g} (model.scale_lr={rule}): {batch_size} "
        f"utterances x {world_size} processes x {accumulate} accumulated, against {reference}"
    )
    return options | {"lr": lr}, sentence


def _frames_per_batch(config: Mapping[str, Any]) -> Any:
    """Return the budget of frames in a batch; None where batches are counted in utterances."""
    if "segment_length" in config["model"]["datamodule"]:
        return None
    return config["data"]["frames_per_batch"]
