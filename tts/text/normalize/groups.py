"""Writes the numbers of other countries as English groups them: 1,00,000 and 1'234,5."""

from __future__ import annotations

import re

from tts.text.normalize.rules import Rule, rewrite

_START = r"(?<![\d.,'/:-])"
_CENTS = r"(?:,(\d{1,2}))?"
# After these words, numbers with a comma between them are a list: "pages 12,15".
_LIST = re.compile(
    r"\b(?:pages?|pp?\.|chapters?|verses?|items?|numbers?|nos?\.|figs?\.|figures?"
    "|tables?|steps?|lines?"
    r"|sections?|rooms?|questions?|parts?|volumes?|[a-wyz]) $|[(\[{]$",
    re.IGNORECASE,
)
_LIST_GOES_ON = re.compile(r" (?:and|or|&|to) \d|,? ?\d|[)\]}]")
# After these words, groups of three digits are a telephone number.
_TELEPHONES = re.compile(
    r"(?:call|dial|phone|telephone|tel|fax|ring|number|text|on|at)[.:]* $", re.IGNORECASE
)

_RULES: tuple[Rule, ...] = (
    # 1_000_000 of program code
    (re.compile(r"(?<=\d)_(?=\d{3})"), ""),
    # 10.-, 5,- and 5/- of price tags
    (re.compile(r"(?<=\d)[.,/]-{1,2}(?=[ .,;)]|$)"), ""),
    # 12,34,567
    (
        re.compile(rf"{_START}\d{{1,2}}(?:,\d\d){{1,9}},\d{{3}}(?![\d,])"),
        lambda m: _grouped(m[0]),
    ),
    # 1.234.567,89
    (
        re.compile(rf"{_START}(\d{{1,3}}(?:\.\d{{3}}){{2,11}}){_CENTS}(?![\d,]|\.\d)"),
        lambda m: m[0] if _is_address(m[1]) else _grouped(m[1], m[2]),
    ),
    (
        re.compile(rf"{_START}(\d{{1,3}}\.\d{{3}}),(\d{{1,2}})(?![\d.])"),
        lambda m: _grouped(m[1], m[2]),
    ),
    (
        re.compile(
            r"((?:[€₫₺₽]|EUR|Rp|R\$) ?)(\d{1,3}\.\d{3})(?![\d.,])"
            r"|(?<![\d.,])(\d{1,3}\.\d{3})(?= ?(?:[€₫₺₽]|EUR\b|euros?\b))"
        ),
        lambda m: f"{m[1] or ''}{_grouped(m[2] or m[3])}",
    ),
    # 1'234'567
    (
        re.compile(rf"{_START}(\d{{1,3}}(?:'\d{{3}}){{1,11}})(?![\d'])(?:[.,](\d{{1,2}})(?!\d))?"),
        lambda m: _grouped(m[1], m[2]),
    ),
    # 10 000 000
    (
        re.compile(
            rf"{_START}(?<!\d )([1-9]\d{{0,2}}(?: \d{{3}}){{1,11}})(?!\d| \d"
            rf"|[-:/]\d){_CENTS}(?!,?\d)"
        ),
        lambda m: _spaced(m) or m[0],
    ),
    # 0,001 and 2,5-3,5
    (re.compile(rf"{_START}0,(?=\d{{3,12}}(?![\d,]))"), "0."),
    (
        re.compile(rf"{_START}(\d{{1,3}}),(\d{{1,2}})( ?[-x×] ?)(\d{{1,3}}),(\d{{1,2}})(?![\d,])"),
        r"\1.\2\3\4.\5",
    ),
    # 3,1415
    (re.compile(rf"{_START}(\d{{1,3}}),(?=\d{{4,12}}(?![\d,]|\.\d))"), r"\1."),
    # 12,5
    (
        re.compile(r"(?<![\d.,'/:])(?<![\w-]-)(\d{1,12}),(\d{1,2})(?![\d,]|\.\d)"),
        lambda m: _decimal(m),
    ),
)


def read_groups(text: str) -> str:
    """Write "1'234'567,5" as "1,234,567.5", and "12,5" as "12.5"."""
    return rewrite(_RULES, text)


def _grouped(run: str, decimals: str | None = None) -> str:
    digits = re.sub(r"\D", "", run)
    # A leading zero would be lost.
    spelled = digits if digits.startswith("0") else f"{int(digits):,}"
    return spelled + (f".{decimals}" if decimals else "")


def _is_address(run: str) -> bool:
    """Return whether four groups can be an internet address, such as 192.168.100.200."""
    parts = run.split(".")
    return len(parts) == 4 and all(int(p) < 256 and str(int(p)) == p for p in parts)


def _spaced(match: re.Match[str]) -> str:
    """Read groups with spaces as one number, unless they look like separate numbers."""
    groups = match[1].split(" ")
    before = match.string[max(0, match.start() - 12) : match.start()]
    round_number = groups[-1] == "000" or (len(groups) == 2 and groups[-1].endswith("00"))
    long_number = len(groups) > 2 and not _TELEPHONES.search(before) and len(groups[0]) < 3
    return _grouped(match[1], match[2]) if round_number or long_number or match[2] else ""


def _decimal(match: re.Match[str]) -> str:
    before = match.string[max(0, match.start() - 12) : match.start()]
    after = match.string[match.end() : match.end() + 8]
    if _LIST.search(before) or _LIST_GOES_ON.match(after) or len(match[1]) > 3:
        return f"{match[1]}, {match[2]}"
    return f"{match[1]}.{match[2]}"
