"""Reads and writes checkpoint files of the networks, this project's own and published ones.

The modules lie in one line; each imports only from those before it:

1. ``limits`` bounds what a file may ask for, ``checksums`` finds changed bits; ``catalogue`` lists
   the published files, and ``download`` gets them. ``publication`` describes published voices,
   ``hugging_face`` pulls them, and ``sources`` finds what a user has named in any of these ways.
2. ``descriptions`` checks what a file says about itself; ``checkpoint`` has the value that every
   container holds, and builds the network from it.
3. ``importers`` read the files of other projects, ``native`` those of this one.
4. ``files`` has `load`, `save` and `describe`.
5. ``convert``, ``averaging`` and ``hub`` use them.

The names below are loaded when they are first used, because they import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tts.core.lazy import lazy_names

if TYPE_CHECKING:
    from tts.pretrained.files import describe as describe
    from tts.pretrained.files import load as load
    from tts.pretrained.files import save as save
else:
    __getattr__, __dir__, __all__ = lazy_names(__name__)
