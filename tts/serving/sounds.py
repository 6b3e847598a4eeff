"""Chooses format and rate of sound, and makes renditions of utterances from what the store has."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tts.audio.formats import FORMATS
from tts.audio.pcm import Waveform, to_float
from tts.audio.stream_encoder import StreamEncoder
from tts.core.errors import InputError
from tts.serving.errors import ServiceError

#: Formats that can be asked for, the default first.
SOUND_FORMATS = ("mp3", "opus", "flac", "wav", "pcm")
#: In what every utterance is kept, at the rate of its voice; the other formats are made from it.
KEPT_FORMAT = "flac"
#: Rate in Hz of samples without a header, which OpenAI's clients expect.
PCM_RATE = 24_000


@dataclass(frozen=True)
class SoundChoice:
    """Names a format and a rate.

    Attributes:
        format: one of :data:`SOUND_FORMATS`.
        sample_rate: Hz.
    """

    format: str
    sample_rate: int

    @property
    def content_type(self) -> str:
        """Return what the bytes are, for the header of that name."""
        sound = FORMATS[self.format]
        return sound.media_type if sound.is_file else self.encoder(self.sample_rate).content_type

    def encoder(self, source_rate: int, n_samples: int | None = None) -> StreamEncoder:
        """Return an encoder for samples of another rate; their number is stated if it is known."""
        return StreamEncoder(self.format, self.sample_rate, source_rate, n_samples=n_samples)


def choose_sound(
    format: str, sample_rate: int | None, voice_rate: int, param: str = "response_format"
) -> SoundChoice:
    """Return the format and the rate that a client gets.

    Args:
        format: as the client wrote it.
        sample_rate: Hz, or None for the voice's own or the nearest that the format has.
        voice_rate: rate of the voice, Hz.
        param: name of the format's parameter, for messages.

    Raises:
        ServiceError: the format is unknown, or does not have this rate.
    """
    if format not in SOUND_FORMATS:
        reason = "AAC cannot be made here" if format == "aac" else "there is no such format"
        message = f"{param}: {reason}; choose from {', '.join(SOUND_FORMATS)}"
        raise ServiceError("unsupported_format", 400, message, param)
    sound = FORMATS[format]
    if sample_rate is None:
        sample_rate = PCM_RATE if format == "pcm" else sound.nearest_rate(voice_rate)
    try:
        sound.check_rate(sample_rate)
    except InputError as error:
        raise ServiceError("unsupported_rate", 400, str(error), "sample_rate") from None
    return SoundChoice(format, sample_rate)


def write_kept(path: Path, blocks: Iterable[Waveform], sample_rate: int) -> None:
    """Write samples that come one block after the other as :data:`KEPT_FORMAT`.

    Args:
        path: the file, which is not whole before the end.
        blocks: samples ``(n,)``; their number need not be known.
        sample_rate: Hz.
    """
    encoder = StreamEncoder(KEPT_FORMAT, sample_rate, correctable=True)
    with path.open("wb") as file:
        for block in blocks:
            file.write(encoder.feed(block))
        file.write(encoder.finish())
        for place, data in encoder.corrections:
            file.seek(place)
            file.write(data)


def decoded_kept(content: bytes) -> tuple[Waveform, int]:
    """Return the samples ``(T_wave,)`` and the rate of the FLAC file that is kept."""
    import soundfile

    samples, rate = soundfile.read(io.BytesIO(content), dtype="int16")
    return to_float(samples), int(rate)


def encoded_whole(wave: Waveform, source_rate: int, choice: SoundChoice) -> bytes:
    """Return a whole sound file, with its true length in its header."""
    encoder = choice.encoder(source_rate, len(wave))
    return encoder.feed(wave) + encoder.finish()
