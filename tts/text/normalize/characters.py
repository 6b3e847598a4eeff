"""Replaces Unicode characters by those for which the other rules are written.

Compatibility forms (full width, ligatures, mathematical letters) become plain letters. Quotes and
dashes become ASCII, vulgar fractions become "1/2", digits of any script become 0-9, and white space
becomes single spaces. Characters with a rule of their own stay: currencies, degrees, letters with
accents.
"""

from __future__ import annotations

import re
import unicodedata

from tts.text.normalize.currencies import SIGNS
from tts.text.normalize.powers import fold_powers
from tts.text.normalize.rules import Rule, rewrite
from tts.text.normalize.wording import digits

_REPLACED = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′ʼ`´", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒", "-"),
        **dict.fromkeys("−﹣－", "-"),
        **dict.fromkeys("—―⸺", " -- "),
        "…": "...",
        "№": " No. ",
        "™": " ",
        "®": " ",
        "©": " copyright ",
        "℃": "°C",
        "℉": "°F",
        "º": "°",
        "ℓ": "l",
        "⁄": "/",
        "∕": "/",
        "∶": ":",
        "∗": "*",
        "∣": "|",
        "٫": ".",
        "٬": ",",
    }
)
_RULES: tuple[Rule, ...] = (
    # Thin and non-breaking spaces separate thousands.
    (re.compile(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))"), ""),
    # An en dash joins two numbers, or marks a pause.
    (re.compile(rf"(?<=\d) ?– ?(?=[\d{SIGNS}])"), "-"),
    (re.compile(r" – "), " -- "),
    (re.compile("–"), "-"),
)
_NUMBERS: tuple[Rule, ...] = (
    # A number with so many digits has no name.
    (re.compile(r"(?<!\d)\d{37,}"), lambda match: f" {digits(match[0])} "),
)
# Control characters and joiners (but not white space), and lone surrogates.
_SILENT = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b-\u200f\u202a-\u202e"
    "\u2060-\u2064\ufe00-\ufe0f\ufeff\ud800-\udfff]"
)


def fold_characters(text: str) -> str:
    """Replace the characters of a text by those of the other rules, with single spaces."""
    if not text.isascii():
        text = fold_powers(text).translate(_REPLACED)
        text = unicodedata.normalize("NFKC", rewrite(_RULES, text)).replace("∕", "/")
    text = rewrite(_NUMBERS, _SILENT.sub("", text))
    return re.sub(r"\s+", " ", text)
