"""Checks of texts."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence

from tts.core.errors import listed, shortened
from tts.data.doctor.findings import Finding, utterance_finding
from tts.data.doctor.options import DoctorOptions
from tts.data.doctor.utterances import ExaminedUtterance
from tts.text import Tokenizer
from tts.text.scripts import TRANSLITERATING


def check_text(case: ExaminedUtterance, tokenizer: Tokenizer) -> Iterator[Finding]:
    """What is wrong with a text by itself."""
    utterance, reading = case.utterance, case.reading
    if reading is None:
        return
    if reading.script is not None:
        what = f"{shortened(utterance.text, 40)!r} is written in {reading.script.lower()} letters"
        yield utterance_finding("script", "error", utterance, what)
    elif reading.wrong:
        yield utterance_finding("unpronounceable", "error", utterance, reading.wrong)
    elif reading.unknown:
        phones = [shown for shown, _ in reading.unknown if len(shown) > 1]
        severity = "error" if phones or tokenizer.on_unknown == "raise" else "warning"
        if severity == "warning" and tokenizer.on_unknown == "ignore":
            severity = "note"
        what = listed([f"{shown!r} x{count}" for shown, count in reading.unknown], 5)
        yield utterance_finding(
            "symbols", severity, utterance, what, sum(n for _, n in reading.unknown)
        )


def check_accents(
    cases: Sequence[ExaminedUtterance], tokenizer: Tokenizer, options: DoctorOptions
) -> Iterator[Finding]:
    """Latin letters that the symbols do not have, in many texts: perhaps it is not English."""
    if tokenizer.language is not None or tokenizer.cleaner == TRANSLITERATING:
        return
    letters: Counter[str] = Counter()
    strange = []
    for case in cases:
        own = _accented(case.utterance.text) - set(tokenizer.symbols)
        letters.update(own)
        strange += [case.utterance] if own else []
    if len(strange) > options.accented * len(cases):
        shown = listed([letter for letter, _ in letters.most_common()], 8)
        what = (
            f"{len(strange)} of {len(cases)} texts have letters that are read as others ({shown}), "
            f"first {shortened(strange[0].text, 40)!r}"
        )
        yield utterance_finding("accents", "warning", strange[0], what)


def _accented(text: str) -> set[str]:
    if text.isascii():
        return set()
    letters = {char for char in unicodedata.normalize("NFC", text) if ord(char) > 127}
    return {
        char.lower()
        for char in letters
        if char.isalpha() and unicodedata.name(char, "").startswith("LATIN")
    }
