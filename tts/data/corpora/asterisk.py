"""Reads the prompts of the Asterisk telephone exchange from Debian's packages.

The English prompts are 24 minutes of Allison Smith at 16 kHz, under CC-BY-SA-3.0, in G.722 (ITU-T,
1988). The ``-wav`` package has the same prompts at 8 kHz and is not used. The transcripts are lines
of ``name: text``.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tts.audio.pcm import to_float
from tts.core.errors import InputError
from tts.data.corpora.generated import ConvertedCorpus, SourceRecording

_RATE, _BITS_PER_SECOND = 16000, 64000
# In "dot [.]" the brackets hold the written form of the spoken word
_SYMBOL = re.compile(r"\s*\[\W\]")
# "[ascending tones]", "(10 seconds of silence)", "<beep>": sounds that are not speech
_NOTE = re.compile(r"[\[(<]")


class AsteriskPrompts(ConvertedCorpus):
    """Decodes Asterisk's prompts into ``root``.

    Args:
        root: folder for the recordings; it is made if it is missing.
        source: folder in which the packages are installed.
        language: language code of the packages: en, es, fr, it or ru.
        **options: the options of ``Corpus``.
    """

    kind = "corpus of Asterisk's prompts"

    def __init__(
        self,
        root: str | Path,
        source: str | Path = "/usr/share",
        language: str = "en",
        **options: Any,
    ) -> None:
        super().__init__(root, **options)
        self.source, self.language = Path(source).expanduser(), language

    @property
    def name(self) -> str:
        """Return a name such as "Asterisk prompts (en)"."""
        return f"Asterisk prompts ({self.language})"

    def _recipe(self) -> dict[str, Any]:
        return {"language": self.language, "licence": "see the copyright file of the package"}

    def _total_amount(self) -> float:
        return len(list(self._prompts()))

    def _recordings(self) -> Iterator[SourceRecording]:
        _g722()
        for name, text, path in self._prompts():
            yield SourceRecording(name, text, str(path), partial(_decode, path))

    def _prompts(self) -> Iterator[tuple[str, str, Path]]:
        """Yield name, text and file of the prompts that contain their text and no other sounds."""
        sounds = self._sound_folder()
        for name, text in _transcripts(self._transcript()):
            path = sounds / f"{name}.g722"
            if not _NOTE.search(text) and path.is_file():
                yield name, text, path

    def _sound_folder(self) -> Path:
        folder = self.source / "asterisk" / "sounds"
        voices = [
            path for path in sorted(folder.glob(f"{self.language}_*")) if any(path.glob("*.g722"))
        ]
        if not voices:
            raise InputError(f"{folder}: no {self.language}_*/*.g722 in it; {self._install_hint()}")
        return voices[0]

    def _transcript(self) -> Path:
        name = f"core-sounds-{self.language}.txt"
        folder = self.source / "doc" / f"asterisk-core-sounds-{self.language}"
        for path in (folder / f"{name}.gz", folder / name):
            if path.is_file():
                return path
        raise InputError(f"{folder}: no {name}.gz in it; {self._install_hint()}")

    def _install_hint(self) -> str:
        package = f"asterisk-core-sounds-{self.language}"
        return f"run: apt-get install {package} {package}-g722, or set data.source"


def _transcripts(path: Path) -> Iterator[tuple[str, str]]:
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8") as file:
            lines = file.read().splitlines()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); install the package again") from None
    for line in lines:
        name, colon, text = line.partition(":")
        text = " ".join(_SYMBOL.sub("", text).split())
        if colon and not line.startswith(";") and text:
            yield name.strip(), text


def _decode(path: Path) -> tuple[NDArray[np.float32], int]:
    # each recording needs a new decoder, because a decoder keeps state
    samples = _g722()(_RATE, _BITS_PER_SECOND).decode(path.read_bytes())
    return to_float(np.asarray(samples, dtype=np.int16)), _RATE


def _g722() -> Any:
    try:
        from G722 import G722
    except ImportError:
        raise InputError(
            "G.722 cannot be decoded without the package G722; run: pip install "
            "'tacoglow[asterisk]'"
        ) from None
    return G722
