"""Writes out e-mail addresses and links as people say them."""

from __future__ import annotations

import re

from tts.text.normalize import wording
from tts.text.normalize.rules import Rule, any_of, rewrite

_SIGNS = {
    ".": "dot",
    "/": "slash",
    "-": "dash",
    "_": "underscore",
    "@": "at",
    ":": "colon",
    "?": "question mark",
    "=": "equals",
    "&": "and",
    "#": "hash",
    "%": "percent",
    "+": "plus",
    "~": "tilde",
}
# Top-level domains that are spoken as words; the others are spelled: "u k".
_SPOKEN_ENDINGS = {"com", "org", "net", "edu", "gov", "info", "biz", "dev", "app", "blog", "mil"}
_DOMAINS = any_of(
    [
        *_SPOKEN_ENDINGS,
        *"ac ai at au be br ca ch cn de es eu fr ie in io it jp me nl"
        " no nz pl pt ru se tv uk us za".split(),
    ]
)
_HOST = rf"(?:[a-zA-Z0-9-]{{1,63}}\.){{1,6}}{_DOMAINS}"
_PATH = r"(?:[/?#:][^\s<>\"'()\[\]{}]{0,500})?"

_RULES: tuple[Rule, ...] = (
    (
        re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}"),
        lambda match: _spell_link(match[0]),
    ),
    (
        re.compile(r"\b(?:https?|ftp)://[^\s<>\"'()\[\]{}]{1,500}", re.IGNORECASE),
        lambda match: _spell_link(match[0]),
    ),
    (
        re.compile(rf"(?<![\w.@-])(?:www\.(?:[\w-]{{1,63}}\.){{1,6}}[a-z]{{2,10}}|{_HOST})(?![\w-]){_PATH}"),
        lambda match: _spell_link(match[0]),
    ),
)  # fmt: skip


def read_web(text: str) -> str:
    """Write "jane@example.com" as "jane at example dot com"; schemes are left out."""
    return rewrite(_RULES, text) if "@" in text or "." in text else text


def _spell_link(link: str) -> str:
    link = re.sub(r"^[a-zA-Z]{1,5}://", "", link)
    # Punctuation after a link belongs to the sentence.
    body = link.rstrip(".,;:!?")
    end = link[len(body) :]
    words = [_spell_part(part) for part in re.findall(r"[^\W\d_]+|\d+|[\W_]", body.rstrip("/"))]
    return f" {' '.join(filter(None, words))} ".strip() + end


def _spell_part(part: str) -> str:
    if part.isdigit():
        return wording.whole(part) if len(part) < 3 else wording.digits(part)
    if part.lower() == "www" or (len(part) == 2 and part not in {"co", "me", "in", "no", "my"}):
        return " ".join(part.lower())
    return _SIGNS.get(part, part if part.isalpha() else "")
