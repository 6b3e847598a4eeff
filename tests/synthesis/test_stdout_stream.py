"""``output=-``: the stream holds the same waveform as the file."""

from __future__ import annotations

import io
import struct
import subprocess
import sys

import numpy as np
import pytest
import soundfile as sf

from tests.support.paths import REPO
from tts.audio.containers.riff import wav_header
from tts.commands.cli import synthesize_command

NEEDS_ALL = "needs the whole waveform, so output=- cannot have it; leave it out, or write a file\n"


@pytest.fixture
def run(acoustic_file, vocoder_file, tmp_path, monkeypatch, capsysbinary):
    """Return run(options) -> exit status, bytes of standard output, text of standard error."""
    networks = [f"acoustic={acoustic_file()}", f"vocoder={vocoder_file()}", "device=cpu"]
    monkeypatch.chdir(tmp_path)

    def go(*options):
        arguments = ["synthesize.py", *networks, "max_steps=12", *options]
        monkeypatch.setattr(sys, "argv", arguments)
        status = 0
        try:
            synthesize_command()
        except SystemExit as exit_:
            status = exit_.code
        out, err = capsysbinary.readouterr()
        return status, out, err.decode()

    return go


def test_standard_output_has_the_wav_and_nothing_else(run, tmp_path):
    status, sound, messages = run("text=One. Two.", "output=-")
    assert status == 0, messages
    assert "-  " in messages
    assert "RTF" in messages
    status, out, _ = run("text=One. Two.", "output=a.wav", "batch_size=1", "margin=0")
    assert status == 0
    assert b"a.wav" in out
    expected, _ = sf.read(tmp_path / "a.wav", dtype="int16")
    samples = np.frombuffer(sound[44:], "<i2")
    assert len(samples) == len(expected)
    # The stream is computed in pieces, which changes the rounding.
    assert np.abs(samples.astype(int) - expected).max() <= 1


def test_lines_follow_each_other_after_a_pause(run, tmp_path):
    (tmp_path / "lines.txt").write_text("one\n***\ntwo\n")
    options = ["text_file=lines.txt", "output=-", "on_error=skip", "pauses.paragraph=0.5"]
    status, sound, messages = run(*options)
    assert status == 0, messages
    assert "lines.txt:2: skipped" in messages
    silence = np.zeros(4000, "<i2").tobytes()
    assert silence in sound[44:]
    _, faster, _ = run(*options, "speed=2")
    assert silence[:4000] in faster[44:]
    assert silence not in faster[44:]


def test_a_pause_mark_between_lines_replaces_their_pause(run, tmp_path):
    lengths = []
    for lines in ("one [pause 0.4]\ntwo\n", "one\n[pause 0.4] two\n", "one [pause 0.4] two\n"):
        (tmp_path / "lines.txt").write_text(lines)
        status, sound, messages = run("text_file=lines.txt", "output=-")
        assert status == 0, messages
        lengths.append(len(sound))
    # only inside a text does the silence make up for a hop that the vocoder leaves out
    assert max(lengths) - min(lengths) <= 2 * 64


def test_another_speed_has_the_samples_of_the_file(run, tmp_path):
    status, sound, messages = run("text=One. Two.", "output=-", "speed=0.6")
    assert status == 0, messages
    run("text=One. Two.", "output=a.wav", "batch_size=1", "margin=0", "speed=0.6")
    expected, _ = sf.read(tmp_path / "a.wav", dtype="int16")
    samples = np.frombuffer(sound[44:], "<i2").astype(int)
    assert len(samples) == len(expected)
    assert np.abs(samples - expected).max() <= 1


def test_the_stream_has_the_format_that_is_asked_for(run):
    _, plain, _ = run("text=One. Two.", "output=-")
    n_samples = len(plain[44:]) // 2
    begins = {"pcm": b"", "flac": b"fLaC", "ogg": b"OggS", "opus": b"OggS"}
    for name, begin in begins.items():
        status, sound, messages = run("text=One. Two.", "output=-", f"format={name}")
        assert status == 0, messages
        assert sound.startswith(begin)
        if name == "pcm":
            assert sound == plain[44:]
        elif name != "flac":  # soundfile does not read a FLAC of unknown length
            assert sf.info(io.BytesIO(sound)).frames == n_samples
    status, sound, _ = run("text=One. Two.", "output=-", "format=mp3", "sample_rate=24000")
    assert sf.info(io.BytesIO(sound)).samplerate == 24_000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["peak=-1"], f"peak=-1: {NEEDS_ALL}"),
        (["plots=true"], f"plots=True: {NEEDS_ALL}"),
        (["bits=24", "format=pcm"], "bits=24: PCM has 16\n"),
        (["bits=16", "format=opus"], "bits=16: Opus has none, leave it null\n"),
        (["sample_rate=22050", "format=opus"], "Opus cannot hold sound of 22050 Hz, only 8000, "),
        (["format=aac"], "format=aac: it must be one of null, wav, flac, ogg, opus, mp3, pcm\n"),
        (["show=true"], "output=-: with show=true there is no sound; leave one of them out\n"),
        (["text_file=none.txt"], 'give one of text="...", text_file=lines.txt and book=book.txt\n'),
    ],
    ids=["level", "picture", "bits", "lossy", "rate", "format", "show", "two sources"],
)
def test_options_that_need_a_file_are_refused(command, acoustic_file, options, message):
    status, out, messages = command(
        "synthesize", f"acoustic={acoustic_file()}", "text=a", "output=-", *options
    )
    assert (status, out) == (2, "")
    assert message in messages
    assert messages.count("\n") == 1


@pytest.mark.slow
def test_a_player_that_closes_the_pipe_ends_it_in_one_line(acoustic_file, tmp_path):
    text = "a b c. " * 40
    command = [sys.executable, str(REPO / "synthesize.py"), f"acoustic={acoustic_file()}"]
    command += [f"text={text}", "output=-", "max_steps=40", "device=cpu", "guard=false"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout.read(50)[:44] == wav_header(8000)
        process.stdout.close()
        messages = process.stderr.read().decode()
        process.wait()
    assert process.returncode == 130
    assert "output=-: the player closed the pipe\n" in messages
    assert "Traceback" not in messages


def test_the_header_can_be_read():
    samples = np.arange(-50, 50, dtype="<i2")
    read, rate = sf.read(io.BytesIO(wav_header(16000) + samples.tobytes()), dtype="int16")
    assert rate == 16000
    assert read.tolist() == samples.tolist()
    assert struct.unpack("<I", wav_header(16000)[40:]) == (0xFFFFFFFF,)
