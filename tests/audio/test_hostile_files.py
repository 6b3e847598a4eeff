"""No sound file is taken for a whole one when it is cut, and none can fill the memory."""

from __future__ import annotations

import io
import os
import tracemalloc

import numpy as np
import pytest
import soundfile

from tts.audio import read_wave
from tts.audio.declared_length import CHECKED
from tts.audio.io import LONGEST, LongRecordingError, decode
from tts.core.errors import InputError

RATE = 22050
NOISE = (0.1 * np.random.default_rng(0).standard_normal(20_000)).astype(np.float32)
# Format, coding and byte order; each is read to the end of what is there by libsndfile itself
FORMATS = [
    ("WAV", "PCM_16", "LITTLE"),
    ("WAV", "PCM_24", "BIG"),
    ("WAVEX", "FLOAT", "FILE"),
    ("RF64", "PCM_16", "FILE"),
    ("W64", "PCM_16", "FILE"),
    ("AIFF", "PCM_16", "FILE"),
    ("AIFF", "FLOAT", "FILE"),
    ("AU", "PCM_16", "FILE"),
    ("AU", "PCM_16", "LITTLE"),
    ("CAF", "PCM_16", "FILE"),
    ("SVX", "PCM_16", "FILE"),
    ("NIST", "PCM_16", "FILE"),
    ("NIST", "ULAW", "FILE"),
    ("HTK", "PCM_16", "FILE"),
    ("FLAC", "PCM_16", "FILE"),
    ("OGG", "VORBIS", "FILE"),
]


def written(kind, coding, order):
    data = io.BytesIO()
    soundfile.write(data, NOISE, RATE, coding, order, kind)
    return data.getvalue()


@pytest.mark.parametrize(("kind", "coding", "order"), FORMATS)
def test_a_file_that_is_cut_is_never_read_as_a_whole_one(tmp_path, kind, coding, order):
    whole = written(kind, coding, order)
    path = tmp_path / "a.wav"
    path.write_bytes(whole)
    assert len(read_wave(path)[0]) == len(decode(io.BytesIO(whole))[0]) == len(NOISE)
    for share in (0.1, 0.5, 0.9, 0.999):
        cut = whole[: int(share * len(whole))]
        path.write_bytes(cut)
        with pytest.raises(InputError, match=r"a\.wav: (truncated|cannot be read as sound)"):
            read_wave(path)
        with pytest.raises(InputError, match=r"^(truncated|cannot be read as sound)"):
            decode(io.BytesIO(cut))


UNCHECKED = {
    **{"VOC": "PCM_16", "IRCAM": "PCM_16", "PAF": "PCM_16", "AVR": "PCM_16", "MAT4": "PCM_16"},
    **{"MAT5": "PCM_16", "PVF": "PCM_16", "WVE": "ALAW", "XI": "DPCM_16", "MPC2K": "PCM_16"},
    "SDS": "PCM_16",
}


def test_every_format_is_one_in_which_a_cut_is_found_or_is_refused():
    no_headers = {"RAW", "SD2"}
    assert set(soundfile.available_formats()) - no_headers <= {*CHECKED, *UNCHECKED}
    assert {kind for kind, *_ in FORMATS} | {"MP3"} == set(CHECKED)
    for kind, coding in UNCHECKED.items():
        data = io.BytesIO()
        soundfile.write(data, NOISE, 8000, coding, format=kind)
        with pytest.raises(InputError, match=rf"format {kind}, .* WAV or FLAC \(.*: WAV, .*, HTK"):
            decode(data)


@pytest.mark.parametrize("kind", ["WAV", "RF64", "AIFF", "AU"])
def test_no_header_hangs_the_reader(tmp_path, kind):
    whole = bytearray(written(kind, "PCM_16", "FILE"))
    path = tmp_path / "a.wav"
    for place in range(4, min(len(whole), 80)):
        for value in (0, 0xFF):
            path.write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
            try:
                samples, _ = read_wave(path)
            except InputError as error:
                text = str(error)
            else:
                text = ""
                assert len(samples) <= len(NOISE)
            assert "\n" not in text


@pytest.fixture(scope="module")
def silence(tmp_path_factory):
    """Write ten minutes of silence, which are 50 MB in memory, in a file of some kilobytes."""
    path = tmp_path_factory.mktemp("bombs") / "silence.flac"
    soundfile.write(path, np.zeros(600 * RATE, np.int16), RATE)
    assert path.stat().st_size < 10**6
    return path


@pytest.mark.parametrize("source", [os.fspath, lambda path: io.BytesIO(path.read_bytes())])
def test_a_recording_that_is_too_long_is_not_decoded(silence, source):
    opened = source(silence)
    tracemalloc.start()
    with pytest.raises(LongRecordingError, match=r"lasts 600 s or longer, more than the 10 s that"):
        decode(opened, longest=10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * 10**6


def test_an_hour_is_read_and_no_more(tmp_path):
    soundfile.write(tmp_path / "a.flac", np.zeros(int(LONGEST) * 1000, np.int16), 1000)
    assert len(read_wave(tmp_path / "a.flac")[0]) == LONGEST * 1000
    soundfile.write(tmp_path / "a.flac", np.zeros(int(LONGEST) * 1000 + 1, np.int16), 1000)
    with pytest.raises(LongRecordingError, match="more than the 1 h that are read; cut it into"):
        read_wave(tmp_path / "a.flac")


@pytest.mark.parametrize(("mono", "value"), [("mix", 0.375), ("left", 0.5), ("right", 0.25)])
def test_one_channel_is_made_as_the_user_says(tmp_path, mono, value):
    soundfile.write(tmp_path / "a.wav", np.tile([0.5, 0.25], (100, 1)), RATE)
    soundfile.write(tmp_path / "b.wav", np.tile([0.5], (100, 1)), RATE)
    np.testing.assert_allclose(read_wave(tmp_path / "a.wav", mono=mono)[0], value, atol=1e-4)
    np.testing.assert_allclose(read_wave(tmp_path / "b.wav", mono=mono)[0], 0.5, atol=1e-4)


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(InputError, match=r"a\.wav: cannot be read \(it is a device or a pipe"):
        read_wave(tmp_path / "a.wav")
    with pytest.raises(InputError, match="cannot be read"):
        read_wave(tmp_path / "a\0.wav")
