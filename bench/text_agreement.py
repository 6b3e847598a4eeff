"""Measures text normalisers on LJ Speech: column 2 of metadata.csv against column 3.

    python -m bench.text_agreement LJSpeech-1.1/metadata.csv [--library damga|nemo] [--show N]

Column 2 holds a sentence as it is written, column 3 as people read it. Two texts agree when their
words agree. Case and punctuation do not count, nor does the "and" in "one hundred and one". The
abbreviations that the corpus keeps in column 3 count as the words that its description gives for
them ("Mr." is "mister"; a run of single letters is one word). The rate covers only rows whose
columns differ; the other rows in which a normaliser changed a word are counted separately.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench.lines import read_lines
from tts.core.errors import InputError
from tts.text.cleaners import CLEANERS, transliterate

Normaliser = Callable[[str], str]

# The corpus's own list of abbreviations that column 3 keeps and that people read in full.
_SPOKEN = {
    "mr": "mister", "mrs": "missus", "misess": "missus", "dr": "doctor", "no": "number",
    "st": "saint", "co": "company", "jr": "junior", "maj": "major", "gen": "general",
    "drs": "doctors", "rev": "reverend", "lt": "lieutenant", "hon": "honorable",
    "sgt": "sergeant", "capt": "captain", "esq": "esquire", "ltd": "limited", "col": "colonel",
    "ft": "fort", "messrs": "messieurs", "etc": "et cetera",
}  # fmt: skip
#: Name of a class of differences, and a pattern of the written text there; the first match counts.
CLASSES = (
    ("money", r"[$£€¥]"),
    ("times", r"\d:\d"),
    ("identifiers", r"[A-Z]+\d|\d-[A-Z]\b|\b(?:Box|No\.|box|Exhibit) ?\d"),
    ("ordinals", r"\d(?:st|nd|rd|th)\b"),
    ("Roman numerals", r"\b[IVX]+\b"),
    ("decimals", r"\d\.\d|(?<!\d)\.\d"),
    ("years and four digits", r"\b\d{4}\b"),
    ("other numbers", r"\d"),
    ("abbreviations", r"[A-Za-z]\."),
    ("signs", r"[&@#%]"),
)


class MetadataRow(NamedTuple):
    """Holds one row of the metadata."""

    name: str
    written: str
    spoken: str


class Score(NamedTuple):
    """Counts the agreement on the rows that people changed, and the changes in other rows."""

    right: int
    wrong: list[tuple[MetadataRow, str]]
    unchanged: int
    disturbed: int

    @property
    def rate(self) -> float:
        """Return the share of the changed rows on which the normaliser agrees with people."""
        return self.right / max(1, self.right + len(self.wrong))


def read_rows(path: Path) -> list[MetadataRow]:
    """Read LJ Speech's metadata.csv.

    Raises:
        InputError: the file cannot be read, or a line does not have three columns.
    """
    rows = [line.split("|") for line in read_lines(path) if line.strip()]
    for number, row in enumerate(rows, start=1):
        if len(row) != 3:
            raise InputError(f"{path}:{number}: {len(row)} columns, not 3 with | between them")
    return [MetadataRow(*row) for row in rows]


def words(text: str) -> list[str]:
    """Return the words of a text that are compared."""
    text = transliterate(text).lower()
    # "p.m.", "p m" and "pm" are the same letters.
    text = re.sub(r"(?<![a-z])[a-z](?:[. ]{1,2}[a-z](?![a-z]))+", _joined, text).replace("'", "")
    read = " ".join(_SPOKEN.get(word, word) for word in re.findall(r"[a-z]+|\d+", text)).split()
    return [
        word
        for before, word in zip(["", *read], read, strict=False)
        if word != "and" or before not in {"hundred", "thousand", "million"}
    ]


def score(normaliser: Normaliser, rows: Iterable[MetadataRow]) -> Score:
    """Compare a normaliser with people on all rows."""
    wrong: list[tuple[MetadataRow, str]] = []
    right = unchanged = disturbed = 0
    for row in rows:
        normalised = normaliser(row.written)
        agrees = words(normalised) == words(row.spoken)
        if words(row.written) == words(row.spoken):
            unchanged += 1
            disturbed += not agrees
        elif agrees:
            right += 1
        else:
            wrong.append((row, normalised))
    return Score(right, wrong, unchanged, disturbed)


def classify(row: MetadataRow, normalised: str) -> str:
    """Return the class of the written text at the first place where the two readings differ."""
    spoken = words(row.spoken)
    _, _, _, first, _ = _differences(words(normalised), spoken)[0]
    tokens = row.written.split()
    pieces = [(word, i) for i, token in enumerate(tokens) for word in words(token)]
    for _, begin, end, at, to in _differences([word for word, _ in pieces], spoken):
        if at <= first <= to:
            inside = [i for _, i in pieces[max(0, begin - 1) : end + 1]]
            place = " ".join(tokens[min(inside) : max(inside) + 1])
            return next((name for name, sign in CLASSES if re.search(sign, place)), "words")
    return "words"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures of each normaliser, and the differences that remain."""
    parser = argparse.ArgumentParser(prog="python -m bench.text_agreement", description=__doc__)
    parser.add_argument("metadata", type=Path)
    parser.add_argument("--library", choices=sorted(LIBRARIES), action="append", default=[])
    parser.add_argument("--show", type=int, default=3, help="differences to show for each class")
    options = parser.parse_args(arguments)
    try:
        rows = read_rows(options.metadata)
        normalisers: dict[str, Normaliser] = {
            "english": CLEANERS["english"],
            "english_cleaners": CLEANERS["english_cleaners"],
            **{name: LIBRARIES[name]() for name in options.library},
        }
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    for name, normaliser in normalisers.items():
        _print_score(name, score(normaliser, rows))
    _print_differences(score(normalisers["english"], rows), options.show)
    return 0


def _differences(ours: list[str], theirs: list[str]) -> list[tuple[str, int, int, int, int]]:
    matcher = difflib.SequenceMatcher(None, ours, theirs, autojunk=False)
    return [code for code in matcher.get_opcodes() if code[0] != "equal"]


def _joined(match: re.Match[str]) -> str:
    return re.sub(r"[. ]", "", match[0])


def _print_score(name: str, score: Score) -> None:
    total = score.right + len(score.wrong)
    sys.stdout.write(
        f"{name:17} {score.right:5} of {total} rows that people changed: {score.rate:7.2%}; "
        f"{score.disturbed} of {score.unchanged} other rows changed\n"
    )


def _print_differences(score: Score, shown: int) -> None:
    """Print the differences by class, the largest class first."""
    classes: dict[str, list[str]] = defaultdict(list)
    for row, normalised in score.wrong:
        ours, theirs = words(normalised), words(row.spoken)
        _, begin, end, at, to = _differences(ours, theirs)[0]
        before = " ".join(theirs[max(0, at - 3) : at])
        there, here = " ".join(theirs[at:to]), " ".join(ours[begin:end])
        classes[classify(row, normalised)].append(f"{row.name} {before} [{here}] people: [{there}]")
    for name, lines in sorted(classes.items(), key=lambda item: -len(item[1])):
        sys.stdout.write(f"\n{name}: {len(lines)}\n")
        sys.stdout.writelines(f"  {line}\n" for line in lines[:shown])


def _library(module: str, install: str, make: Callable[[Any], Normaliser]) -> Normaliser:
    try:
        return make(importlib.import_module(module))
    except ImportError:
        raise InputError(f"{module} is not installed; run: pip install {install}") from None


#: Libraries to compare with; none of them is a dependency.
LIBRARIES: dict[str, Callable[[], Normaliser]] = {
    "nemo": lambda: _library(
        "nemo_text_processing.text_normalization.normalize",
        "nemo_text_processing",
        lambda module: module.Normalizer(input_case="cased", lang="en").normalize,
    ),
    "damga": lambda: _library(
        "damga", "damga", lambda module: module.Normalizer("tn", "en").normalize
    ),
}

if __name__ == "__main__":
    sys.exit(main())
