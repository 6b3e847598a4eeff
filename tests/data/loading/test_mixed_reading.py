"""Texts are read again in every epoch, with other words as phones."""

from __future__ import annotations

import pickle

import pytest

from tts.data.loading.mixed_reading import mixed_reading
from tts.text import Tokenizer

TEXT = "the cat sat on the mat and saw a dog"


@pytest.fixture
def tokenizer(tmp_path) -> Tokenizer:
    lexicon = tmp_path / "lexicon.txt"
    words = {
        "the": "DH AH0",
        "cat": "K AE1 T",
        "sat": "S AE1 T",
        "mat": "M AE1 T",
        "dog": "D AO1 G",
    }
    lexicon.write_text("".join(f"{word}  {phones}\n" for word, phones in words.items()))
    return Tokenizer(p_arpabet=0.5, lexicon=str(lexicon))


def test_epochs_differ_and_repeat(tokenizer):
    reading = mixed_reading(tokenizer, ["one"], [TEXT], seed=1)
    epochs = [tuple(reading(epoch, 0)) for epoch in range(6)]
    assert len(set(epochs)) > 2
    assert [tuple(reading(epoch, 0)) for epoch in range(6)] == epochs


def test_another_process_draws_the_same(tokenizer):
    reading = mixed_reading(tokenizer, ["one"], [TEXT], seed=1)
    assert pickle.loads(pickle.dumps(reading))(3, 0) == reading(3, 0)


def test_one_way_of_reading_needs_no_draw():
    for share in (0.0, 1.0):
        assert mixed_reading(Tokenizer(p_arpabet=share), ["one"], [TEXT], seed=1) is None, share
