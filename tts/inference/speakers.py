"""Finds the number of a speaker by its name."""

from __future__ import annotations

from collections.abc import Sequence

from tts.core.errors import InputError, listed


def speaker_number(name: str | int | None, speakers: Sequence[str]) -> int:
    """Return the number of a speaker; None stands for the only speaker, with number 0.

    Args:
        name: the name.
        speakers: the names that the acoustic model knows; none if it has one voice.

    Raises:
        InputError: no speaker has this name; or the name is None and there are several speakers; or
            there is a name and the acoustic model has one voice.
    """
    if not speakers:
        if name is not None:
            raise InputError(f"speaker={name}: the acoustic model has one voice; leave it out")
        return 0
    if str(name) not in speakers:
        known = listed(speakers, 40)
        fault = "name the one that speaks" if name is None else f"there is no {name!r}"
        raise InputError(f"speaker={name}: {fault}; the acoustic model knows {known}")
    return speakers.index(str(name))
