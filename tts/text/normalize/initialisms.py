"""Spells initialisms such as FBI, U.S. and Ph.D.; NASA and other acronyms stay words."""

from __future__ import annotations

import re

from tts.text.normalize.rules import Rule, rewrite

# These are spelled, although they have a vowel and could be words.
_SPELLED = frozenset(
    "ABC AI AOL API ATM AC AFL AMA AP APA BA BAE BBC CEO CFO CIA CIO COO CPU CTO DA DEA DIY DOB DOJ"
    " EEG EKG ER ESL ESP ETA EU EPA FAA FAQ FBI FDA GE GI GOP GPA GPU GUI HIV IBM ICU ID IDE IMF IO"
    " IOU IP IPA IPO IQ IRA IRS ISO ISP IT IUD IV IVF LA MA MI MIT NBA NBC NCAA NFL NSA NYU OCR OK"
    " PA PBS PDA PO POW PR ROI SSD SUV TBA TA TV UAE UCLA UFO UI UK UN UPS URL US USA USB USC USSR"
    " UV UVA VIP YMCA".split()
)
_NOT_AFTER = r"(?<![\w.@/-])"
_VOWELS = frozenset("AEIOUY")

#: Characters on either side that show whether a text is all in capitals.
_NEAR = 500
_RULES: tuple[Rule, ...] = (
    # AT&T, Ph.D., U.S., J.F.K.'s
    (
        re.compile(r"\b([A-Z]{1,3})&([A-Z]{1,3})\b"),
        lambda m: f"{_letters(m[1])} and {_letters(m[2])}",
    ),
    (re.compile(r"\b(Ph)\. ?(D)\b\.?"), lambda m: f"p h d{_stop(m)}"),
    (
        re.compile(r"(?<![\w.])((?:[A-Za-z]\.){2,12})(?!\w)"),
        lambda m: _letters(m[1]) + _stop(m),
    ),
    (
        re.compile(rf"{_NOT_AFTER}([A-Z]{{2,6}})(s|'s)?(?![\w@]|\.\w)"),
        lambda m: _letters(m[1]) + _ending(m[2]) if _is_spelled(m) else m[0],
    ),
)  # fmt: skip


def read_initialisms(text: str) -> str:
    """Spell letters that are not a word: "the FBI" becomes "the f b i"."""
    return rewrite(_RULES, text)


def _is_spelled(match: re.Match[str]) -> bool:
    letters = match[1]
    if letters in _SPELLED:
        # In a text in capitals US and IT are words. For long texts the neighbourhood decides.
        near = match.string[max(0, match.start() - _NEAR) : match.end() + _NEAR]
        return len(letters) > 2 or not near.isupper()
    return not _VOWELS & set(letters)


def _ending(ending: str | None) -> str:
    """Return the ending: a plural s stands alone, a possessive one stays with the letters."""
    return " s" if ending == "s" else ending or ""


def _letters(letters: str) -> str:
    return " ".join(letters.replace(".", "").lower())


def _stop(match: re.Match[str]) -> str:
    """Return the full stop if the initialism ends the text."""
    return "." if match[0].endswith(".") and match.end() == len(match.string) else ""
