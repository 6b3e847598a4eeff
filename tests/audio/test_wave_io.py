"""Sound files survive round trips, every fault is one line, and no file is half-written."""

import logging
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tts.audio import Output, read_wave, write_wave
from tts.audio.encoding import write_blocks
from tts.core.errors import InputError

NOISE = (np.random.default_rng(0).integers(-32768, 32768, 4000) / 32768).astype(np.float32)


@pytest.fixture
def wav(tmp_path):
    path = tmp_path / "a.wav"
    write_wave(path, NOISE, 22050)
    return path


@pytest.mark.parametrize("ending", [".wav", ".flac", ".WAV"])
def test_sixteen_bits_survive_a_round_trip(tmp_path, ending):
    write_wave(tmp_path / f"a{ending}", NOISE, 16000)
    samples, rate = read_wave(tmp_path / f"a{ending}")
    assert rate == 16000
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples, NOISE)


def test_ogg_keeps_length_and_shape(tmp_path, voice):
    write_wave(tmp_path / "a.ogg", voice, 22050)
    samples, rate = read_wave(tmp_path / "a.ogg")
    assert (len(samples), rate) == (len(voice), 22050)
    assert np.corrcoef(samples, voice)[0, 1] > 0.99


def test_samples_are_integers_over_32768(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.array([-32768, 0, 1, 32767], np.int16), 8000)
    assert (read_wave(tmp_path / "a.wav")[0] * 32768).tolist() == [-32768, 0, 1, 32767]


def test_other_rate_is_refused_with_advice(wav):
    with pytest.raises(
        InputError,
        match=r"a\.wav: 22050 Hz, expected 16000 Hz; set data.resample=true to resample",
    ):
        read_wave(wav, 16000)


def test_resampling_is_logged(wav, caplog):
    write_wave(wav, NOISE / 2, 22050)
    with caplog.at_level(logging.INFO, logger="tts.audio"):
        read_wave(wav, 16000, resample=True)
    assert caplog.messages == [f"{wav}: resampled from 22050 Hz to 16000 Hz"]


def test_resampling_keeps_the_sound(tmp_path):
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(24000) / 48000)
    write_wave(tmp_path / "a.wav", tone, 48000)
    samples, rate = read_wave(tmp_path / "a.wav", 22050, resample=True)
    assert (rate, len(samples)) == (22050, 11025)
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(11025) / 22050)
    np.testing.assert_allclose(samples[500:-500], expected[500:-500], atol=1e-3)


def test_matching_rate_is_left_alone(wav, caplog):
    with caplog.at_level(logging.INFO, logger="tts.audio"):
        samples, _ = read_wave(wav, 22050, resample=True)
    np.testing.assert_array_equal(samples, NOISE)
    assert caplog.messages == []


def missing(path):
    pass


def empty(path):
    path.touch()


def folder(path):
    path.mkdir()


def text(path):
    path.write_text("id|text\n" * 50)


def cut_in_the_header(path):
    write_wave(path, NOISE, 22050)
    path.write_bytes(path.read_bytes()[:30])


def cut_by_one_byte(path):
    write_wave(path, NOISE, 22050)
    path.write_bytes(path.read_bytes()[:-1])


def cut_in_half(path):
    write_wave(path, NOISE, 22050)
    path.write_bytes(path.read_bytes()[:4000])


def cut_after_another_chunk(path):
    write_wave(path, NOISE, 22050)
    whole = path.read_bytes()
    chunk = b"LIST" + struct.pack("<I", 5) + b"INFO1\0"
    path.write_bytes((whole[:12] + chunk + whole[12:])[:4000])


def without_samples(path):
    soundfile.write(path, np.zeros(0), 22050)


def stereo(path):
    soundfile.write(path, np.zeros((100, 2)), 22050)


def not_a_number(path):
    soundfile.write(path, np.array([0, np.nan, 0], np.float32), 22050, subtype="FLOAT")


def unscaled(path):
    soundfile.write(path, np.array([0, 20000], np.float32), 22050, subtype="FLOAT")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (missing, "not found"),
        (empty, "is empty"),
        (folder, "cannot be read"),
        (text, "cannot be read as sound"),
        (cut_in_the_header, "cannot be read as sound"),
        (cut_by_one_byte, "truncated, 7999 of 8000 bytes"),
        (cut_in_half, "truncated, 3956 of 8000 bytes"),
        (cut_after_another_chunk, "truncated, 3942 of 8000 bytes"),
        (without_samples, "holds no samples"),
        (stereo, "2 channels, expected 1; set data.mono=mix"),
        (not_a_number, "not finite"),
        (unscaled, "samples reach 20000, expected -1 to 1"),
    ],
)
def test_faulty_file_is_named_on_one_line(tmp_path, make, message):
    path = tmp_path / "bad.wav"
    make(path)
    with pytest.raises(InputError) as error:
        read_wave(path, 22050)
    assert str(error.value).startswith(f"{path}: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_truncated_flac_is_refused(tmp_path):
    path = tmp_path / "a.flac"
    write_wave(path, NOISE, 22050)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(InputError, match=r"a\.flac: "):
        read_wave(path)


def test_wave_from_a_pipe_has_no_length_and_reads(wav):
    whole = bytearray(wav.read_bytes())
    assert whole[36:40] == b"data"
    whole[40:44] = b"\xff" * 4
    wav.write_bytes(whole)
    np.testing.assert_array_equal(read_wave(wav)[0], NOISE)


def test_long_recordings_are_read_to_their_end(tmp_path):
    long = np.tile(NOISE, 200)
    write_wave(tmp_path / "a.wav", long, 22050)
    np.testing.assert_array_equal(read_wave(tmp_path / "a.wav")[0], long)


def test_an_absurd_rate_is_refused(tmp_path):
    soundfile.write(tmp_path / "a.wav", NOISE, 2)
    with pytest.raises(InputError, match=r"a\.wav: 2 Hz is no sample rate; export the file again"):
        read_wave(tmp_path / "a.wav", 22050, resample=True)


def test_resampling_to_no_samples_is_refused(tmp_path):
    soundfile.write(tmp_path / "a.wav", NOISE[:10], 768000)
    with pytest.raises(InputError, match="holds no samples"):
        read_wave(tmp_path / "a.wav", 22050, resample=True)


def test_channels_are_mixed_on_request(tmp_path, caplog):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.tile([0.5, 0.25], (100, 1)), 22050)
    with caplog.at_level(logging.INFO, logger="tts.audio"):
        samples, _ = read_wave(path, mix_down=True)
    np.testing.assert_allclose(samples, 0.375, atol=1e-4)
    assert caplog.messages == [f"{path}: 2 channels mixed down to one"]


def test_float_file_slightly_over_full_scale_is_limited(tmp_path, caplog):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.array([0.5, 1.25, -1.5], np.float32), 22050, subtype="FLOAT")
    assert read_wave(path)[0].tolist() == [0.5, 1, -1]
    assert caplog.messages == [f"{path}: 2 samples up to 1.500 were limited to [-1, 1]"]


def test_clipping_is_limited_and_logged(tmp_path, caplog):
    path = tmp_path / "a.wav"
    write_wave(path, [0.0, 1.0, 1.5, -2.0], 22050)
    assert (read_wave(path)[0] * 32768).tolist() == [0, 32767, 32767, -32768]
    assert caplog.messages == [f"{path}: 2 samples up to 2.000 were limited to [-1, 1]"]


def test_full_scale_is_not_reported_as_clipping(tmp_path, caplog):
    write_wave(tmp_path / "a.wav", [1.0, -1.0], 22050)
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("samples", "message"),
    [(np.zeros((2, 9)), r"got shape \(2, 9\)"), ([0.0, np.nan], "samples must be finite")],
)
def test_illegal_samples_are_refused(tmp_path, samples, message):
    with pytest.raises(InputError, match=message):
        write_wave(tmp_path / "a.wav", samples, 22050)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.mp4", "a"])
def test_other_endings_are_refused(tmp_path, name):
    with pytest.raises(InputError, match=r"use \.wav, \.flac, \.ogg"):
        write_wave(tmp_path / name, NOISE, 22050)


def test_impossible_rate_is_refused(tmp_path):
    with pytest.raises(InputError, match="WAV cannot hold sound of 0 Hz"):
        write_wave(tmp_path / "a.wav", NOISE, 0)


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none/a\.wav: cannot be written \(No such file"):
        write_wave(tmp_path / "none" / "a.wav", NOISE, 22050)


def test_folder_below_a_file_is_named(wav):
    with pytest.raises(InputError, match=r"a\.wav/b\.wav: cannot be written \(Not a directory"):
        write_wave(wav / "b.wav", NOISE, 22050)


def test_folder_of_that_name_is_named(tmp_path):
    (tmp_path / "a.wav").mkdir()
    with pytest.raises(InputError, match=r"a\.wav: is a folder"):
        write_wave(tmp_path / "a.wav", NOISE, 22050)


def test_failed_writing_leaves_the_old_file_alone(wav, monkeypatch):
    before = wav.read_bytes()

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full_disk)
    with pytest.raises(InputError, match=r"a\.wav: cannot be written \(No space left on device\)"):
        write_wave(wav, NOISE / 2, 22050)
    assert wav.read_bytes() == before
    assert [path.name for path in wav.parent.iterdir()] == ["a.wav"]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
@pytest.mark.parametrize("mode", ["r", "c"])
def test_mapped_sound_does_not_stay_in_memory(mode, tmp_path):
    def mapped_bytes():
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("RssFile"))

    n_samples = 2**24
    np.zeros(n_samples, np.float32).tofile(tmp_path / "sound.f32")
    sound = np.memmap(tmp_path / "sound.f32", np.float32, mode=mode)
    if mode == "c":
        sound[0] = 0.5
    before = mapped_bytes()
    Output(peak=-1).write(tmp_path / "sound.flac", sound, 22050)
    assert (mapped_bytes() - before < sound.nbytes // 8) == (mode == "r")
    if mode == "c":
        assert sound[0] == 0.5


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "mp3"])
def test_a_disk_that_gets_full_while_a_long_file_is_written_is_named(tmp_path, ending):
    resource = pytest.importorskip("resource")
    path, noise = tmp_path / f"long.{ending}", np.random.default_rng(0)
    blocks = (noise.uniform(-0.5, 0.5, 65536).astype(np.float32) for _ in range(24))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, limits[1]))
    try:
        with pytest.raises(InputError, match=rf"long.{ending}: cannot be written \(File too large"):
            write_blocks(path, blocks, 24 * 65536, 22050)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []
