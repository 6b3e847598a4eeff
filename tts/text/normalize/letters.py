"""Tells the letter A from the article "a", and reads notes and languages such as C#."""

from __future__ import annotations

import re

from tts.text.normalize.names import GIVEN_NAMES
from tts.text.normalize.rules import Rule, any_of, rewrite
from tts.text.normalize.wording import LETTER_A, spell

# After these words a capital A is a letter, also in a title.
_NAMED = any_of(
    "annex answer apartment appendix apt apt. block box building case category channel class column"
    " company division drive exhibit factor figure flat form gate grade group hepatitis influenza"
    " item letter letters level lot model note option part paragraph patient person phase plan"
    " platform point pool product question room route row sample schedule section series side site"
    " size suspect table team terminal type unit vitamin wing zone".split()
)
_DETERMINER = any_of(
    "an the a straight one two three four five six seven eight nine ten all no my your his her our"
    " their".split()
)
# No article stands before these words.
_VERBS = r"(?:is|was|and|or|are|of)"
_SIGN_NAMES = {"#": "sharp", "\u266f": "sharp", "\u266d": "flat"}

_PLURALS: tuple[Rule, ...] = (
    (re.compile(r"\b([A-Z]{1,6}-?\d{1,4})s\b"), r"\1's"),
    (
        re.compile(r"(?<![\w.'])(?<!\d )([B-DFGHJKLNPQRSTWXYZ])s\b(?![.']| ?\d)"),
        lambda m: f"{m[1].lower()}'s",
    ),
)
_ANY = re.compile(r"\b[Aa]s?\b|\.\w|[A-G][#\u266f\u266d]|\b[A-DF]-")
_RULES: tuple[Rule, ...] = (
    # .NET, Node.js
    (re.compile(r"(?<![\w.])\.(?=[A-Z]{2,4}\b)"), " dot "),
    (re.compile(r"(?<=[a-z])\.(?=(?:js|py|txt|csv|md|exe)\b)"), " dot "),
    # C#, F♯ minor, B♭
    (
        re.compile(r"(?<![\w&])([A-GJ])([#\u266f\u266d])(?![\w#])"),
        lambda m: f"{spell(m[1])} {_SIGN_NAMES[m[2]]}",
    ),
    # an A-, a B- in German
    (
        re.compile(
            r"(?<![\w'-])([A-DF])-(?=[.,;:!?)]|$| (?:in|for|on|from|at|average|student|grade)\b)"
        ),
        lambda m: f"{spell(m[1])} minus",
    ),
    # A-list, A+, A/C, A's
    (re.compile(r"(?<![\w'.])A(?=-[\w]|[+/&]|'s\b)"), LETTER_A),
    (
        re.compile(r"(?<![\w'.])a(?=-(?:list|levels?|team|frame|bomb|side|line|listers?|grade|class"
        r"|road)\b)"),
        LETTER_A,
    ),
    (re.compile(r"(?<=\d)A\b|(?<=[a-z]-)A\b"), LETTER_A),
    # 'A', (a), "A": nothing but the letter
    (re.compile(r"(?<=['\"(\[])[Aa](?=['\")\]])"), LETTER_A),
    (re.compile(r"(?<![\w'.])A(?!\.[A-Za-z])(?=\s?[.,;:!?)\]\"']|\s?$)"), LETTER_A),
    (re.compile(r"(?<![\w'.])a(?!\.[.A-Za-z])(?=[.,;:!?)\]\"']|$)"), LETTER_A),
    # A major, straight As
    (re.compile(r"\b([Ii]n) A(?= (?:[Mm]ajor|[Mm]inor|[Ff]lat|[Ss]harp)\b)"), rf"\1 {LETTER_A}"),
    (re.compile(rf"\b((?i:{_DETERMINER}|got|mostly|many)) As\b"), rf"\1 {LETTER_A}'s"),
    # Exhibit A, "JOHN A SMITH", an A student
    (re.compile(rf"\b({_NAMED}) A\b(?!')", re.IGNORECASE), rf"\1 {LETTER_A}"),
    (re.compile(rf"\b({_DETERMINER}|{GIVEN_NAMES}) A\b(?! [A-Z]{{2}})(?=[ -])"), rf"\1 {LETTER_A}"),
    (
        re.compile(r"\b([Vv]itamin|[Hh]epatitis|[Ll]etters?|[Aa]n|[Ee]xhibit) a\b(?!')"),
        rf"\1 {LETTER_A}",
    ),
    # A and B, A B C
    (re.compile(rf"(?<![\w'.-])[Aa](?= {_VERBS}\b(?!-))"), LETTER_A),
    (re.compile(r"(?<![\w'.-])A(?= (?:to|for|as|through|versus|has|does|equals|plus|minus|vs\.?|="
        r"|\+|&) ?(?:[A-Z]\b|\d|=|effort\b|in\b|apple))"), LETTER_A),
    (re.compile(r"(?<![\w'.-])A(?= I\b| [B-Z](?: [A-Z]\b|[,;:)]|$))"), LETTER_A),
    (re.compile(r"(?<![\w'.-])a(?= i\b| [b-df-hj-np-tv-z](?![\w'-]))"), LETTER_A),
    (re.compile(r"(?<=(?<![\w'-])[b-df-hj-np-tv-z] )a(?![\w'-])"), LETTER_A),
    (re.compile(r"(?<=(?<![\w'-])[b-df-hj-np-tv-z] i )a(?![\w'-])"), LETTER_A),
    # Inside a sentence a capital A is the letter, unless it begins a title.
    (re.compile(r"(?<=[a-z\d,] )A(?= [a-z])"), LETTER_A),
)  # fmt: skip


def read_plurals(text: str) -> str:
    """Write "MP3s" and "Bs" as "MP3's" and "B's", before a rule takes the s for seconds."""
    return rewrite(_PLURALS, text)


def read_letters(text: str) -> str:
    """Mark each A that is a letter by ``LETTER_A``, and write "C#" as "c sharp"."""
    return rewrite(_RULES, text) if _ANY.search(text) else text
