"""Defines the networks and their losses, which need torch and no other room of this package.

The public names are loaded when one is first used: the sizes of a network can be checked
(``tts.models.tacotron2.config``) before the import of torch, which takes seconds.
"""

from collections.abc import Mapping
from dataclasses import asdict
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tts.models.tacotron2.config import PITCH_OPTIONS

if TYPE_CHECKING:
    from tts.models.networks import *  # noqa: F403 - its __all__ is that of this package

#: Options that change how a network is computed, but not its result.
COMPUTATION_OPTIONS = ("recurrence", "runner", "constant_memory")


def stored_options(config: Any) -> dict[str, Any]:
    """Return the options of a network that its checkpoints store.

    ``runner`` suits a device, and a network may speak on another device than it was trained on.

    Args:
        config: options of the network, a dataclass.
    """
    return {name: value for name, value in asdict(config).items() if name != "runner"}


def options_without_effect(sizes: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the options that do not change the result of a network.

    Args:
        sizes: options of the network; a network without ``pitch_bins`` ignores those of the pitch.
    """
    return (
        COMPUTATION_OPTIONS if sizes.get("pitch_bins") else (*COMPUTATION_OPTIONS, *PITCH_OPTIONS)
    )


def __getattr__(name: str) -> Any:
    networks = import_module("tts.models.networks")
    if name not in networks.__all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(networks, name)
