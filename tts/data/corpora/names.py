"""Makes names of files that are unique on every file system.

Two recordings of a source may have names that become one file: ``d/e`` and ``d-e`` in one folder,
``A`` and ``a`` where the file system ignores case, and the two Unicode forms of ``é`` where it
normalises them. The later recording would then replace the sound of the earlier one.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable

from tts.core.errors import InputError

#: Stands for the folder of recordings in NVIDIA's filelists.
PLACEHOLDER = "DUMMY/"
#: File name endings of recordings.
AUDIO_SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".opus")
#: Bytes of a name at most. File systems accept 255, and endings are added to the name.
MOST_BYTES = 150
# Characters that separate folders, or that some file system refuses
_SEPARATORS, _REFUSED = "/\\", '<>:"|?*'
_DIGITS = 8


class UniqueNames:
    """Gives each recording of a source a name that no other recording has.

    The name is the wanted one wherever that is possible. Otherwise it ends with some digits of the
    hash of what identifies the recording, so that it is the same in every run.

    Args:
        taken: names that are in use elsewhere.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {_folded(name) for name in taken}
        self._named: set[str] = set()

    def name(self, wanted: str, source: str) -> str:
        """Return the name of the next recording.

        Args:
            wanted: the name that it should have; any text.
            source: identifies the recording in the source.

        Raises:
            InputError: this recording has been named before; the message does not say which it is.
        """
        if source in self._named:
            raise InputError("occurs twice; rename or remove one of the two")
        self._named.add(source)
        plain = portable_name(wanted)
        digits = hashlib.sha256(source.encode(errors="surrogatepass")).hexdigest()
        name, n_digits = plain, 0
        while _folded(name) in self._taken:
            n_digits += _DIGITS
            name = f"{plain}-{digits[:n_digits]}"
        self._taken.add(_folded(name))
        return name


def portable_name(name: str) -> str:
    """Return a name as every file system takes it, in Unicode's composed form (NFC)."""
    name = unicodedata.normalize("NFC", name)
    for separator in _SEPARATORS:
        name = name.replace(separator, "-")
    name = "".join(char if char.isprintable() and char not in _REFUSED else "_" for char in name)
    name = " ".join(name.split()).lstrip(".").rstrip(". ")
    name = name.encode()[:MOST_BYTES].decode(errors="ignore").rstrip()
    return name or "recording"


def _folded(name: str) -> str:
    """Return what is equal for names that some file system takes for one name."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
