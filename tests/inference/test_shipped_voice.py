"""The voice of the package speaks after a plain install, and a recogniser understands it."""

import os
import subprocess
import sys

import pytest
import soundfile

from tests.support.paths import REPO
from tts import pretrained
from tts.inference import Synthesizer
from tts.pretrained.catalogue import CATALOGUE
from tts.pretrained.download import fetch

HELLO = "hello world, I missed you so much"
# packages that a plain install does not have
EXTRAS = ("hibari", "faster_whisper", "phonemizer", "onnxruntime", "tensorboard", "optuna")


@pytest.fixture(scope="module")
def voice():
    return Synthesizer.from_pretrained("voice_acoustic")


def test_weights_are_small():
    files = [fetch(entry) for entry in CATALOGUE.values() if not entry.urls]
    assert files
    assert sum(file.stat().st_size for file in files) < 40e6


def test_it_names_the_corpus_it_was_trained_on():
    known = pretrained.describe("voice_acoustic")
    assert "LJ Speech" in known["corpus"]
    assert known["config"]["name"] == "voice_acoustic"
    assert known["tokenizer"]["p_arpabet"] > 0


@pytest.mark.parametrize("text", [HELLO, "The printing press changed the world."])
def test_it_follows_the_text_and_ends_by_the_gate(text, voice):
    speech = voice.speak(text, guard=False)
    assert speech.stop_reason == "gate"
    assert speech.health.follows_text
    assert 1.0 < speech.seconds < 5.0


@pytest.mark.slow
def test_the_first_command_needs_no_extra(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        f"import sys\nsys.modules.update(dict.fromkeys({EXTRAS!r}))\n"
    )
    path = os.pathsep.join([str(tmp_path), str(REPO)])
    command = [sys.executable, str(REPO / "synthesize.py"), f"text={HELLO}", "strict=true"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": path, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    sound = soundfile.info(tmp_path / "audio.wav")
    assert sound.samplerate == 22050
    assert 1.0 < sound.duration < 5.0


def test_a_recogniser_understands_it(voice):
    pytest.importorskip("faster_whisper")
    from tts.metrics import Whisper

    whisper = Whisper()
    heard = whisper(voice.speak(HELLO).wave.numpy(), 22050)
    assert whisper.normalise(heard) == whisper.normalise(HELLO)
