"""Writes Greek letters that stand alone by their names: "π" is "pi", "α-helix" is "alpha-helix"."""

from __future__ import annotations

import re
import unicodedata

NAMES = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron"
    " pi rho sigma tau"
    " upsilon phi chi psi omega"
).split()
# In Unicode's order; the final sigma has a place of its own.
_LETTERS = dict(zip("αβγδεζηθικλμνξοπρστυφχψω", NAMES, strict=True))
_LETTERS |= {"ς": "sigma", "ϕ": "phi", "ϑ": "theta", "ϵ": "epsilon"}
_SIGNS = {"∆": "delta", "∑": "sum of", "∏": "product of", "Ω": "omega", "∂": "partial"}
# A Greek letter that is no part of a Greek word; a Latin letter may touch it, as in "Δt".
_ALONE = re.compile(
    r"(?<![\u0370-\u03ff\u1f00-\u1fff])[\u0391-\u03c9\u03d1\u03d5\u03f5](?![\u0370-\u03ff\u1f00-\u1fff\u0300-\u036f])"
)
_ANY = re.compile(r"[\u0391-\u03f5\u2126\u2202\u2206\u220f\u2211]")


def read_greek(text: str) -> str:
    """Write "2π" as "2 pi" and "TGF-β" as "TGF-beta"; words of several letters stay."""
    if _ANY.search(text) is None:
        return text
    text = re.sub("[" + "".join(_SIGNS) + "]", lambda m: f" {_SIGNS[m[0]]} ", text)
    return _ALONE.sub(lambda m: _named(m), text)


def _named(match: re.Match[str]) -> str:
    name = _LETTERS.get(unicodedata.normalize("NFC", match[0]).lower())
    if name is None:
        return match[0]
    before = match.string[match.start() - 1 : match.start()].isalnum()
    after = match.string[match.end() : match.end() + 1].isalnum()
    return f"{' ' if before else ''}{name}{' ' if after else ''}"
