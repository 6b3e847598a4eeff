"""Words begin and end where the sound does, and not where the attention waits for them."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tts.metrics.word_edges import QUIET_DB, SHORTEST_PAUSE, frame_levels, heard_edges

#: "ab, cd": two words with a comma and a space between them.
SYMBOLS = ("a", "b", ",", " ", "c", "d")
WORDS = [(0, 1), (4, 5)]
DURATIONS = np.array([10, 10, 5, 5, 10, 10])


def loudness(n_frames, *silences):
    levels = torch.zeros(n_frames)
    for start, end in silences:
        levels[start:end] = -QUIET_DB - 10
    return levels


def edges(*silences, symbols=SYMBOLS, durations=DURATIONS, words=WORDS):
    levels = loudness(int(durations.sum()), *silences)
    return heard_edges(durations, symbols, words, levels).tolist()


def test_a_space_without_silence_belongs_to_the_next_word():
    found = edges(symbols=("a", "b", " ", " ", "c", "d"))
    assert found == [0, 10, 20, 20, 20, 40, 50]


def test_a_word_lingers_before_punctuation_without_silence():
    assert edges() == [0, 10, 30, 30, 30, 40, 50]


def test_a_pause_lasts_as_long_as_its_silence():
    assert edges((18, 33)) == [0, 10, 18, 25, 33, 40, 50]
    assert edges((22, 34)) == [0, 10, 22, 25, 34, 40, 50]


def test_a_short_silence_is_the_closure_of_a_plosive():
    assert edges((21, 21 + SHORTEST_PAUSE - 1)) == edges()
    assert edges((21, 21 + SHORTEST_PAUSE)) == [0, 10, 21, 25, 29, 40, 50]


def test_a_silence_elsewhere_is_no_pause_between_these_words():
    assert edges((2, 18)) == edges()


def test_silence_around_the_words_belongs_to_no_word():
    assert edges((0, 4), (46, 50)) == [4, 10, 30, 30, 30, 40, 46]
    quoted = edges((0, 4), (46, 50), words=[(1, 1), (4, 4)])
    assert quoted == [0, 4, 30, 30, 30, 46, 50]


def test_a_word_in_silence_keeps_a_frame_for_each_symbol():
    assert edges((0, 50)) == edges()
    assert edges((0, 45)) == [18, 19, 20, 25, 45, 46, 50]
    assert edges((5, 50)) == [0, 4, 5, 25, 48, 49, 50]


def test_without_words_or_levels_the_edges_are_those_of_the_path():
    path = [0, 10, 20, 25, 30, 40, 50]
    assert edges((0, 4), words=[]) == path
    assert heard_edges(DURATIONS, SYMBOLS, WORDS, torch.zeros(0)).tolist() == path


def test_the_level_is_that_of_the_magnitudes():
    mel = torch.log(torch.tensor([[1.0, 0.1], [1.0, 0.3]]))
    assert frame_levels(mel).tolist() == pytest.approx([0.0, 20 * np.log10(0.2)], abs=1e-4)


@given(st.data())
def test_edges_never_fall_and_words_keep_their_symbols(data):
    draw = data.draw
    words, symbols = [], []
    for n_letters in draw(st.lists(st.integers(1, 4), min_size=1, max_size=5)):
        symbols += draw(st.sampled_from([[], [" "], [",", " "], [",", " ", '"']]))
        words.append((len(symbols), len(symbols) + n_letters - 1))
        symbols += ["a"] * n_letters
    symbols += draw(st.sampled_from([[], ["."], [".", " "]]))
    n = len(symbols)
    durations = np.array(draw(st.lists(st.integers(1, 12), min_size=n, max_size=n)))
    chance = torch.Generator().manual_seed(draw(st.integers(0, 10**6)))
    n_frames = int(durations.sum())
    noise = torch.rand(n_frames // 6 + 1, generator=chance).repeat_interleave(6)[:n_frames]
    found = heard_edges(durations, symbols, words, 100 * noise.round())
    lasting = np.diff(found)
    assert len(found) == n + 1
    assert found[0] >= 0
    assert found[-1] <= n_frames
    assert (lasting >= 0).all()
    for first, last in words:
        assert (lasting[first : last + 1] >= 1).all()
