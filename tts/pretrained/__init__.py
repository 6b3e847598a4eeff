"""Reads and writes checkpoint files of the networks, this project's own and published ones.

The modules lie in one line; each imports only from those before it:

1. ``limits`` bounds what a file may ask for, ``checksums`` finds changed bits; ``catalogue`` lists
   the published files, and ``download`` gets them.
2. ``descriptions`` checks what a file says about itself; ``checkpoint`` has the value that every
   container holds, and builds the network from it.
3. ``importers`` read the files of other projects, ``native`` those of this one.
4. ``files`` has `load`, `save` and `describe`.
5. ``convert``, ``averaging`` and ``hub`` use them.
"""

from tts.pretrained.files import describe, load, save

__all__ = ["describe", "load", "save"]
