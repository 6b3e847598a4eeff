"""Makes the text fields of sound files from the configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tts.audio.tags import Tags
from tts.core.errors import InputError
from tts.synthesis.input import is_folder

_LANGUAGE = re.compile("[a-z]{3}")
# stands for the name of the voice in a comment
_VOICE = "{voice}"


def check_tags(config: Mapping[str, Any]) -> None:
    """Check the section ``tags`` before the work begins.

    Raises:
        InputError: the language is no code of three letters.
    """
    language = config["tags"]["language"]
    if language is not None and not _LANGUAGE.fullmatch(str(language)):
        raise InputError(
            f"tags.language={language}: it must be a code of three letters (ISO 639-2), such as "
            "eng or deu, or null"
        )


def file_tags(config: Mapping[str, Any], text: str) -> Tags:
    """Return the text fields of a sound file.

    Args:
        config: the resolved configuration. Without a title, that of a book in one file is the name
            of its file.
        text: the spoken text, which is the title of all others.
    """
    fields: dict[str, Any] = dict(config["tags"])
    if fields["title"] is None:
        is_whole_book = config["book"] is not None and not is_folder(str(config["output"]))
        fields["title"] = Path(str(config["book"])).stem if is_whole_book else text
    return Tags(**fields)


def tags_of_voice(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the section ``tags`` with the name of the voice in the comment.

    It is called while ``acoustic`` is still the name that the user gave.
    """
    tags, voice = dict(config["tags"]), Path(str(config["acoustic"])).stem
    if tags["comment"] is not None:
        tags["comment"] = str(tags["comment"]).replace(_VOICE, voice)
    return tags
