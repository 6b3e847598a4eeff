"""Measures how well text normalisers agree with people."""

import pytest

from bench.text_agreement import MetadataRow, classify, main, read_rows, score, words
from tts.core.errors import InputError
from tts.text import CLEANERS

ROWS = [
    MetadataRow("a", "It cost £5 in 1984.", "It cost five pounds in nineteen eighty-four."),
    MetadataRow("b", "Plain words.", "Plain words."),
    MetadataRow("c", "They sold 4,500.", "They sold forty-five hundred."),
    MetadataRow("d", "Mr. Hall, at 5 p.m.", "Mr. Hall, at five p.m."),
]


@pytest.fixture
def metadata(tmp_path):
    path = tmp_path / "metadata.csv"
    path.write_text("".join("|".join(row) + "\n" for row in ROWS), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("At 5 P.M., Mr. Hall", "at 5 p m mister hall"),
        ("one hundred and five", "One hundred five"),
        ("ten:thirty", "ten thirty"),
        ("the FBI's", "the f b i's"),
    ],
)
def test_readings_that_agree(one, other):
    assert words(one) == words(other)


@pytest.mark.parametrize(("one", "other"), [("five", "six"), ("you and me", "you me"), ("a", "")])
def test_readings_that_do_not_agree(one, other):
    assert words(one) != words(other)


def test_score_counts_rows_that_people_changed():
    result = score(CLEANERS["english"], ROWS)
    assert (result.right, len(result.wrong), result.unchanged, result.disturbed) == (2, 1, 1, 0)
    assert result.rate == pytest.approx(2 / 3)


def test_a_normaliser_that_returns_nothing_scores_nothing():
    result = score(lambda _: "", ROWS)
    assert (result.right, result.disturbed) == (0, 1)


def test_ours_beats_the_reference_cleaners():
    rates = [score(CLEANERS[name], ROWS).rate for name in ("english", "english_cleaners")]
    assert rates[0] > rates[1]


@pytest.mark.parametrize(
    ("written", "made", "name"),
    [
        ("It cost £5.", "it cost psfive.", "money"),
        ("They sold 4,500.", "they sold four thousand five hundred.", "other numbers"),
        ("in 1984 they", "in one thousand they", "years and four digits"),
    ],
)
def test_difference_has_a_class(written, made, name):
    spoken = {"money": "It cost five pounds.", "other numbers": "They sold forty-five hundred."}
    row = MetadataRow("x", written, spoken.get(name, "in nineteen eighty-four they"))
    assert classify(row, made) == name


def test_command_prints_figures_and_differences(metadata, capsys):
    assert main([str(metadata)]) == 0
    printed = capsys.readouterr().out
    assert "2 of 3 rows that people changed:  66.67%; 0 of 1 other rows" in printed
    assert "people: [forty]" in printed


def test_line_with_two_columns_is_named(tmp_path):
    path = tmp_path / "metadata.csv"
    path.write_text("a|b|c\na|b\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"metadata.csv:2: 2 columns, not 3"):
        read_rows(path)


def test_missing_file_is_one_line(tmp_path, capsys):
    assert main([str(tmp_path / "none.csv")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
