"""A stream of chunks decodes to the samples that went in, and needs little memory."""

from __future__ import annotations

import io
import tracemalloc

import numpy as np
import pytest
import soundfile

from tts.audio.formats import FORMATS
from tts.audio.stream_encoder import StreamEncoder
from tts.audio.tags import Chapter, Tags
from tts.core.errors import InputError

LENGTHS = (1, 100, 959, 960, 961, 24_000, 61_234)
COMPRESSED = ("flac", "ogg", "opus", "mp3")
TAGS = Tags(title="A title", comment="ä comment", chapters=(Chapter("One", 0, 1),))


def speech(n, rate=24_000):
    """Return a glide with faint noise, whose place can be found: ``(n,)``."""
    phase = np.cumsum(200 + 800 * np.arange(n) / rate)
    glide = 0.3 * np.sin(2 * np.pi * phase / rate)
    return (glide + 0.005 * np.random.default_rng(0).standard_normal(n)).astype(np.float32)


def streamed(encoder, wave, step=1000):
    chunks = [encoder.feed(wave[at : at + step]) for at in range(0, len(wave), step)]
    return b"".join([*chunks, encoder.finish()])


def decoded(name, data):
    """Read to the end, whatever the header says of the length."""
    if name == "pcm":
        return np.frombuffer(data, "<i2") / np.float32(32768), None
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        samples = np.zeros(2**17, np.float32)
        # soundfile itself looks for the end first, which a FLAC of unknown length does not tell
        place = soundfile._ffi.cast("float *", samples.ctypes.data)
        n_read = soundfile._snd.sf_readf_float(file._file, place, len(samples))
        return samples[:n_read], file.samplerate


def delay_of(wave, found):
    """Return by how many samples a long sound is late, from its best correlation."""
    return int(np.correlate(found[:9000], wave[3000:5000], "valid").argmax()) - 3000


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "mp3"])
def test_as_many_samples_come_out_as_went_in(name):
    for n in LENGTHS:
        wave = speech(n)
        found, rate = decoded(name, streamed(StreamEncoder(name, 24_000, tags=TAGS), wave))
        assert (len(found), rate or 24_000) == (n, 24_000), n
        if n > 20_000:
            assert np.corrcoef(found, wave)[0, 1] > (0.9 if name == "opus" else 0.99)
            assert delay_of(wave, found) == 0


@pytest.mark.parametrize("rate", FORMATS["opus"].rates)
def test_opus_has_all_its_rates(rate):
    wave = speech(2 * rate, rate)
    found, there = decoded("opus", streamed(StreamEncoder("opus", rate), wave))
    assert (len(found), there) == (len(wave), rate)
    assert np.corrcoef(found, wave)[0, 1] > 0.93


@pytest.mark.parametrize("rate", FORMATS["mp3"].rates)
def test_an_mp3_of_known_length_has_as_many_samples(rate):
    for n in LENGTHS:
        data = streamed(StreamEncoder("mp3", rate, n_samples=n), speech(n))
        found, there = decoded("mp3", data)
        assert (len(found), there) == (n, rate), n
    assert delay_of(speech(n), found) == 0
    assert np.corrcoef(found, speech(n))[0, 1] > 0.97


@pytest.mark.parametrize("rate", FORMATS["mp3"].rates)
def test_an_mp3_of_unknown_length_has_the_delay_of_its_encoder(rate):
    n = LENGTHS[-1]
    data = streamed(StreamEncoder("mp3", rate), speech(n))
    assert soundfile.info(io.BytesIO(data)).frames == pytest.approx(n, rel=0.08)
    found, _ = decoded("mp3", data)
    assert 0 <= len(found) - n <= 576 + 529 + 2 * 1152
    assert delay_of(speech(n), found) == 576 + 529


@pytest.mark.parametrize("name", FORMATS)
def test_the_bytes_do_not_depend_on_the_chunks_or_on_chance(name):
    wave = speech(40_000)
    for rate in (24_000, 22_050):
        options = {"format": name, "sample_rate": 24_000, "source_rate": rate, "tags": TAGS}
        streams = {streamed(StreamEncoder(**options), wave, step) for step in (317, 50_000, 50_000)}
        assert len(streams) == 1, rate


@pytest.mark.parametrize("name", FORMATS)
def test_resampling_gives_the_length_that_was_announced(name):
    for source, n in ((22_050, 30_001), (16_000, 12_345), (48_000, 30_003)):
        data = streamed(StreamEncoder(name, 24_000, source, n_samples=n), speech(n))
        assert len(decoded(name, data)[0]) == int(n * 24_000 / source + 0.5), source


def test_opus_takes_the_next_higher_rate():
    for source, rate in ((22_050, 24_000), (16_000, 16_000), (44_100, 48_000), (96_000, 48_000)):
        assert StreamEncoder("opus", source_rate=source).sample_rate == rate


@pytest.mark.parametrize("name", COMPRESSED)
def test_bytes_come_before_the_end(name):
    encoder, wave = StreamEncoder(name, 24_000), speech(24_000)
    sizes = [len(encoder.feed(wave)) for _ in range(5)]
    assert sizes[0] > 0
    assert sum(sizes) > 5 * sizes[0] // 2
    assert encoder.corrections == []


def test_a_wav_of_unknown_length_says_so_and_a_known_one_is_exact():
    wave = speech(999)
    data = streamed(StreamEncoder("wav", 24_000, tags=TAGS), wave)
    assert data[4:8] == data[40:44] == b"\xff" * 4
    assert data[36:40] == b"data"
    assert len(data) == 44 + 2 * 999
    for bits in (16, 24, 32):
        data = streamed(StreamEncoder("wav", 24_000, n_samples=999, bits=bits, tags=TAGS), wave)
        assert int.from_bytes(data[4:8], "little") == len(data) - 8
        place = data.index(b"data")
        assert int.from_bytes(data[place + 4 : place + 8], "little") == 999 * bits // 8
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            assert (file.frames, file.title) == (999, "A title")
            np.testing.assert_allclose(file.read(), wave, atol=2.0**-16 if bits == 16 else 1e-7)


def test_a_flac_of_known_length_states_it():
    wave = speech(30_000)
    for n_samples in (None, 30_000):
        data = streamed(StreamEncoder("flac", 24_000, n_samples=n_samples), wave)
        assert int.from_bytes(data[21:26], "big") & (2**36 - 1) == (n_samples or 0)


def test_corrections_make_the_file_that_libsndfile_writes():
    wave, expected = speech(30_000), io.BytesIO()
    soundfile.write(expected, wave, 24_000, format="MP3")
    encoder = StreamEncoder("mp3", 24_000, correctable=True)
    data = bytearray(streamed(encoder, wave))
    for place, correction in encoder.corrections:
        data[place : place + len(correction)] = correction
    assert bytes(data) == expected.getvalue()


@pytest.mark.parametrize("name", ["pcm", *COMPRESSED])
def test_memory_does_not_grow_with_the_sound(name):
    encoder, wave = StreamEncoder(name, 24_000, 22_050), speech(22_050)
    for _ in range(3):
        encoder.feed(wave)
    tracemalloc.start()
    for _ in range(8):
        encoder.feed(wave)
    left = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert left < 200_000


def test_samples_over_full_scale_are_limited_and_counted():
    encoder = StreamEncoder("pcm", 8000)
    assert encoder.feed(np.array([0.5, -2, 1.5], np.float32)) == b"\0\x40\0\x80\xff\x7f"
    assert (encoder.limiter.n_samples, encoder.limiter.peak) == (2, 2)


def test_content_types():
    types = {name: StreamEncoder(name, 24_000).content_type for name in FORMATS}
    assert types == {
        "wav": "audio/wav",
        "flac": "audio/flac",
        "ogg": "audio/ogg; codecs=vorbis",
        "opus": "audio/ogg; codecs=opus",
        "mp3": "audio/mpeg",
        "pcm": "audio/pcm;rate=24000;channels=1",
    }


WRONG = [
    ({"format": "aac"}, "format=aac: it must be one of wav, flac, ogg, opus, mp3, pcm"),
    (
        {"format": "opus", "sample_rate": 22_050},
        "Opus cannot hold sound of 22050 Hz, only 8000, 12000, 16000, 24000 or 48000",
    ),
    ({"format": "opus", "bits": 16}, "bits=16: Opus has none, leave it null"),
    ({"format": "pcm", "bits": 24}, "bits=24: PCM has 16"),
    ({"format": "wav", "sample_rate": 0}, "WAV cannot hold sound of 0 Hz"),
    ({"format": "flac", "sample_rate": 2**31 - 1}, "FLAC cannot hold sound of 2147483647 Hz"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_wrong_options_are_refused_in_one_line(options, message):
    with pytest.raises(InputError) as error:
        StreamEncoder(**{"sample_rate": 24_000, **options})
    assert str(error.value) == message


def test_wrong_samples_are_refused():
    encoder = StreamEncoder("mp3", 24_000, n_samples=10)
    with pytest.raises(InputError, match=r"samples must be finite \(no NaN or infinity\)"):
        encoder.feed(np.array([np.nan], np.float32))
    encoder.feed(np.zeros(9, np.float32))
    with pytest.raises(ValueError, match="9 samples were fed, and 10 announced"):
        encoder.finish()
