"""Writes out percentages, temperatures, measures, and sizes such as 3x4x5 cm."""

from __future__ import annotations

import re

from tts.text.normalize import wording
from tts.text.normalize.fractions import spoken_fraction
from tts.text.normalize.powers import spoken_power
from tts.text.normalize.rules import AMOUNT, Rule, rewrite
from tts.text.normalize.units import PER, UNIT, UNITS, per, unit_names

# Units that may have a full stop, which does not end the sentence.
_DOTTED = frozenset(
    "h ft lb lbs oz yd yds sec secs min mins hr hrs mi gal gals qt qts tsp tsps tbsp tbsps yr yrs"
    " wk wks mo mos pcs".split()
)
_SCALES = {"C": " celsius", "F": " fahrenheit", "K": " kelvin", "": ""}
# After these words a letter behind a number belongs to the number: "Page 5 L", "Unit 5 V".
_NUMBERED = re.compile(
    "(?:apartment|appendix|apt|article|block|box|building|chapter|ch|class|clause"
    "|column|door|exhibit"
    "|figure|fig|flat|floor|form|gate|grade|group|hall|house|item|lane|level|line"
    "|lot|model|no|number"
    r"|page|p|paragraph|para|part|platform|plot|question|room|route|row|schedule|seat|sec|section"
    r"|series|size|stage|step|suite|table|team|terminal|track|type|unit|version|vitamin|vol|volume"
    r"|zone)s?\.? $",
    re.IGNORECASE,
)
_SHORTEST = frozenset("LVWJmghstlb")
_SIZED = (
    "long|wide|tall|deep|high|thick|across|apart|square|by|x|of|in diameter|screen|monitor|display"
    "|pipe|laptop|wheels?|rims?|tires?"
)
_OF = rf"(?= (?:{_SIZED})\b)"
_INCHES = rf"(?:in\.(?=[,;:)]| [a-z\d]|$)|in\b(?:{_OF}|(?=[,;:)]| ?$| x \d)))"
_FRACTION = r"(?<![\d/.,])(?:\d{1,4}[ -](?=\d{1,3}/))?\d{1,3}/\d{1,3}(?![\d/])"
_POWER = r"(?<![\d.,])\d{1,3}\^-?\d{1,3}(?!\d)"
_RUN = rf"({_FRACTION}|{_POWER}|(?<!\^)(?<!\^-){AMOUNT})"
_NUMBER = rf"(?:(?<![\w.,)])(-))?{_RUN}"
_END = r"(?![\w^'])(?!/[^\W\d])"

_RULES: tuple[Rule, ...] = (
    (re.compile(rf"{_NUMBER} ?%{PER}?"), lambda m: f"{_signed(m[1], m[2])} percent{per(m[3])}"),
    (re.compile(rf"{_NUMBER} ?‰"), lambda m: f"{_signed(m[1], m[2])} per mille"),
    (re.compile(rf"{_NUMBER} ?‱"), lambda m: f"{_signed(m[1], m[2])} per ten thousand"),
    (
        re.compile(rf"{_NUMBER} ?°(?: ?([CFK])\b)?(?:/([A-Za-z]{{1,6}})\b)?"),
        lambda m: f"{_signed(m[1], m[2])} {_degrees(m[2])}{_SCALES[m[3] or '']}{per(m[4])}",
    ),
    # 5 ft 10 in
    (
        re.compile(rf"(?<![\w.,])(\d{{1,3}}) ?(ft\.?|feet|foot),? {_RUN} ?in\b\.?(?! (?:a|the)\b)"),
        lambda m: f"{m[1]} {_feet(m[1], m[2])} {_length(m[3])}",
    ),
    (re.compile(rf"{_RUN} ?-?in\b(?<=\d-in)(?= [a-z])"), lambda m: f"{_run(m[1])}-inch"),
    (re.compile(rf"{_RUN} ?{_INCHES}|{_RUN}in\b"), lambda m: _length(m[1] or m[2])),
    (
        re.compile(rf"{_RUN} ?(sq|cu)\.? ?(ft|m|km|mi|in|yd|cm)\b\.?{PER}?"),
        lambda m: _cubed(m[1], m[2], m[3]) + per(m[4]),
    ),
    (re.compile(rf"{_RUN} ?fl\.? ?oz\b\.?"), lambda m: _measured(m[1], "floz")),
    (
        re.compile(
            rf"(\b[Aa]n? )?{_NUMBER}( ?|-)({UNIT}(?:[·⋅*/](?:{UNIT}|[a-z]{{3,12}}))?"
            rf"(?:[·⋅*/](?:{UNIT}|[a-z]{{3,12}}))?){_END}(?!\.\w)"
            r"(\.(?= [a-z0-9]|[,;:)]))?"
        ),
        lambda m: _measure(m) or m[0],
    ),
    # a 5 A fuse, 1.5 A, 20 N of force
    (
        re.compile(
            rf"(?<![\d.,])({AMOUNT}) ?(?:A(?= (?:fuse|current|plug|socket|breaker"
            "|charg|supply|circuit|batter))"
            r"|(?<=\.\d )A\b(?! [a-z])|(?<=\.\d\d )A\b(?! [a-z]))"
        ),
        lambda m: _counted(m[1], "amp", "amp" if m.string[m.end() :][:1] == " " else "amps"),
    ),
    (re.compile(rf"({AMOUNT}) ?N(?= of\b)"), lambda m: _counted(m[1], "newton", "newtons")),
    # 3x/week, 70/min
    (
        re.compile(rf"({AMOUNT})x ?/ ?(day|week|month|year|hour|minute)\b"),
        lambda m: f"{_counted(m[1], 'time', 'times')} {'an' if m[2] == 'hour' else 'a'} {m[2]}",
    ),
    (
        re.compile(rf"(?<![\d/.,])({AMOUNT})/(s|sec|min|h|hr|day|week|wk|month|mo|year|yr)\b"),
        lambda m: wording.number(m[1]) + per(m[2]),
    ),
)
# What stands before and after an x between two lengths, and no sign of multiplication.
_BY = (
    (r"\d[./]\d", r"\d{1,4}(?:\.\d{1,3})?(?![\d.]| x)"),
    (
        r"\d",
        r"[\d.]{1,9} (?:photo|print|rug|room|frame|poster|matrix|matrices|paper|envelope|pixel"
        r"|resolution|board)s?\b",
    ),
    (r"[\dm]", r"[\d.]{1,9} [x×] [\d.]"),
    *((rf" by [\d.]{{{length}}}", r"\d") for length in range(1, 5)),
    (r"\d", r"[\d.]{1,9}[ -]?(?:mm|cm|m|km|ft|feet|foot|in|inch|inches|meters?|px)\b"),
)
_SIZES: tuple[Rule, ...] = (
    # 5 L/100 km
    (re.compile(r"(?<=[A-Za-z])/(?=100 ?k?m\b)"), " per "),
    (re.compile(r"\bf/(?=\d)"), "f "),
    (re.compile(r"(?<=[A-Za-z])/(?=\d)"), " slash "),
    (
        re.compile(r"(?<=\d )([a-z]{3,12})/(s|sec|min|hr|h|day|wk|week|month|mo|yr|year)\b"),
        lambda m: m[1] + per(m[2]),
    ),
    (re.compile(r"(?<=[\w)])[*]{2}(?=-?\d)"), "^"),
    # 1.5e10, 1e-5
    (
        re.compile(
            r"(?<![\w.,])(\d{1,12}(?:\.\d{1,12})?)(?:e|(?<=\.\d)E|(?<=\.\d\d)E"
            r"|(?<=\.\d{3})E)\+?(-?\d{1,3})(?![\w.])"
        ),
        r"\1 times 10^\2",
    ),
    (
        re.compile(
            r"(?<=\d)x(?= (?:faster|slower|more|less|better|bigger|larger|smaller"
            r"|cheaper|higher|longer|as|the|that)\b)"
        ),
        " times",
    ),
    # 3x4x5, 3 x 4 x 5, 3 x 4 m, 3 m x 4 m, 1920×1080
    (re.compile(r"(?<=\d) ?[x×*] ?(?=10\^)"), " times "),
    (re.compile(r"(?<=\d)[x×](?=\d{1,9}(?:[x×]\d{1,9}){0,3}(?: ?=|\^))"), " times "),
    (re.compile(r"(?<=\d)[xX](?=\.?\d)|(?<=\d{3})×(?=\d{3})"), " by "),
    (
        re.compile(r"(?<=\d)×(?=\d{1,5}(?:\.\d{1,3})?(?:[×x]|[ -]?(?:mm|cm|m|km|ft|in|inch)\b))"),
        " by ",
    ),
    *((re.compile(rf"(?<={before}) [x×] (?={after})"), " by ") for before, after in _BY),
    (re.compile(r"(?<=\d) ?(mm|cm|m|km|ft|in|inch|foot|feet) ?[x×] ?(?=\d)"), r" \1 by "),
    (re.compile(r"(?<=\d) ?× ?(?=[\d(])"), " times "),
)
_RATES: tuple[Rule, ...] = (
    # liters/day, people/km^2
    (
        re.compile(
            r"\b([A-Za-z]{3,20}s|people|percent|feet|gallons?) ?/ ?"
            "(second|sec|minute|min|hour|hr|day|week|month|year|person|capita|night"
            r"|mile|gallon|k?m\^[23])(?![/\w])"
        ),
        lambda m: m[1] + per(m[2]),
    ),
    # "in km/h", without a number
    (
        re.compile(
            r"(?<![\w/.·⋅*-])(?<!\d )((?:km|mi)/h|k?m/s(?:\^2)?|[kMGT]i?[Bb]/s|W/m\^2"
            r"|[kmμ]?g/(?:m|cm|L|dL|mL)(?:\^3)?)(?![\w^/])"
        ),
        lambda m: (unit_names(m[1]) or m)[1],
    ),
)


# "a 3 by 4 meter room"
_SIZE_OF = re.compile(r"\b[Aa]n? (?:[\d.]{1,6} by ){1,2}$")


def read_sizes(text: str) -> str:
    """Write "3x4x5 cm" as "3 by 4 by 5 cm", and "2×10^8" as "2 times 10^8"."""
    return rewrite(_SIZES, text)


def read_measures(text: str) -> str:
    """Write "50%" as "fifty percent" and "-5°C" as "minus five degrees celsius"."""
    return rewrite(_RULES, text)


def read_rates(text: str) -> str:
    """Write "liters/day" as "liters per day"."""
    if "/" not in text:
        return text
    return rewrite(_RATES, text)


def _run(run: str) -> str:
    if "^" in run:
        return spoken_power(run)
    if "/" in run:
        return spoken_fraction(run) or run
    return wording.number(run)


def _signed(minus: str | None, run: str) -> str:
    return f"{'minus ' if minus else ''}{_run(run)}"


def _degrees(run: str) -> str:
    return "degree" if wording.is_one(run) else "degrees"


def _counted(run: str, one: str, many: str) -> str:
    """Write an amount with its unit: "half a mile" has the singular, "1 1/2 miles" the plural."""
    if wording.is_one(run):
        return f"{wording.number(run)} {one}"
    if "/" not in run or " " in run or "-" in run:
        return f"{_run(run)} {many}"
    if run.startswith("1/"):
        return f"{_run(run)} {one}"
    return f"{_run(run)} of {'an' if one[0] in 'aeio' or one == 'hour' else 'a'} {one}"


def _measured(run: str, symbol: str) -> str:
    return _counted(run, *UNITS[symbol])


def _length(run: str) -> str:
    return _counted(run, "inch", "inches")


def _feet(run: str, written: str) -> str:
    return written if written[1] != "t" else "foot" if run == "1" else "feet"


def _measure(match: re.Match[str]) -> str:
    article, minus, run, joint, symbol, stop = match.groups()
    names, rest = unit_names(symbol), ""
    if names is None:
        # "5 kg/box": the first unit may be known.
        symbol, slash, rest = symbol.partition("/")
        names, rest = unit_names(symbol) if slash else None, slash + rest
    if names is None or _is_letter(match, symbol, joint):
        return ""
    one, many = names
    after = match.string[match.end() : match.end() + 2]
    if joint == "-":
        return f"{article or ''}{_signed(minus, run)}-{one}{rest}{stop or ''}"
    # "a five pound bag" has the singular.
    before = match.string[max(0, match.start(3) - 24) : match.start(3)]
    attributed = article or _SIZE_OF.search(before)
    attributed = attributed and re.match(" [a-z]", after) and "/" not in run
    measured = f"{_run(run)} {one}" if attributed else _counted(run, one, many)
    stop = "" if symbol in _DOTTED else stop or ""
    return f"{article or ''}{'minus ' if minus else ''}{measured}{rest}{stop}"


def _is_letter(match: re.Match[str], symbol: str, joint: str) -> bool:
    """Return whether a symbol of one letter belongs to the number, as in "Page 5 L"."""
    if symbol not in _SHORTEST:
        return False
    begin = match.start(3)
    before = match.string[max(0, begin - 20) : begin]
    # "133-s" and "4-H" are no measures, but "100-m dash" is one.
    loose = joint == "-" and not re.match(" [a-z]", match.string[match.end() : match.end() + 2])
    return loose or _NUMBERED.search(before) is not None


def _cubed(run: str, power: str, symbol: str) -> str:
    names = unit_names(f"{symbol}^{'2' if power == 'sq' else '3'}") or ("", "")
    return _counted(run, *names)
