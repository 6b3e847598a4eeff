"""Writes out telephone, card and book numbers digit by digit, with a comma between the groups."""

from __future__ import annotations

import re

from tts.text.normalize import wording
from tts.text.normalize.rules import Rule, rewrite

_CALL = (
    r"(?:[Cc]all(?:ed|ing|s)?|[Dd]ial(?:l?ed|l?ing)?|[Rr]ing|[Rr]ang|[Tt]ext(?:ed)?|[Pp]hone[ds]?)"
)
# Numbers of emergencies and services, which are digits after "call" whatever follows.
_SERVICES = r"(?:[2-8]11|911|999|112|000|101|110|111|119|988)"
_RESCUE = (
    r"(?:call(?:s|ed|er|ers)?|operators?|dispatch(?:er|ers)?|emergency|emergencies|center|hotline)"
)
_SPOKEN = "(?:zero|one|two|three|four|five|six|seven|eight|nine)"
_BEFORE = r"(?<![\w.,$+/:-])"

_RULES: tuple[Rule, ...] = (
    # ISBN 978-3-16-148410-0, ISSN 0317-8471, IBAN GB29 NWBK 6016 ...
    (
        re.compile(
            r"\b(ISBN(?:-1[03])?|ISSN|EAN|UPC|SSN|IMEI)(:? ?#?)(\d[\dX -]{4,30}(?<=[\dX]))(?!\w)"
        ),
        lambda m: f"{_label(m[1])}{m[2].rstrip(' #') or ''} {_groups(m[3])}",
    ),
    (
        re.compile(rf"{_BEFORE}97[89]-\d{{1,5}}-\d{{1,7}}-\d{{1,6}}-[\dX](?![\w-])"),
        lambda m: _groups(m[0]),
    ),
    (
        re.compile(r"\b(IBAN:? ?)([A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?)\b"),
        lambda m: f"{m[1]}{_groups(m[2])}",
    ),
    # 4111 1111 1111 1111, 3782 822463 10005
    (
        re.compile(
            rf"{_BEFORE}\d{{4}}([ -])(?:\d{{4}}\1\d{{4}}\1\d{{4}}(?:\1\d{{3}})?"
            rf"|\d{{6}}\1\d{{5}})(?![\w-])"
        ),
        lambda m: _groups(m[0]),
    ),
    (
        re.compile(
            r"(?<![\w.,$+/:-])(?!\d{13}000)([3-6]\d{3})(\d{4})(\d{4})(\d{4})(?![\w]|[.,]\d)"
        ),
        lambda m: _groups(" ".join(m.groups())),
    ),
    # 1-800-FLOWERS
    (
        re.compile(r"(?<![\w.,$+/:-])1-(8\d\d|900)-(?=[A-Z]{3,10}\b)"),
        lambda m: f"one, {wording.pairs(m[1])}, ",
    ),
    # 06.12.34.56.78
    (re.compile(r"(?<![\w.,$+/:-])0\d(?:\.\d\d){4}(?!\.?\w)"), lambda m: _groups(m[0])),
    (re.compile(rf"{_BEFORE}1[38]00 \d{{3}} \d{{3}}(?! ?\d|[.,]\d)"), lambda m: _groups(m[0])),
    # +44 20 7946 0958, +1 (555) 123-4567, +15551234567
    (
        re.compile(r"(?<![\w+])\+(\d{1,3}(?:[ .-]?\(?\d{1,4}\)?){2,6})(?![\d-])"),
        lambda m: f"plus {_groups(m[1])}",
    ),
    # 1-800-555-0199, (555) 123-4567, 555.123.4567, 1 800 555 0199
    (
        re.compile(r"(?<![\d.,$(-])(?:1[-. ])?\(?\d{3}\)?[-. ]{1,2}\d{3}[-. ]\d{4}(?![\d-])"),
        lambda m: _groups(m[0]),
    ),
    (re.compile(r"\(\d{3}\) ?\d{3}[-. ]\d{4}(?![\d-])"), lambda m: _groups(m[0])),
    # 020 7946 0958, (0161) 496 0000, 07700 900123, 0800 123 456
    (
        re.compile(r"(?<![\w.,$+/:-])\(?0\d{1,4}\)?(?:[ -]\d{2,8}){1,4}(?![\w/:]|[-.,]\d)"),
        lambda m: _groups(m[0]) if _is_long(m[0]) else m[0],
    ),
    # 555-0147, 555 0147
    (re.compile(r"(?<![\d.,$-])\d{3}-\d{4}(?![\d-])"), lambda m: _groups(m[0])),
    (
        re.compile(
            r"(?<![\w.,$+/:-])(?<!\d )[2-9]\d\d \d{4}(?![\w/:]| \d|[-.,]\d| (?:people|men|women)\b)"
        ),
        lambda m: _groups(m[0]),
    ),
    # 123-45-6789
    (re.compile(rf"{_BEFORE}\d{{3}}-\d\d-\d{{4}}(?![\w-])"), lambda m: _groups(m[0])),
    # "call 911", and other numbers after "call" or "dial".
    (
        re.compile(
            rf"\b({_CALL}(?: the police on| us on| us at| me on"
            rf"| me at)?) ({_SERVICES})\b(?![\d,.]*\d)"
        ),
        lambda m: f"{m[1]} {wording.digits(m[2])}",
    ),
    (
        re.compile(r"\b([Cc]all(?:ed)?|[Dd]ial(?:led|ed)?) (\d{3})\b(?![\d,.]*\d| [a-z])"),
        lambda m: f"{m[1]} {wording.digits(m[2])}",
    ),
    (
        re.compile(
            r"\b([Tt]ext|[Dd]ial|[Cc]all)((?: [A-Z]{2,10} to)?) (\d{5,6}|\d{4}(?! [a-z]))\b"
            r"(?![\d,.]*\d)"
        ),
        lambda m: f"{m[1]}{m[2]} {wording.digits(m[3])}",
    ),
    (
        re.compile(rf"\b({_SPOKEN}) (or|and) ({_SERVICES})\b(?![\d,.]*\d| [a-z]{{2,20}}s\b)"),
        lambda m: f"{m[1]} {m[2]} {wording.digits(m[3])}",
    ),
    (
        re.compile(
            r"\b([Tt]o|[Tt]he|[Aa]|[Ww]ith|[Vv]ia|[Bb]y) 911\b(?![\d,.]*\d|[-%]| [a-z]{2,20}s\b)"
        ),
        r"\1 nine one one",
    ),
    (re.compile(r"^ ?911(?=[.!?]? ?$)"), "nine one one"),
    (re.compile(r"\b(Porsche|Carrera) 911\b"), r"\1 nine eleven"),
    (re.compile(r"(?<=\b[Ee]nding in )(\d{4})\b(?!,\d)"), lambda m: wording.digits(m[1])),
    (re.compile(rf"\b({_SERVICES})(?= {_RESCUE}\b)"), lambda m: wording.digits(m[1])),
    (
        re.compile(rf"\b({_SPOKEN}),? ?(?:ext|extn|x)\.? ?(\d{{2,5}})\b"),
        lambda m: f"{m[1]}, extension {wording.digits(m[2])}",
    ),
    (re.compile(r"\b[Ee]xt\.? ?(?=\d)"), "extension "),
)


def read_telephones(text: str) -> str:
    """Write "555-0199" as "five five five, zero one nine nine"."""
    return rewrite(_RULES, text)


def _groups(number: str) -> str:
    """Write groups of digits and capital letters, one sign after the other."""
    return ", ".join(
        " ".join(wording.digits(sign) if sign.isdigit() else sign for sign in group)
        for group in re.findall(r"[\dA-Z]+", number)
    )


def _is_long(number: str) -> bool:
    return 8 <= sum(map(str.isdigit, number)) <= 13


def _label(name: str) -> str:
    """Write "ISBN-13" as "ISBN thirteen"."""
    word, _, length = name.partition("-")
    return f"{word} {wording.whole(length)}" if length else word
