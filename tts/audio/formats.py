"""Lists the sound formats that can be written: their sample types, rates and endings."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from tts.core.errors import InputError

#: Bits of a sample that the user may choose; 32 means floating point.
BITS = (16, 24, 32)
_OPUS_RATES = (8000, 12_000, 16_000, 24_000, 48_000)
_MP3_RATES = (8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)


@dataclass(frozen=True)
class Format:
    """Describes a sound format.

    Attributes:
        name: the value of ``format=`` and the ending of a file, without the dot.
        title: its name in messages.
        kind: libsndfile's name of the container; "" for the formats that are written without it.
        subtypes: libsndfile's names of the sample types by their bits, the default first. Lossy
            formats have no bits.
        media_type: its name on the web (IANA), without the parameters of raw samples.
        rates: the only sample rates it can have, Hz; empty if there is no such list.
        is_file: whether the samples say themselves how they are to be read.
    """

    name: str
    title: str
    kind: str
    subtypes: dict[int | None, str]
    media_type: str
    rates: tuple[int, ...] = field(default=())
    is_file: bool = True

    def check_rate(self, sample_rate: int) -> None:
        """Check that sound of this rate can be written.

        Raises:
            InputError: the rate is not positive, or not one of those that the format has.
        """
        if sample_rate < 1:
            raise InputError(f"{self.title} cannot hold sound of {sample_rate} Hz")
        if self.rates and sample_rate not in self.rates:
            rates = f"{', '.join(map(str, self.rates[:-1]))} or {self.rates[-1]}"
            raise InputError(f"{self.title} cannot hold sound of {sample_rate} Hz, only {rates}")

    def nearest_rate(self, sample_rate: int) -> int:
        """Return the rate that keeps sound of another rate best: the same, or the next higher."""
        if not self.rates or sample_rate in self.rates:
            return sample_rate
        return next((rate for rate in self.rates if rate > sample_rate), self.rates[-1])


#: All formats, by their names.
FORMATS = {
    sound.name: sound
    for sound in (
        Format("wav", "WAV", "", {16: "PCM_16", 24: "PCM_24", 32: "FLOAT"}, "audio/wav"),
        Format("flac", "FLAC", "FLAC", {16: "PCM_16", 24: "PCM_24"}, "audio/flac"),
        Format("ogg", "OGG", "OGG", {None: "VORBIS"}, "audio/ogg; codecs=vorbis"),
        Format("opus", "Opus", "OGG", {None: "OPUS"}, "audio/ogg; codecs=opus", _OPUS_RATES),
        Format("mp3", "MP3", "MP3", {None: "MPEG_LAYER_III"}, "audio/mpeg", _MP3_RATES),
        Format("pcm", "PCM", "", {16: "PCM_16"}, "audio/pcm", is_file=False),
    )
}
#: Endings of the files that can be written.
ENDINGS = tuple(f".{sound.name}" for sound in FORMATS.values() if sound.is_file)
# AAC, which these files hold, has no encoder in libsndfile
_AAC = (".m4a", ".m4b", ".aac", ".mp4")


def format_of(path: str | os.PathLike[str], bits: int | None = None) -> Format:
    """Return the format that the ending of a file name stands for.

    Args:
        path: name of the file.
        bits: bits of a sample, 32 for floating point; None takes the default of the format.

    Raises:
        InputError: the ending is unknown, or the format does not have these bits.
    """
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        known = ", ".join(ENDINGS)
        raise InputError(f"{path}: cannot write {ending!r}; use {known}{aac_hint(path)}")
    sound = FORMATS[ending[1:]]
    try:
        default_bits(sound, bits)
    except InputError as error:
        raise InputError(f"{error} ({path})") from None
    return sound


def aac_hint(path: str | os.PathLike[str]) -> str:
    """Return what to add to the message that a file cannot be written, if it would hold AAC."""
    if Path(path).suffix.lower() not in _AAC:
        return ""
    return "; AAC cannot be encoded, and .opus and .mp3 hold chapters, too"


def default_bits(sound: Format, bits: int | None) -> int | None:
    """Return the bits of a sample, which are the default of the format if ``bits`` is None.

    Raises:
        InputError: the format does not have these bits.
    """
    if bits is None:
        return next(iter(sound.subtypes))
    if bits not in sound.subtypes:
        legal = " or ".join(str(n) for n in sound.subtypes if n is not None)
        has = f"has {legal}" if legal else "has none, leave it null"
        raise InputError(f"bits={bits}: {sound.title} {has}")
    return bits
