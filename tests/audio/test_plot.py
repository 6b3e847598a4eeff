"""The command python -m tts.audio.plot draws recordings and refuses what it cannot draw."""

import subprocess
import sys

import numpy as np
import pytest

from tts.audio import write_wave
from tts.audio.plots.recording import main


@pytest.fixture
def wav(tmp_path, voice):
    path = tmp_path / "voice.wav"
    write_wave(path, voice, 22050)
    return path


@pytest.mark.slow
def test_command_draws_a_picture(wav, tmp_path):
    png = tmp_path / "out.png"
    command = [sys.executable, "-W", "error", "-m", "tts.audio.plot", str(wav), str(png)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, f"{png}\n", "")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert png.stat().st_size > 100_000


def test_help_names_what_is_drawn(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    assert "mel spectrogram and MFCC" in " ".join(capsys.readouterr().out.split())


def test_any_rate_is_drawn(tmp_path):
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(12000) / 48000)
    write_wave(tmp_path / "a.wav", tone, 48000)
    assert main([str(tmp_path / "a.wav"), str(tmp_path / "a.png")]) == 0


def test_silence_is_drawn(tmp_path):
    write_wave(tmp_path / "a.wav", np.zeros(5000), 22050)
    assert main([str(tmp_path / "a.wav"), str(tmp_path / "a.png"), "--at", "0.1"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.wav", "out.png"], "none.wav: not found"),
        (["voice.wav", "out.jpg"], "out.jpg: pictures are written as PNG"),
        (["voice.wav", "none/out.png"], "none/out.png: cannot be written"),
        (
            ["voice.wav", "out.png", "--at", "9"],
            "--at 9 is outside the recording, which has 1.00 s",
        ),
        (["short.wav", "out.png"], "short.wav: too short for a picture; needs 46 ms"),
    ],
)
def test_every_mistake_is_one_line(wav, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    write_wave("short.wav", np.zeros(500), 22050)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {message}")
    assert error.count("\n") == 1
    assert not list(tmp_path.glob("out*"))
