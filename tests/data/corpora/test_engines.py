from __future__ import annotations

import ctypes
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from tts.core.errors import InputError
from tts.data.corpora.engines import ENGINES, Espeak, Hibari, Tones

SENTENCES = ["The old bridge was built of stone.", "Who was it?", "Nothing, he said, and left."]


class FakeVoice:
    """Gives noise of one length for each phoneme."""

    def __init__(self, threads: int) -> None:
        assert threads == 1

    def phonemize(self, text: str) -> list[str]:
        return [part for part in text.split(". ") if part]

    def from_phonemes(self, phonemes: str, seed: int) -> np.ndarray:
        return np.random.default_rng(seed).standard_normal(10 * len(phonemes)).astype(np.float32)


@pytest.fixture
def fake_hibari(monkeypatch):
    module = SimpleNamespace(SAMPLE_RATE=24000, Hibari=FakeVoice)
    monkeypatch.setitem(sys.modules, "hibari", module)


def test_hibari_joins_the_parts_of_a_text(fake_hibari):
    engine = Hibari()
    assert engine.sample_rate == 24000
    assert engine.render("ab. cde", seed=0).shape == (50,)


def test_hibari_says_nothing_for_nothing(fake_hibari):
    assert Hibari().render("", seed=0).shape == (0,)


def test_hibari_passes_the_seed_on(fake_hibari):
    engine = Hibari()
    assert (engine.render("abc", 1) == engine.render("abc", 1)).all()
    assert (engine.render("abc", 1) != engine.render("abc", 2)).any()


class FakeLibrary:
    """Imitates the six functions of libespeak-ng that are used."""

    def __init__(self) -> None:
        self.rate, self.status = 22050, 0
        self.espeak_Initialize = lambda *_: self.rate
        self.espeak_SetVoiceByName = lambda name: self.status
        self.espeak_SetParameter = lambda *_: 0
        self.espeak_SetSynthCallback = self.set_callback
        self.espeak_Synth = self.synthesize
        self.espeak_Synchronize = lambda: self.callback(None, 0, None)

    def set_callback(self, callback):
        self.callback = callback

    def synthesize(self, data, size, *_):
        assert data.endswith(b"\0")
        assert size.value == len(data)
        for value in data[:-1]:
            self.callback((ctypes.c_short * 2)(value, -value), 2, None)


@pytest.fixture
def fake_espeak(monkeypatch, tmp_path):
    library = tmp_path / "libespeak-ng.so"
    library.touch()
    module = SimpleNamespace(
        get_library_path=lambda: str(library), get_data_path=lambda: str(tmp_path)
    )
    monkeypatch.setitem(sys.modules, "espeakng_loader", module)
    fake = FakeLibrary()
    loaded = []
    monkeypatch.setattr(ctypes, "CDLL", lambda path: loaded.append(path) or fake)
    fake.loaded = loaded
    fake.original = str(library)
    return fake


def test_espeak_collects_the_pieces_of_a_sentence(fake_espeak):
    engine = Espeak()
    expected = np.array([97, -97, 98, -98], np.float32) / 32768
    np.testing.assert_array_equal(engine.render("ab", seed=0), expected)
    np.testing.assert_array_equal(engine.render("ab", seed=0), expected)


def test_espeak_loads_a_copy_of_its_own(fake_espeak):
    Espeak()
    Espeak()
    assert len({*fake_espeak.loaded, fake_espeak.original}) == 3


@pytest.mark.parametrize(("attribute", "value"), [("rate", -1), ("status", 2)])
def test_espeak_that_does_not_start_is_reported(fake_espeak, attribute, value):
    setattr(fake_espeak, attribute, value)
    with pytest.raises(InputError, match="espeak: voice 'en-us' cannot be loaded"):
        Espeak()


@pytest.mark.parametrize(
    ("engine", "module", "extra"),
    [("hibari", "hibari", "demo"), ("espeak", "espeakng_loader", "espeak")],
)
def test_a_missing_wheel_names_the_command_that_installs_it(monkeypatch, engine, module, extra):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=rf"pip install 'tacoglow\[{extra}\]'"):
        ENGINES[engine]()


def test_tones_give_each_letter_its_own():
    engine = Tones()
    a, b = engine.render("a", 0), engine.render("b", 0)
    assert len(a) == len(b) == round(0.06 * 22050)
    assert np.abs(np.fft.rfft(a)).argmax() < np.abs(np.fft.rfft(b)).argmax()


def test_tones_are_silent_for_what_is_no_letter():
    assert [char for char in " .?'-" if Tones().render(char, 0).any()] == []


def test_tones_do_not_care_for_case_or_seed():
    engine = Tones()
    np.testing.assert_array_equal(engine.render("Ab", 0), engine.render("aB", 1))


def test_espeak_repeats_itself_from_the_start():
    pytest.importorskip("espeakng_loader")
    engines = Espeak(), Espeak()
    first, second = ([engine.render(text, 3) for text in SENTENCES] for engine in engines)
    for one, other in zip(first, second, strict=True):
        assert 0.5 < len(one) / engines[0].sample_rate < 5
        np.testing.assert_array_equal(one, other)


def test_hibari_renders_the_same_in_any_order_and_thread():
    pytest.importorskip("hibari")
    engine = Hibari()
    alone = [engine.render(text, i) for i, text in enumerate(SENTENCES)]
    with ThreadPoolExecutor(3) as pool:
        jobs = [
            pool.submit(engine.render, text, i) for i, text in reversed([*enumerate(SENTENCES)])
        ]
    for one, job in zip(alone, reversed(jobs), strict=True):
        np.testing.assert_array_equal(one, job.result())
