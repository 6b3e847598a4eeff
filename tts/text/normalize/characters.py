"""Unicode to the characters that the rules know, before any of them runs.

Compatibility forms (full width, ligatures, mathematical letters) become plain ones, quotes and
dashes ASCII, vulgar fractions "1/2", digits of any script 0-9, white space single. What has a
sound and a rule of its own stays: currencies, degrees, letters with accents.
"""

from __future__ import annotations

import re
import unicodedata

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
        "№": "No. ",
        "²": "^2",
        "³": "^3",
        "™": "",
        "®": "",
        "©": " copyright ",
        "℃": "°C",
        "℉": "°F",
        "º": "°",
        "×": " times ",
        "⁄": "/",
    }
)
_RULES: tuple[Rule, ...] = (
    # thin and unbreakable spaces between thousands
    (re.compile(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))"), ""),
    # an en dash joins two numbers, or it is a pause
    (re.compile(r"(?<=\d) ?– ?(?=[\d$£€¥])"), "-"),
    (re.compile(r" – "), " -- "),
    (re.compile("–"), "-"),
)
_NUMBERS: tuple[Rule, ...] = (
    # a run of digits that no number has a name for
    (re.compile(r"(?<!\d)\d{37,}"), lambda match: f" {digits(match[0])} "),
)
# Controls and joiners but not white space, and halves of a character
_SILENT = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b-\u200f\u202a-\u202e"
    "\u2060-\u2064\ufe00-\ufe0f\ufeff\ud800-\udfff]"
)


def fold_characters(text: str) -> str:
    """Bring a text to the characters that the rules are written in, with single spaces."""
    if not text.isascii():
        text = "".join(map(_fraction_or_digit, text)).translate(_REPLACED)
        text = unicodedata.normalize("NFKC", rewrite(_RULES, text))
    text = rewrite(_NUMBERS, _SILENT.sub("", text))
    return re.sub(r"\s+", " ", text)


def _fraction_or_digit(char: str) -> str:
    if char.isascii():
        return char
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    kind, *code_points = unicodedata.decomposition(char).split() or [""]
    if kind == "<fraction>":
        return " " + "".join(chr(int(code, 16)) for code in code_points)
    return char
