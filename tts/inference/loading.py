"""Loads an acoustic model for speaking: the checkpoint, the device and the precision."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch

from tts.audio import MelConfig
from tts.core.errors import InputError
from tts.models import Tacotron2
from tts.runtime.devices import best_device
from tts.text import Tokenizer


class LoadedAcoustic(NamedTuple):
    """Holds a loaded Tacotron 2 and what its checkpoint says about it.

    Attributes:
        network: the network, in eval mode on its device.
        tokenizer: tokenizer with the symbols that the network was trained on.
        mel: contract of its spectrograms.
        speakers: names of the speakers by their numbers, or None.
        corpus: name of the corpus that it was trained on, or None.
    """

    network: Tacotron2
    tokenizer: Tokenizer
    mel: MelConfig
    speakers: Sequence[str] | None
    corpus: str | None


def load_tacotron2(
    source: str | Path, device: torch.device, precision: str = "float32"
) -> LoadedAcoustic:
    """Load a Tacotron 2 to speak with.

    Args:
        source: a checkpoint of this project or a published one: a file or a name.
        device: device of the network.
        precision: ``"float32"`` or ``"int8"``, see :func:`in_precision`.

    Raises:
        InputError: there is no such file, it is not a Tacotron 2, or the device does not support
            the precision.
    """
    from tts import pretrained
    from tts.pretrained.convert import complete_description

    network = cast(Tacotron2, pretrained.load(source, device, network="Tacotron2"))
    known, _ = complete_description(source, cast(dict[str, Any], network.description))
    return LoadedAcoustic(
        network=in_precision(network, precision),
        tokenizer=Tokenizer.from_dict(known["tokenizer"]),
        mel=MelConfig.from_dict(known["mel"]),
        speakers=known["speakers"],
        corpus=known["corpus"],
    )


def in_precision(network: Tacotron2, precision: str) -> Tacotron2:
    """Return the network (``"float32"``), or one that decodes from 8-bit weights (``"int8"``).

    Raises:
        InputError: the precision is unknown, or the device does not support it.
    """
    if precision == "float32":
        return network
    if precision != "int8":
        raise InputError(f"precision={precision}: choose float32 or int8")
    from tts.models.tacotron2.int8_decoder import int8_decoder

    try:
        return int8_decoder(network)
    except ValueError as error:
        raise InputError(f"precision=int8: {error}; use device=cpu") from None


def pick_device(name: str | torch.device) -> torch.device:
    """Return the device with a name; ``"auto"`` chooses CUDA where it is, otherwise the CPU.

    Raises:
        InputError: this machine does not have the device.
    """
    if str(name) == "auto":
        name = best_device("device")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"device {str(name)!r} cannot be used here ({reason}); try cpu") from None
    return device
