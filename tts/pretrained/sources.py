"""Finds the file of a checkpoint that a user has named in any of the ways there are.

A checkpoint is a file, a published name (:mod:`tts.pretrained.catalogue`), a folder that
:mod:`tts.publish` has written, or ``hf://OWNER/NAME`` (:mod:`tts.pretrained.hugging_face`).
"""

from __future__ import annotations

import os
from pathlib import Path

from tts.core.errors import InputError, printable_name
from tts.pretrained import catalogue, download
from tts.pretrained.hugging_face import is_hub_source, parse_hub_source, pull
from tts.pretrained.publication import PUBLICATION, read_publication

_NO_CHECKPOINT = (
    "no such checkpoint; name a file, or a published one (python -m tts.pretrained list)"
)


def require_source(name: str, key: str) -> None:
    """Refuse a checkpoint that is nowhere; nothing is read, and nothing is pulled.

    Args:
        name: a file, a name of the catalogue, a published folder, or one on the hub.
        key: the option that names it.

    Raises:
        InputError: there is no such checkpoint; the message may have the nearest names.
    """
    if is_hub_source(name):
        parse_hub_source(name, key)
        return
    if os.path.isfile(name) or _is_published_folder(name) or catalogue.find(name) is not None:
        return
    what = _NO_CHECKPOINT
    if os.path.isdir(name):
        what = f"is a folder without {PUBLICATION}; name a file"
    raise InputError(f"{key}={printable_name(name)}: {what}")


def catalogue_entry(name: str) -> catalogue.Published | None:
    """Return the catalogue's entry for a name, or None for what is no name of the catalogue.

    A file of that name goes before the catalogue, a folder does not.

    Raises:
        InputError: the name is misspelt; the message has the nearest names.
    """
    if os.path.isfile(name) or (os.path.isdir(name) and name not in catalogue.CATALOGUE):
        return None
    return catalogue.find(name)


def checkpoint_file(name: str, network: str | None = None) -> Path:
    """Return the file of a checkpoint; what lies elsewhere is fetched once.

    Args:
        name: a file, a name of the catalogue, a published folder, or one on the hub.
        network: "Tacotron2" or "WaveGlow", where a published voice has both; None: the only one.

    Raises:
        InputError: the name is misspelt, what it names cannot be fetched, or the published voice
            has no such network.
    """
    if is_hub_source(name):
        return pull(parse_hub_source(name, "checkpoint"), network)
    published = catalogue_entry(name)
    if published is not None:
        return download.fetch(published)
    if _is_published_folder(name):
        publication = read_publication(Path(name) / PUBLICATION, name)
        file = publication.network_file(name, network)
        return publication.check(name, Path(name) / file, file)
    return Path(name)


def pinned_source(name: str, network: str) -> str:
    """Return a name that keeps standing for the same weights: of a published voice, its file.

    Args:
        name: as for :func:`checkpoint_file`.
        network: "Tacotron2" or "WaveGlow".

    Raises:
        InputError: see :func:`checkpoint_file`.
    """
    is_voice = is_hub_source(name) or _is_published_folder(name)
    return str(checkpoint_file(name, network)) if is_voice else name


def _is_published_folder(name: str) -> bool:
    return name not in catalogue.CATALOGUE and os.path.isfile(os.path.join(name, PUBLICATION))
