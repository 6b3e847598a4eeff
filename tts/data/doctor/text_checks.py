"""Checks the texts of a corpus against the symbols of the tokenizer."""

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
    """Yield the faults of one text."""
    utterance, reading = case.utterance, case.reading
    if reading is None:
        return
    if reading.script is not None:
        what = f"{shortened(utterance.text, 40)!r} is written in {reading.script.lower()} letters"
        yield utterance_finding("script", "error", utterance, what)
    elif reading.fault:
        yield utterance_finding("unpronounceable", "error", utterance, reading.fault)
    elif reading.unknown:
        phones = [shown for shown, _ in reading.unknown if len(shown) > 1]
        severity = "error" if phones or tokenizer.on_unknown == "raise" else "warning"
        if severity == "warning" and tokenizer.on_unknown == "ignore":
            severity = "note"
        what = listed([f"{shown!r} x{count}" for shown, count in reading.unknown], 5)
        total = sum(count for _, count in reading.unknown)
        yield utterance_finding("symbols", severity, utterance, what, total)


def check_accents(
    cases: Sequence[ExaminedUtterance], tokenizer: Tokenizer, options: DoctorOptions
) -> Iterator[Finding]:
    """Yield a finding if many texts have accented letters: they may not be English."""
    if tokenizer.language is not None or tokenizer.cleaner == TRANSLITERATING:
        return
    letters: Counter[str] = Counter()
    accented = []
    for case in cases:
        without_symbol = _accented_letters(case.utterance.text) - set("".join(tokenizer.symbols))
        letters.update(without_symbol)
        accented += [case.utterance] if without_symbol else []
    if len(accented) > options.accented * len(cases):
        shown = listed([letter for letter, _ in letters.most_common()], 8)
        what = (
            f"{len(accented)} of {len(cases)} texts have letters that are read as others "
            f"({shown}), first {shortened(accented[0].text, 40)!r}"
        )
        yield utterance_finding("accents", "warning", accented[0], what)


def _accented_letters(text: str) -> set[str]:
    if text.isascii():
        return set()
    letters = {char for char in unicodedata.normalize("NFC", text) if ord(char) > 127}
    return {
        char.lower()
        for char in letters
        if char.isalpha() and unicodedata.name(char, "").startswith("LATIN")
    }
