"""Reading any bytes gives samples or an InputError, and memory in proportion to the file."""

import io
import itertools
import logging
import struct
import tracemalloc

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tts.audio import read_wave
from tts.core.errors import InputError

SETTINGS = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
# A file of a few hundred bytes must not need more; compressed silence needs most
MOST_MEMORY = 64 * 2**20


def combinations(*columns, default):
    """Combine values in all ways; mark all combinations slow but those of the default run."""
    slow = pytest.mark.slow
    return [
        pytest.param(*case, marks=() if case in default else slow)
        for case in itertools.product(*columns)
    ]


@pytest.fixture(autouse=True)
def _silence(caplog):
    caplog.set_level(logging.CRITICAL, logger="tts.audio.io")


def encoded(kind, subtype, channels=1, n_samples=400):
    rng = np.random.default_rng(0)
    samples = rng.uniform(-0.9, 0.9, (n_samples, channels)).astype(np.float32)
    file = io.BytesIO()
    soundfile.write(file, samples, 22050, subtype, format=kind)
    return file.getvalue()


VALID = {
    "wav": encoded("WAV", "PCM_16"),
    "wav_24": encoded("WAV", "PCM_24"),
    "wav_float": encoded("WAV", "FLOAT"),
    "wav_double": encoded("WAV", "DOUBLE"),
    "wav_mulaw": encoded("WAV", "ULAW"),
    "wav_adpcm": encoded("WAV", "MS_ADPCM"),
    "wav_extensible": encoded("WAVEX", "PCM_16", 2),
    "w64": encoded("W64", "PCM_16"),
    "rf64": encoded("RF64", "PCM_16"),
    "aiff": encoded("AIFF", "PCM_16"),
    "au": encoded("AU", "PCM_16"),
    "caf": encoded("CAF", "PCM_16"),
    "flac": encoded("FLAC", "PCM_16"),
    "ogg": encoded("OGG", "VORBIS"),
    "ogg_stereo": encoded("OGG", "VORBIS", 2),
    "mp3": encoded("MP3", "MPEG_LAYER_III", n_samples=4000),
}


def attempt(path, data, **options):
    """Read bytes, and check that the result is well-formed and took little memory."""
    path.write_bytes(data)
    tracemalloc.start()
    try:
        samples, rate = read_wave(path, **options)
        message = f"{path}: "
    except InputError as error:
        samples, rate, message = np.zeros(1, np.float32), 1, str(error)
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert samples.ndim == 1
    assert samples.dtype == np.float32
    assert samples.size
    assert np.abs(samples).max() <= 1
    assert rate > 0
    assert peak < MOST_MEMORY + 100 * len(data)


@pytest.mark.parametrize(
    ("ending", "mix_down"),
    combinations(
        [".wav", ".flac", ".mp3", ""], [False, True], default=[(".wav", True), ("", False)]
    ),
)
def test_any_bytes(ending, mix_down, tmp_path):
    @SETTINGS
    @given(st.binary(max_size=300))
    def check(data):
        attempt(tmp_path / f"a{ending}", data, mix_down=mix_down)

    check()


@pytest.mark.parametrize("form", combinations(VALID, default=[("wav",), ("flac",), ("mp3",)]))
def test_bytes_that_were_changed(form, tmp_path):
    valid = VALID[form]
    # more of the changes are in the header, where a byte matters most
    places = st.integers(0, min(len(valid), 96) - 1) | st.integers(0, len(valid) - 1)
    byte = st.integers(0, 255) | st.sampled_from([0, 1, 127, 128, 255])

    @SETTINGS
    @given(st.lists(st.tuples(places, byte), max_size=6), st.integers(0, len(valid)))
    def check(changes, kept):
        data = bytearray(valid)
        for place, value in changes:
            data[place] = value
        attempt(tmp_path / "a", bytes(data), mix_down=True)
        attempt(tmp_path / "a", bytes(data[:kept]), mix_down=True)

    check()


SIZES = st.integers(0, 2**32 - 1) | st.sampled_from([0, 1, 2**31 - 1, 2**31, 2**32 - 1])


CHUNKS = {
    "plain": b"",
    "endless_list": b"LIST\xff\xff\xff\xff",
    "endless_fact": b"fact\x04\0\0\0\xff\xff\xff\xff",
}


@pytest.mark.parametrize("extra", combinations(CHUNKS, default=[("plain",)]))
def test_wav_headers_with_any_numbers(extra, tmp_path):
    shorts = st.integers(0, 65535) | st.sampled_from([0, 1, 2, 3, 8, 16, 17, 24, 32, 64, 65534])

    @SETTINGS
    @given(shorts, shorts, SIZES, SIZES, shorts, shorts, SIZES, SIZES, st.binary(max_size=80))
    def check(code, channels, rate, bytes_a_second, align, bits, riff_size, size, data):
        form = struct.pack("<HHIIHH", code, channels, rate, bytes_a_second, align, bits)
        chunks = (
            b"fmt "
            + struct.pack("<I", 16)
            + form
            + CHUNKS[extra]
            + b"data"
            + struct.pack("<I", size)
        )
        whole = b"RIFF" + struct.pack("<I", riff_size) + b"WAVE" + chunks + data
        attempt(tmp_path / "a.wav", whole, mix_down=True)

    check()


@pytest.mark.parametrize(
    "rate", combinations([1, 7, 22050, 2**31 - 1], default=[(7,), (2**31 - 1,)])
)
def test_any_rate_is_resampled_or_refused(rate, tmp_path):
    header = bytearray(VALID["wav"])
    header[24:28] = struct.pack("<I", rate)
    attempt(tmp_path / "a.wav", bytes(header), sample_rate=22050, resample=True)


@pytest.mark.parametrize("subtype", combinations(["FLOAT", "DOUBLE"], default=[("FLOAT",)]))
def test_any_floating_point_numbers(subtype, tmp_path):
    width = 32 if subtype == "FLOAT" else 64

    @SETTINGS
    @given(
        st.lists(st.floats(width=width) | st.floats(-1, 1, width=width), min_size=1, max_size=20)
    )
    def check(values):
        file = io.BytesIO()
        kind = np.float32 if width == 32 else np.float64
        soundfile.write(file, np.array(values, kind), 22050, subtype, format="WAV")
        attempt(tmp_path / "a.wav", file.getvalue())

    check()


def declared(n_samples, channels=1):
    """Make a FLAC file that declares any number of samples."""
    flac = bytearray(VALID["flac"])
    # STREAMINFO: 20 bits of rate, 3 of channels, 5 of bits, 36 of samples
    packed = (22050 << 44) | ((channels - 1) << 41) | (15 << 36) | n_samples
    flac[18:26] = struct.pack(">Q", packed)
    return bytes(flac)


@pytest.mark.parametrize(
    ("n_samples", "channels"),
    combinations([2**20, 2**31, 2**36 - 1], [1, 8], default=[(2**36 - 1, 8)]),
)
def test_a_length_that_is_only_declared_takes_no_memory(n_samples, channels, tmp_path):
    attempt(tmp_path / "a.flac", declared(n_samples, channels), mix_down=True)


@pytest.mark.parametrize(
    ("form", "size"),
    combinations(
        ["wav", "rf64", "w64", "aiff", "au", "caf"],
        [0xFFFFFFFF, 0x7FFFFFFF, 0],
        default=[("wav", 0xFFFFFFFF), ("rf64", 0x7FFFFFFF)],
    ),
)
def test_sizes_that_are_only_declared(form, size, tmp_path):
    valid = VALID[form]
    for place in range(0, min(len(valid), 100), 4):
        data = bytearray(valid)
        for order in "<>":
            data[place : place + 4] = struct.pack(f"{order}I", size)
            attempt(tmp_path / "a", bytes(data), mix_down=True)
