"""Marks in square brackets are found wherever they stand, and other text stays as it is."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tts.core.errors import InputError
from tts.text.bracket_marks import Stretch, first_mark, split_at_marks, without_marks

MARK = re.compile(r"\[\s*(pause|speaker)[\s:\]]", re.IGNORECASE)


@pytest.mark.parametrize(
    ("text", "stretches"),
    [
        ("one[pause 0.5]two", [("one",), ("two", 0.5)]),
        ("[pause 2] one", [("",), (" one", 2.0)]),
        ("one [pause 2]", [("one ",), ("", 2.0)]),
        ("[pause 1][PAUSE .5s]", [("",), ("", 1.0), ("", 0.5)]),
        ("[pause: 1.] x [ pause\n60 s ] y", [("",), (" x ", 1.0), (" y", 60.0)]),
        ("one [pause 1], two [pause 1].", [("one,",), (" two.", 1.0), ("", 1.0)]),
        ("[speaker bob] hi", [("",), (" hi", None, "bob")]),
        ("a [speaker: Ann  Lee] yes", [("a ",), (" yes", None, "Ann Lee")]),
        ("a\n\n[pause 1]\nb", [("a\n\n",), ("\nb", 1.0, None, True)]),
        ("a\n[speaker b]\n \nc", [("a\n",), ("\n \nc", None, "b", True)]),
    ],
)  # fmt: skip
def test_texts_are_split_at_marks(text, stretches):
    assert split_at_marks(text) == [Stretch(*each) for each in stretches]


@pytest.mark.parametrize(
    "text",
    ["", "[sic] and [1]", "[pauses 1]", "[pausing]", "pause 1", "[pause 1", "a [a pause 1]",
     "{HH [pause 1] AH0}", "[[", "[pause[", "[speakers]"],
)  # fmt: skip
def test_other_text_in_brackets_is_text(text):
    assert split_at_marks(text) == [Stretch(text)]
    assert without_marks(text) == text
    assert first_mark(text) is None


@pytest.mark.parametrize(
    "mark",
    ["[pause]", "[pause abc]", "[pause -1]", "[pause 99999]", "[pause 60.01]", "[pause 1 2]",
     "[pause nan]", "[pause 1e1]", "[pause ٣]", "[pause 1\n\n2]", "[pause 500ms]"],
)  # fmt: skip
def test_a_wrong_pause_is_one_line(mark):
    with pytest.raises(InputError) as caught:
        split_at_marks(f"one {mark} two")
    shown = " ".join(mark.split())
    assert str(caught.value) == f"{shown}: write seconds from 0 to 60, such as [pause 0.5]"


def test_a_wrong_mark_is_shown_in_short():
    with pytest.raises(InputError, match=r"^\[speaker\]: name the speaker, such as"):
        split_at_marks("[speaker]")
    with pytest.raises(InputError) as caught:
        split_at_marks(f"[pause {'9' * 5000}]")
    assert len(str(caught.value)) < 120


@given(st.text())
def test_a_text_without_marks_is_one_stretch(text):
    if not MARK.search(text):
        assert split_at_marks(text) == [Stretch(text)]


@given(st.lists(st.sampled_from(["[pause 1]", "[speaker x]", "a", " ", ",", "\n", "{", "}", "é"])))
def test_marks_go_and_every_other_character_stays(pieces):
    text = "".join(pieces)
    blank = without_marks(text)
    assert len(blank) == len(text)
    assert not MARK.search(blank) or "{" in text
    assert "".join(blank.split()) == "".join(
        "".join(stretch.text for stretch in split_at_marks(text)).split()
    )


@pytest.mark.parametrize("text", ["[" * 20_000, "[pause" + " " * 20_000, "{[pause 1" * 5000])
def test_no_text_takes_long(text):
    assert split_at_marks(text) == [Stretch(text)]
