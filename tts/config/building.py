"""Builds the objects that a configuration names, from its values as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tts.config.files import register_resolvers
from tts.config.literals import literal_values


def build_object(node: Mapping[str, Any], **arguments: Any) -> Any:
    """Call the ``_target_`` of a section with its other values, as Hydra's ``instantiate`` does.

    Hydra would replace ``${x}`` in the name of a folder a second time, and would take ``???`` for
    a missing value.

    Args:
        node: the section, resolved, in plain containers.
        arguments: objects, which are handed on beside the values or instead of them.
    """
    from hydra.utils import instantiate

    register_resolvers()
    return instantiate(literal_values(dict(node)), **arguments, _convert_="all")
