"""Writes out comparisons and arrows: "x <= 6" is "x is at most 6", and "<50" is "less than 50"."""

from __future__ import annotations

import re

from tts.text.normalize.rules import Rule, rewrite

# Signs, how they are read between two terms, and how in front of one term.
_SIGNS = (
    (("<=", "=<", "≤", "⩽", "≦"), "is at most", "at most"),
    ((">=", "≥", "⩾", "≧"), "is at least", "at least"),
    (("!==", "!=", "=/=", "<>", "≠"), "is not", "not"),
    (
        (
            "===",
            "==",
        ),
        "equals",
        "equal to",
    ),
    (("~=", "=~", "≈", "≅", "≃", "≒"), "is about", "about"),
    (("≡",), "is equivalent to", "equivalent to"),
    (("<<", "≪"), "is much less than", "much less than"),
    ((">>", "≫"), "is much greater than", "much greater than"),
    (("≮",), "is not less than", "not less than"),
    (("≯",), "is not greater than", "not greater than"),
    (("<",), "is less than", "less than"),
    ((">",), "is greater than", "greater than"),
)
_READ = {sign: (between, before) for signs, between, before in _SIGNS for sign in signs}
_OPERAND = r"[\w)\]%°'\"}.]"
_NEXT = r"(?= ?[-\w(.\[$£€¥\"'∞√±{])"

_RULES: tuple[Rule, ...] = (
    (re.compile(r"<-{1,2}>|<=>|↔|⟷"), " to and from "),
    (re.compile(r" ?(?:-{1,2}>|=>|→|⟶|➔|➜|➝|➞|⇒) ?(?=[\w(\"'$£€¥-])"), " to "),
    (re.compile(r"(?<=\w) (?:<-{1,2}|←) (?=\w)"), " from "),
    (re.compile(r"\+ ?/ ?-|\+-(?=\d)"), " plus or minus "),
    (re.compile(r"(?:-{1,2}|={1,2})>"), " to "),
    (re.compile(r"<-{1,2}(?=[\s>]|$)"), " from "),
    # Two terms, with a space on both sides or on neither.
    (
        re.compile(rf"(?<={_OPERAND})( ?)([<>=!~≤≥≠≈≅≃≡≪≫≮≯⩽⩾≦≧≒]{{1,3}})\1{_NEXT}(?!\1 )"),
        lambda m: f" {_READ[m[2]][0]} " if m[2] in _READ else m[0],
    ),
    # One term: "under <50", "≥18"
    (
        re.compile(rf"(?<![<>=!~])([<>=!~≤≥≠≈≅≃≡≪≫≮≯⩽⩾≦≧≒]{{1,3}}){_NEXT}"),
        lambda m: f" {_READ[m[1]][1]} " if m[1] in _READ else m[0],
    ),
    (
        re.compile(r"(?<![<>=!~])[<>=!~]{2,3}(?![<>=!~])"),
        lambda m: f" {_READ[m[0]][1]} " if m[0] in _READ else m[0],
    ),
    (re.compile(r"(?<![\w~])[~∼] ?(?=[\d$£€¥])|(?<=\d)[~∼](?=\d)"), lambda m: _about(m)),
)
# Letters that stand for numbers: "x - 3", "π/2".
_VARIABLES: tuple[Rule, ...] = (
    (re.compile(r"(?<![A-Za-z_'.-])([knxyzt]) [-–] (?=\d|[a-z]\b(?!'))"), r"\1 minus "),
    (re.compile(r"(?<=[α-ωΑ-Ω])/(?=\d)"), " over "),
    (re.compile(r"(?<=\d) [-–] (?=[knxyzt]\b(?![-'.]\w))"), " minus "),
)
_ANY = re.compile("[<>=!~≤≥≠≈≅≃≡≪≫≮≯⩽⩾≦≧≒∼→⟶➔➜➝➞⇒↔⟷←+]")


def read_comparisons(text: str) -> str:
    """Write signs that compare numbers, letters or words; the numbers stay in digits."""
    text = rewrite(_VARIABLES, text)
    if not _ANY.search(text):
        return text
    return re.sub(" {2,}", " ", rewrite(_RULES, text))


def _about(match: re.Match[str]) -> str:
    """Read "~5" as "about 5", and "5~10", as in East Asia, as "5 to 10"."""
    before = match.string[max(0, match.start() - 1) : match.start()]
    return " to " if before.isdigit() else "about "
