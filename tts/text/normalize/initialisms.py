"""Spells initialisms such as FBI, U.S. and Ph.D.; NASA and other acronyms stay words.

Letters in capitals are a word if the pronouncing dictionary has them as one, or if they are long
and can be pronounced. Otherwise they are spelled. The lists name the exceptions.
"""

from __future__ import annotations

import functools
import re

from tts.text.lexicon import Phones
from tts.text.normalize.rules import Rule, any_of, rewrite
from tts.text.normalize.wording import spell

# These are spelled, although the dictionary has them as words or they could be pronounced.
_SPELLED = frozenset(
    "ACC ACLU ASP ATA AVI BAE BIS CAS COO DAR DAS DEA DOB DOE DOI EDA EDI EEOC ERA ESS EST FYI GAO"
    " GEO IDE ION ISA ITO LED LIU NGO NIC ODA OSS PIO POW PSI RIA RIP ROI SAP SAT SEC SOS TIA UPS"
    " UCLA URI USAF VAT YMCA YWCA".split()
)
# Two letters are a word only if they are one of these.
_TWO_LETTERS = frozenset(
    "AH AM AN AS AT AX BE BY DO ED EH EX GO HA HE HI HM HO IF IN IS IT JO LO MA ME MR"
    " MS MY NO OF OH ON"
    " OR OW OX PA SH SO ST TO UH UM UP US WE YE YO DR MT MC DE LA LE EL AL VS".split()
)
# These are spelled unless the text around them is in capitals, too.
_TWO_SPELLED = frozenset("AL AM ED IT LA MA MC PA US".split())
_VOWELS = frozenset("AEIOUY")
# These can be pronounced, although the dictionary lacks them or spells them.
_WORDS = frozenset(
    "ASEAN BLVD BRR CMOS DR FAFSA GIF HIPAA HMM IBAN JPEG JSON LTD MR MRS MS MT NOAA PSST SHH ST"
    " TSK UEFA UNRWA VOIP VS YAML".split()
)
#: A syllable: consonants that can begin a word, one or two vowels, consonants that can end one.
_ONSET = (
    "(?:[bcfgkps]l|[bcdfgkpt]r|s[cklmnpqtw]|s[cpt]r|spl|qu|[cpst]h|[dst]w|[bcdfghjklmnprstvwxyz])"
)
_CODA = (
    "(?:[lr][bdfgkmnpstv]|m[bps]|n[cdgkst]|[cfps]t|[cs]k|s[hpst]|[cnt]h|tch|ll|ff|ks|ps|ts|ds|x"
    "|[bcdfgklmnprstvwz])"
)
_PRONOUNCEABLE = re.compile(
    rf"{_ONSET}?(?:(?![aiu]{{2}})[aeiouy]{{1,2}}{_CODA}?(?:{_ONSET}(?=[aeiouy]))?)+", re.IGNORECASE
)
_MIXED = any_of("BSc MSc pH GmbH PhD MoD DoD".split())
_NOT_AFTER = r"(?<![\w.@])(?<!\w['&])"
#: Characters on either side that show whether a text is all in capitals.
_NEAR = 60
_CAPITALS = re.compile(r"[A-Z]{2,15}")

_RULES: tuple[Rule, ...] = (
    # AT&T, Ph.D., U.S., J.F.K.'s, V.P.s, U.S.A
    (
        re.compile(r"\b([A-Z]{1,3})&([A-Z]{1,3})(s|'s)?\b"),
        lambda m: f"{spell(m[1])} and {spell(m[2])}{_ending(m[3])}",
    ),
    (
        re.compile(r"\bPh\. ?D\b(?:\.?('?s)\b|\.)?"),
        lambda m: f"p h d{_ending(m[1])}{_stop(m)}",
    ),
    (
        re.compile(r"(?<![\w.])((?:[A-Za-z]\.){2,12})('?s\b)?(?!\w)"),
        lambda m: f"{spell(m[1])}{_ending(m[2])}{_stop(m)}",
    ),
    (
        re.compile(r"(?<![\w.])((?:[A-Z]\.){1,6}[A-Z])('?s\b)?(?![\w.&'])"),
        lambda m: f"{spell(m[1])}{_ending(m[2])}",
    ),
    (re.compile(r"(?<![\w.])([A-Z])\.(?=[A-Z][a-z])"), r"\1. "),
    # mRNA, BSc, macOS
    (
        re.compile(rf"{_NOT_AFTER}({_MIXED}|[a-z][A-Z]{{2,5}})('?s)?(?!\w)"),
        lambda m: f"{spell(m[1])}{_ending(m[2])}",
    ),
    (re.compile(r"(?<=[a-z]{2})OS\b"), " o s"),
    (
        re.compile(rf"{_NOT_AFTER}([A-Z]{{2,9}})('s|s'|s)?(?![\w@]|\.\w)"),
        lambda m: f"{spell(m[1])}{_ending(m[2])}" if _is_spelled(m) else m[0],
    ),
)  # fmt: skip


def read_initialisms(text: str) -> str:
    """Spell letters that are not a word: "the FBI" becomes "the f b i"."""
    return rewrite(_RULES, text)


def read_capitals(letters: str) -> str:
    """Spell letters in capitals unless they are a word, as in "COVID-19"."""
    return letters if is_acronym(letters) else spell(letters)


@functools.lru_cache(maxsize=10_000)
def is_acronym(letters: str) -> bool:
    """Return whether letters in capitals are read as a word, wherever they stand."""
    if letters in _WORDS:
        return True
    if letters in _SPELLED or not _VOWELS & set(letters):
        return False
    if len(letters) == 2:
        return letters in _TWO_LETTERS and letters not in _TWO_SPELLED
    if pronunciations := _pronunciations(letters.lower()):
        return not any(_is_spelling(letters.lower(), phones) for phones in pronunciations)
    return len(letters) > 3 and _PRONOUNCEABLE.fullmatch(letters) is not None


def _pronunciations(word: str) -> tuple[Phones, ...]:
    # Reading the dictionary takes a third of a second, which a text without capitals does not need.
    from tts.text.dictionary import dictionary

    return dictionary().get(word, ())


def _is_spelled(match: re.Match[str]) -> bool:
    letters = match[1]
    if is_acronym(letters):
        # "The WHO" is an organisation.
        before = match.string[max(0, match.start() - 4) : match.start()]
        return letters == "WHO" and before.lower() == "the "
    may_be_word = letters in _TWO_SPELLED or (
        letters in _SPELLED and bool(_pronunciations(letters.lower()))
    )
    return not (may_be_word and _is_shouted(match))


def _is_shouted(match: re.Match[str]) -> bool:
    """Return whether the words around are in capitals, too: in WHAT IS IT, "it" is a word."""
    before = match.string[max(0, match.start() - _NEAR) : match.start()]
    after = match.string[match.end() : match.end() + _NEAR]
    if match[1] == "AM" and (before.endswith("I ") or re.match(r" I\b", after)):
        return True
    if before.upper().endswith("THE "):
        return False
    if any(char.islower() for char in before + after):
        # In a text with small letters, the word before and the word after decide.
        before, after = " ".join(before.split()[-1:]), " ".join(after.split()[:1])
        if any(char.islower() for char in before + after):
            return False
    return any(map(_is_plain_word, _CAPITALS.findall(before) + _CAPITALS.findall(after)))


def _is_plain_word(letters: str) -> bool:
    is_word = is_acronym(letters) and letters not in _WORDS
    return is_word and (len(letters) == 2 or bool(_pronunciations(letters.lower())))


def _is_spelling(letters: str, phones: Phones) -> bool:
    """Return whether phones are the names of the letters."""
    if not letters:
        return not phones
    for name in _pronunciations(letters[0]):
        if letters[0] == "a" and name == ("AH0",):
            continue
        if _plain(phones[: len(name)]) == _plain(name) and _is_spelling(
            letters[1:], phones[len(name) :]
        ):
            return True
    return False


def _plain(phones: Phones) -> list[str]:
    return [phone.rstrip("012") for phone in phones]


def _ending(ending: str | None) -> str:
    """Return the ending of the last letter: "TVs" is read like "TV's"."""
    return "'s" if ending else ""


def _stop(match: re.Match[str]) -> str:
    """Return the full stop if the initialism ends the text."""
    return "." if match[0].endswith(".") and match.end() == len(match.string) else ""
