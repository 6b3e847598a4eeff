"""Reads dates, times of day, scores and ratios of Korean texts."""

from __future__ import annotations

import re

from tts.text.korean.numerals import decimal_number, digit_names, native, sino
from tts.text.korean.rules import rewrite_korean
from tts.text.normalize.rules import Rule

_WEEKDAYS = "월화수목금토일"
_YEAR = r"((?:1[5-9]|20|21)\d\d)"
_MONTH = r"(0?[1-9]|1[0-2])"
_DAY = r"(0?[1-9]|[12]\d|3[01])"
_NOT_AFTER = r"(?<![\d.,:/-])"
_NOT_BEFORE = r"(?![\d:/-]|[.,]\d)"
# Days of which people name the numbers: 6·25 is 육이오, and 12·12 is 십이십이
_NAMED_DAYS = r"(\d{1,2})·(\d{1,2})(?!\d|·)"
_EVENTS = (
    r"\d{1,2}\.\d{1,2}(?= ?(?:전쟁|동란|사변|사태|혁명|의거|운동|절|민주화|항쟁|쿠데타|비상계엄|"
    r"계엄|테러|대지진|참사|만세|광복|총선|대선|군사|부정))"
)
_MORNING = r"오전|오후|새벽|아침|낮|저녁|밤|정오|자정"
_WINS = r" ?(?:으?로|까지|의|스코어|승|패|무승부|동점|완승|대승|신승)"
_BIBLE = (
    "복음|행전|전서|후서|창세기|출애굽기|시편|잠언|전도서|이사야|계시록|로마서|히브리서|야고보서"
)
_BY_SCORE = r" ?(?:으?로(?![가-힣\d])|무승부|동점|완승|대승|신승|[승패](?![가-힣]))"
_CLOCK = r"(?<![\d:.,-])([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?(?![\d:])"


def read_korean_dates(text: str) -> str:
    """Write dates as they are said: "2024-03-01" becomes "2024년 3월 1일"."""
    return rewrite_korean(_DATES, text)


def read_korean_times(text: str) -> str:
    """Write times and scores as they are said: "14:30" becomes "14시 30분"; 3:2 is "삼 대 이"."""
    return rewrite_korean(_TIMES, text)


def _date(match: re.Match[str]) -> str:
    year, month, day = match.groups()
    return f"{int(year)}년 {int(month)}월 {int(day)}일"


def _named_day(match: re.Match[str]) -> str:
    month, day = match[0].replace(".", "·").split("·")
    if int(month) > 12 or int(day) > 31:
        return f"{sino(month)} {sino(day)}"
    said = sino(day) if int(day) in (10, 12, 20, 30) else digit_names(day)
    return f"{sino(month)}{said}"


def _time(match: re.Match[str]) -> str:
    half, hour, minute, second = match.groups()
    hours = int(hour)
    said = native(hours) if 1 <= hours <= 12 else sino(str(hours))
    words = [half or "", f"{said} 시", f"{sino(str(int(minute)))} 분" if int(minute) else ""]
    words.append(f"{sino(str(int(second)))} 초" if second else "")
    return " ".join(filter(None, words))


def _half_day(match: re.Match[str]) -> str:
    half = "오전" if match[2].lower() == "a" else "오후"
    return f"{half} {match[1]}{'' if ':' in match[1] else '시'}"


def _ratio(match: re.Match[str]) -> str:
    return " 대 ".join(map(sino, re.split(r" ?[:-] ?", match[0])))


_DATES: tuple[Rule, ...] = (
    # 01월 02일, 07시
    (re.compile(r"(?<![\d.,])0(?=\d ?(?:시(?!리)|분|초|월|일))"), ""),
    (re.compile(rf"{_NOT_AFTER}{_YEAR}([-/.]) ?{_MONTH}\2 ?{_DAY}{_NOT_BEFORE}\.?"),
     lambda m: f"{m[1]}년 {int(m[3])}월 {int(m[4])}일"),
    # 24.03.01
    (re.compile(rf"{_NOT_AFTER}'?(\d\d)([.]) ?{_MONTH}\2 ?{_DAY}{_NOT_BEFORE}\.?"),
     lambda m: f"{m[1]}년 {int(m[3])}월 {int(m[4])}일"),
    # 2024.03 and 2024-03
    (re.compile(rf"{_NOT_AFTER}{_YEAR}[-.](0[1-9]|1[0-2]){_NOT_BEFORE}"),
     lambda m: f"{m[1]}년 {int(m[2])}월"),
    # blood pressure
    (re.compile(r"(혈압[은이]? ?)(\d{2,3})/(\d{2,3})(?![\d/])"),
     lambda m: f"{m[1]}{sino(m[2])}에 {sino(m[3])}"),
    # 3/15(금), 12/25; 3/4 is a fraction
    (re.compile(rf"{_NOT_AFTER}{_MONTH}/{_DAY}(?= ?\([{_WEEKDAYS}]\))"),
     lambda m: f"{int(m[1])}월 {int(m[2])}일"),
    (re.compile(rf"{_NOT_AFTER}{_MONTH}/{_DAY}{_NOT_BEFORE}(?! ?분기)"),
     lambda m: _day_or_fraction(m)),
    (re.compile(r"(?<=일) ?\(([월화수목금토일])(?:요일)?\)"), r" \1요일"),
    # 1. 17.(금)
    (re.compile(rf"(?<![\d.]){_MONTH}\. ?{_DAY}\.? ?\(([{_WEEKDAYS}])\)"),
     lambda m: f"{int(m[1])}월 {int(m[2])}일 {m[3]}요일"),
    # 4·19, 3·1절
    (re.compile(rf"(?<![\d·]){_NAMED_DAYS}"), _named_day),
    (re.compile(rf"(?<![\d.]){_EVENTS}"), _named_day),
    (re.compile(r"(?<!\d)([1-4])/4 ?분기"), lambda m: f"{sino(m[1])}사분기"),
    (re.compile(r"'(?=\d\d ?(?:년|학번))"), ""),
)  # fmt: skip
_TIMES: tuple[Rule, ...] = (
    # 요한복음 3:16
    (re.compile(rf"({_BIBLE}) (\d{{1,3}}):(\d{{1,3}})(?![\d:])"),
     lambda m: f"{m[1]} {sino(m[2])} {'편' if m[1] == '시편' else '장'} {sino(m[3])} 절"),
    # 09:00-18:00, 월~금, 2:30 p.m.
    (re.compile(r"(\d{1,2}:\d\d) ?[-~] ?(?=\d{1,2}:\d\d)"), r"\1에서 "),
    (re.compile(rf"(?<![가-힣])([{_WEEKDAYS}]) ?~ ?([{_WEEKDAYS}])(?:요일)?(?![가-힣])"),
     r"\1요일에서 \2요일"),
    (re.compile(r"(?<![\d:])(\d{1,2}(?::\d\d)?) ?([ap])\.?m\.?(?![A-Za-z])", re.I), _half_day),
    # 3:2, 1:1, 98:87, 21:19로
    (re.compile(r"(?<![\d:.,-])\d{1,3} ?: ?\d(?![\d:]|\.\d)"), _ratio),
    (re.compile(r"(?<![\d:.,-])\d{1,3} ?: ?(?:[6-9]\d|\d{3,4})(?![\d:]|\.\d)"), _ratio),
    (re.compile(rf"(?<![\d:.,-])\d{{1,3}}:\d{{1,3}}(?={_WINS})(?! ?까지)"), _ratio),
    (re.compile(r"(?<=(?:스코어|경쟁률) )\d{1,3}:\d{1,3}(?!\d)"), _ratio),
    (re.compile(r"(?<![\d:.,-])(?:16|21|4):(?:9|10)(?![\d:])"), _ratio),
    # 3대1, 5대 0
    (re.compile(r"(?<![\d.,])(\d{1,4}(?:\.\d)?) ?대 ?(?=\d{1,4}(?![\d,]|\.\d| ?[가-힣]*대))"),
     lambda m: f"{decimal_number(m[1])} 대 "),
    (re.compile(rf"(?:({_MORNING}) ?)?{_CLOCK}"), _time),
    # 2-1로 이겼다
    (re.compile(rf"(?<![\d.,-])\d{{1,3}} ?- ?\d{{1,3}}(?={_BY_SCORE})"), _ratio),
)  # fmt: skip


def _day_or_fraction(match: re.Match[str]) -> str:
    """Return a day, unless the numbers are a usual fraction: 3/4 and 1/12."""
    month, day = int(match[1]), int(match[2])
    if month < day and (day <= 10 or (month == 1 and day in (12, 16, 20))):
        return match[0]
    return f"{month}월 {day}일"
