"""Makes ``tts/data/sentences.txt`` from the transcripts of LJ Speech (public domain).

    python tests/golden/make_sentences.py LJSpeech-1.1/metadata.csv tts/data/sentences.txt

Clips of the validation and test splits, and those that voices are judged by, are left out, so that
a network trained on the synthetic corpus has never read those sentences. The result has sentences
and clauses of 4 to 10 words. Long sentences are cut at ``;`` and ``:``, then at commas, and
neighbouring parts are joined again up to ten words. A part must not end with a word that needs
another one ("of", "the"), and must not begin with one that refers to the words before it ("which",
"than"). The last part of a clip is dropped if it has no punctuation mark at its end.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tts.data.corpora.splits import held_out_ids, ljspeech_ids

SHORTEST, LONGEST = 4, 10

HEADER = """\
# Sentences that the synthetic corpus reads, one a line; lines that begin with # are skipped.
# Source: the transcripts of the LJ Speech dataset 1.1 (https://keithito.com/LJ-Speech-Dataset),
# without its validation and test splits and what voices are judged by
# (tts/evaluation/heldout.txt), cut into clauses of 4 to 10 words.
# Licence: public domain, as the dataset and the seven books it reads (published 1884 to 1964).
# Made by tests/golden/make_sentences.py.
"""

WORD = re.compile(r"[A-Za-z]+(?:['-][A-Za-z]+)*")
# Titles that every text normaliser can expand
TITLE = r"(?:Mr|Mrs|Dr)\."
PLAIN = re.compile(rf"(?:{TITLE} )?{WORD.pattern}(?:,?(?: {TITLE})? {WORD.pattern})*")
SENTENCE_END = re.compile(r"(?<=[.?!])\s+(?=[A-Z])")
STRONG, WEAK = re.compile(r"(?<=[;:])\s+"), re.compile(r"(?<=,)\s+")
# A full stop that ends no sentence: a title or an initial
ABBREVIATION = re.compile(
    r"\b(?:Mr|Mrs|Dr|St|Messrs|Capt|Col|Gen|Lt|Maj|Rev|No|Jr|Sr|Hon|Co|vs|etc|[A-Z])\."
)
ACRONYM = re.compile(r"\b[A-Z]{2,}\b|\b[B-HJ-NP-Z]\b")

CANNOT_END = frozenset(
    """
    a about after against also although am among an and another any are as at be because been
    before being between both but by can could did do does during each either even every for
    from had has have her his if in into is its may might more most must my neither no nor not
    of on only or other our over shall should since so some such than that the their then
    these this those though through to under unless until upon very was were what when where
    which while who whom whose will with within without would your
    """.split()
)
CANNOT_BEGIN = frozenset(
    ["which", "who", "whom", "whose", "than", "nor", "that", "thus", "thereby"]
)
# Words with which the reader speaks quotation marks
SPOKEN_MARKS = frozenset(["quote", "unquote"])


def sentences_of(text: str) -> Iterator[str]:
    """Yield the sentences of a transcript; text in brackets is a sentence of its own."""
    text = re.sub(r"[\"\u201c\u201d]", "", text.replace("\u2019", "'"))
    text = re.sub(r"\s*(?:--|[()\[\]])\s*", "; ", text)
    for sentence in SENTENCE_END.split(ABBREVIATION.sub(lambda m: m.group()[:-1] + "\0", text)):
        yield re.sub(r"\s+", " ", sentence.replace("\0", ".")).strip()


def n_words(text: str) -> int:
    return len(text.split())


def joined(parts: Iterable[str]) -> Iterator[str]:
    """Yield neighbouring parts joined up to ten words."""
    current = ""
    for part in parts:
        if current and n_words(current) + n_words(part) > LONGEST:
            yield current
            current = part
        else:
            current = f"{current} {part}".strip()
    yield current


def clauses_of(sentence: str) -> Iterator[str]:
    """Yield the sentence if it is short enough, else its clauses."""
    if n_words(sentence) <= LONGEST:
        yield sentence
        return
    for part in STRONG.split(sentence):
        yield from [part] if n_words(part) <= LONGEST else joined(WEAK.split(part))


def as_sentence(clause: str) -> str | None:
    """Return the clause as a sentence of its own, or None if it cannot be one."""
    if not clause or clause[-1] not in ",.;:?!":
        return None
    body = clause.strip(" ,.;:?!-'")
    words = body.lower().replace(",", "").split()
    if not SHORTEST <= len(words) <= LONGEST or not PLAIN.fullmatch(body) or ACRONYM.search(body):
        return None
    if words[0] in CANNOT_BEGIN or words[-1] in CANNOT_END or SPOKEN_MARKS.intersection(words):
        return None
    return body[0].upper() + body[1:] + (clause[-1] if clause[-1] in "?!" else ".")


def collect(rows: Iterable[str], left_out: frozenset[str]) -> list[str]:
    """Return all usable sentences in their order, without repetitions."""
    sentences: dict[str, str] = {}
    for row in rows:
        name, _, text = row.rstrip("\n").split("|")
        if name in left_out:
            continue
        for sentence in sentences_of(text):
            for clause in clauses_of(sentence):
                if line := as_sentence(clause):
                    sentences.setdefault(line.lower().strip(".?!").replace(",", ""), line)
    return list(sentences.values())


def main(metadata: str, target: str) -> None:
    """Write the sentences."""
    left_out = ljspeech_ids("val") | ljspeech_ids("test") | held_out_ids("shipped")
    with Path(metadata).open(encoding="utf-8") as file:
        lines = collect(file, left_out)
    Path(target).write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(lines)} sentences\n")


if __name__ == "__main__":
    main(*sys.argv[1:3])
