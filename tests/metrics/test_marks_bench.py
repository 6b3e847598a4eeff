"""The table of the error of time marks counts what it says."""

import pytest

from bench.marks import _line
from bench.word_truth import EspeakTimes, TimedWord, matched
from tts.inference.marks import Mark


def test_words_that_are_not_recognised_have_no_time():
    heard = [
        TimedWord(" The", 0.1, 0.2),
        TimedWord(" ship's", 0.3, 0.5),
        TimedWord(" go.", 0.6, 0.9),
    ]
    found = matched(["the", "ships", "will", "go"], heard)
    assert [word.start for word in found] == [0.1, 0.3, None, 0.6]


def test_a_line_has_bias_median_and_95_percent_in_milliseconds():
    marks = [[Mark("a", 0.010, 0.5), Mark("b", 1.0, 1.2)], [Mark("c", 0.0, 0.1)], [Mark("d", 0, 1)]]
    truth = [
        [TimedWord("a", 0.0, 0.4), TimedWord("b", 0.97, None)],
        [TimedWord("c", 0.02, 0.1)],
        None,
    ]
    assert _line("ours", "truth", marks, truth) == (
        "| ours | truth | 3 | 10 | 20 | 29 | 50 | 50 | 95 |"
    )


def test_sentences_with_other_words_are_no_truth():
    with pytest.raises(ValueError, match="longer"):
        _line("ours", "truth", [[Mark("a", 0.0, 0.5)]], [[TimedWord("a", 0.0, 0.5)] * 2])


def test_espeak_says_when_each_word_begins():
    pytest.importorskip("espeakng_loader")
    wave, words = EspeakTimes().speak("hello, big world")
    assert [word.text for word in words] == ["hello", "big", "world"]
    starts = [word.start for word in words]
    assert starts == sorted(starts)
    assert 0 <= starts[0] < starts[-1] < len(wave) / 22050
