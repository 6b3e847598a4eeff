"""Replaces the characters of a Korean text by those for which the other rules are written.

Decomposed Hangul (NFD) and half-width Hangul become syllables and ordinary letters, full-width and
other compatibility forms become plain ones, digits of any script become 0-9, and white space
becomes single spaces. Letters of Hangul that stand alone (ㅋㅋ) stay: Unicode's compatibility form
would make the beginnings of syllables of them.
"""

from __future__ import annotations

import re
import unicodedata

from tts.text.korean.hangul_letters import LETTERS, to_letters

_REPLACED = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛ʼ`´", "'"),
        **dict.fromkeys("“”„‟«»「」『』《》〈〉【】〔〕〖〗｢｣", '"'),
        **dict.fromkeys("‐‑‒−﹣－", "-"),
        **dict.fromkeys("—―⸺─━", " - "),
        **dict.fromkeys("～〜∼˜", "~"),
        **dict.fromkeys("ㆍ・‧∙•･⋅", "·"),
        "、": ", ",
        **dict.fromkeys("。．", "."),
        **dict.fromkeys("⁄∕", "/"),
        "∶": ":",
        "…": "...",
        "⋯": "...",
        "‥": "..",
        "™": " ",
        "®": " ",
        "※": " ",
        "№": " 넘버 ",
        "㈜": " 주식회사 ",
        "º": "°",
        "′": "'",
        "″": '"',
        "￦": "₩",
        "–": "-",
    }
)
# Compatibility forms of these have other rules: raised digits are powers.
_KEPT = frozenset("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ·…") | LETTERS
_THIN_SPACES = re.compile(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))")
_MIXED_FRACTION = re.compile(r"(?<=\d) ?(?=[¼-¾⅐-⅞])")
# A company in brackets: (주)한국
_COMPANY = re.compile(r"\(주\) ?(?=[\w가-힣])|(?<=[\w가-힣]) ?\(주\)")
# Control characters and joiners (but not white space), and lone surrogates
_SILENT = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u115f\u1160\u200b-\u200f\u202a-\u202e"
    "\u2060-\u2064\u3164\ufe00-\ufe0f\ufeff\uffa0\ud800-\udfff]"
)


def fold_korean(text: str) -> str:
    """Replace the characters of a text by those of the other rules, with single spaces."""
    if not text.isascii():
        text = to_letters(unicodedata.normalize("NFC", _SILENT.sub("", text)))
        text = _MIXED_FRACTION.sub("과 ", _THIN_SPACES.sub("", text)).translate(_REPLACED)
        text = "".join([char if _is_plain(char) else _folded(char) for char in text])
        text = _COMPANY.sub(" 주식회사 ", text).replace("⁄", "/")
    return re.sub(r"\s+", " ", _SILENT.sub("", text))


def _is_plain(char: str) -> bool:
    return char < "\x80" or "가" <= char <= "힣" or char in _KEPT


def _folded(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Nd":
        return str(unicodedata.digit(char))
    plain = unicodedata.normalize("NFKC", char)
    value = unicodedata.numeric(char, 0.5)
    if value.is_integer() and (category == "Nl" or (category == "No" and plain == char)):
        return f" {int(value)} "
    if category == "No" and plain.isdigit() and char not in "₀₁₂₃₄₅₆₇₈₉":
        return f" {plain} "
    if category in ("Ll", "Lu"):
        # letters with accents are read as those without
        letters = unicodedata.normalize("NFD", plain)
        bare = "".join([letter for letter in letters if not unicodedata.combining(letter)])
        return bare if bare.isascii() else plain
    return plain
