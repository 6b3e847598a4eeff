"""Reads addresses of pages and of mail in Korean: @ is 골뱅이, and a full stop 점."""

from __future__ import annotations

import re

from tts.text.korean.latin import say_word
from tts.text.korean.numerals import digit_names
from tts.text.korean.rules import rewrite_korean
from tts.text.normalize.rules import Rule

_SIGNS = {
    ".": "점", "@": "골뱅이", "/": "슬래시", "-": "하이픈", "_": "언더바", ":": "콜론",
    "?": "물음표", "=": "는", "&": "앤드", "#": "샵", "~": "물결", "%": "퍼센트", "+": "플러스",
}  # fmt: skip
_PIECES = re.compile(r"[A-Za-z]+|\d+|[^A-Za-z\d]")
_ENDINGS = "com|net|org|kr|jp|cn|io|ai|edu|gov|me|tv|us|uk|app|dev|info|biz"
_DOMAIN = rf"(?:[A-Za-z\d-]{{1,63}}\.){{1,5}}(?:{_ENDINGS})"
_PATH = r"(?:/[\w./?=&%#~+-]{0,200})?"


def read_web_addresses(text: str) -> str:
    """Write addresses of mail and pages in words."""
    return rewrite_korean(_RULES, text)


def _said(match: re.Match[str]) -> str:
    address = re.sub(r"^https?://", "", match[0]).rstrip("/")
    return " ".join(_piece(piece) for piece in _PIECES.findall(address))


def _piece(piece: str) -> str:
    if piece.isdigit():
        return digit_names(piece)
    return say_word(piece) if piece.isalpha() else _SIGNS.get(piece, piece)


_RULES: tuple[Rule, ...] = (
    (re.compile(rf"(?<![\w.])[A-Za-z\d._+-]{{1,64}}@{_DOMAIN}(?![A-Za-z\d])", re.ASCII), _said),
    (
        re.compile(
            rf"(?<![A-Za-z\d.@])(?:https?://)?{_DOMAIN}(?![A-Za-z\d]){_PATH}(?<![.,])", re.ASCII
        ),
        _said,
    ),
)
