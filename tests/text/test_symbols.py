"""The order of the 148 symbols is a contract with published checkpoints."""

import pytest

from tts.text import SYMBOL_SETS

ENGLISH = SYMBOL_SETS["english_148"]


def test_there_are_148_distinct_symbols():
    assert len(ENGLISH) == len(set(ENGLISH)) == 148


def test_table_can_not_be_changed():
    with pytest.raises(TypeError):
        SYMBOL_SETS["english_148"] = ()  # type: ignore[index]


def test_symbol_has_its_place():
    expected = {
        0: "_",
        1: "-",
        2: "!",
        6: ",",
        7: ".",
        10: "?",
        11: " ",
        12: "A",
        37: "Z",
        38: "a",
        63: "z",
        64: "@AA",
        65: "@AA0",
        68: "@AE",
        88: "@B",
        89: "@CH",
        103: "@EY2",
        105: "@G",
        106: "@HH",
        146: "@Z",
        147: "@ZH",
    }
    assert {index: ENGLISH[index] for index in expected} == expected
