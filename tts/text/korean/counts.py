"""Reads numbers with counters, in the numerals that the counter has, and all other numbers."""

from __future__ import annotations

import re

from tts.text.korean.counters import NATIVE_COUNTER, SPACED_COUNTER, limit_of
from tts.text.korean.numerals import decimal_number, digit_names, native, sino
from tts.text.korean.rules import AMOUNT, TO, WHOLE, rewrite_korean
from tts.text.normalize.rules import Rule

_MACHINES = (
    "차|차량|자동차|승용차|버스|트럭|택시|컴퓨터|비행기|자전거|오토바이|피아노|카메라|전화기|"
    "헬기|전투기|로봇"
)
_TIMES_BEFORE = (
    r"하루에?|한 ?달에|일주일에|일 ?년에|주|벌써|총|모두|딱|단|적어도|최소|최대|약|매일|다시"
)
_TIMES_AFTER = (
    r"이나|의 |씩|만에|밖에|더|정도|이상|이하|쯤|가량|연속|반복|했|한 |하고|하면|하세요|먹|갔|봤|"
    r"방문"
)
_HONOURED = "손님|선생님|어른|어르신|부모님|교수님|고객님|할머니|할아버지|일행"
_NUMBERED_THINGS = r"[째호지]| ?(?:버스|문제|출구|홈|선수|트랙|창구|타자|국도|게이트|방)"
_VERB = r"[가-힣]{1,6}(?:[다고며면자게던]|지만|어서|아서|해서|면서|[어아해]요|니까)(?![가-힣])"
_SLICED = "마늘|사과|귤|오렌지|배|수박|참외"
_WORKS = "작품|그림|유물|의류|미술품|가구"
_MONTHS = {6: "유", 10: "시"}


def read_native_ranges(text: str) -> str:
    """Repeat the counter of a range: "3~5개" becomes "3개에서 5개"; join other ranges by 에서."""
    return rewrite_korean(_RANGES, text)


def read_counters(text: str) -> str:
    """Write numbers before counters in words."""
    return rewrite_korean(_COUNTS, text)


def read_numbers(text: str) -> str:
    """Write the numbers that are left in Sino-Korean, and runs that begin with 0 by digits."""
    return rewrite_korean(_NUMBERS, text)


def _native_count(match: re.Match[str]) -> str:
    number, counter = match[1].replace(",", ""), match[2]
    value = int(number) if number.isdecimal() and number[0] != "0" else None
    if not value or value > limit_of(counter):
        return f"{decimal_number(match[1].replace(',', ''))} {counter}"
    if counter == "번째" and value == 1:
        return "첫 번째"
    if counter == "대" and value % 10 == 0 and 10 <= value <= 90:
        return f"{sino(number)} {counter}"
    return f"{native(value)} {counter}"


def _month(match: re.Match[str]) -> str:
    month = int(match[1])
    return f"{_MONTHS.get(month) or sino(match[1])}월" if 0 < month <= 12 else f"{sino(match[1])}월"


def _native_range(match: re.Match[str]) -> str:
    first, last, counter = match[1], match[2], match[3]
    is_age = counter == "대" and last.endswith("0")
    if float(last.replace(",", "")) <= limit_of(counter) and not is_age:
        return f"{first}{counter}에서 {last}{counter}"
    return f"{decimal_number(first.replace(',', ''))}에서 {last}{counter}"


_RANGES: tuple[Rule, ...] = (
    # $10~20
    (re.compile(rf"([₩$€£¥]) ?({AMOUNT}){TO}(?={AMOUNT})"), r"\2에서 \1"),
    # 1,2층 is a list, not a number
    (re.compile(r"(?<=\d),(?=\d{1,2}(?![\d,]))"), ", "),
    (re.compile(rf"({WHOLE}){TO}({WHOLE})월"), r"\1월에서 \2월"),
    (re.compile(rf"({AMOUNT}){TO}({AMOUNT}) ?({NATIVE_COUNTER})(?!째)"), _native_range),
    # 7~9℃: the scale is named once
    (
        re.compile(rf"(?<![\w-])(-?)({AMOUNT}){TO}(?=-?{AMOUNT} ?(?:℃|°C))"),
        lambda match: (
            f"섭씨 {'영하 ' if match[1] else ''}{decimal_number(match[2].replace(',', ''))}에서 "
        ),
    ),
    # 3번지-2 and 12-3번지 are addresses; 3-2로 is a score
    (re.compile(rf"({AMOUNT}) ?~ ?(?={AMOUNT}(?!\d| ?(?:k?m/|mph)))"), r"\1에서 "),
    (
        re.compile(
            rf"(?<!-)({AMOUNT}) ?- ?"
            rf"(?={AMOUNT}(?!\d| ?k?m/) ?(?:[%℃°일년월회위층번]|{SPACED_COUNTER}|[a-zA-Z]))"
        ),
        r"\1에서 ",
    ),
)
_COUNTS: tuple[Rule, ...] = (
    # 10여 명
    (re.compile(rf"({WHOLE})(?=여 ?[가-힣])"), lambda match: sino(match[1])),
    # 제3회, 제3장
    (re.compile(rf"제 ?({WHOLE})(?= ?[가-힣])"), lambda match: f"제{sino(match[1])}"),
    (re.compile(r"(?<![\d.])(\d{1,2}) ?월(?!급|세|남)"), _month),
    (
        re.compile(rf"(?:{_MACHINES})[가-힣]? ({WHOLE}) ?대(?![가-힣]?대)"),
        lambda match: f"{match[0][: match.start(1) - match.start()]}{_vehicles(match[1])} 대",
    ),
    (
        re.compile(rf"({_HONOURED})([가-힣]? )(\d{{1,2}}) ?분(?! ?(?:동안|간|뒤|후|전|만에))"),
        lambda match: f"{match[1]}{match[2]}{native(int(match[3]))} 분",
    ),
    (
        re.compile(rf"({_WORKS})([가-힣]? )(\d{{1,2}}) ?점"),
        lambda match: f"{match[1]}{match[2]}{native(int(match[3]))} 점",
    ),
    (
        re.compile(rf"(?<=\b)({_TIMES_BEFORE}) ?(\d{{1,2}}) ?번(?![째호지])"),
        lambda match: f"{match[1]} {native(int(match[2]))} 번",
    ),
    (
        re.compile(rf"(?<![\d.,-])(\d{{1,2}}) ?번 ?(?={_TIMES_AFTER})"),
        lambda match: f"{native(int(match[1]))} 번{' ' if match[0].endswith(' ') else ''}",
    ),
    # 1년에 4번, 마태복음 5장 3절
    (
        re.compile(rf"(에|마다) (\d{{1,2}}) ?번(?!{_NUMBERED_THINGS})"),
        lambda match: f"{match[1]} {native(int(match[2]))} 번",
    ),
    (
        re.compile(r"(?<!제)(?<![\d.,])(\d{1,3}) ?장 ?(?=\d{1,3}(?:~\d{1,3})? ?절)"),
        lambda match: f"{sino(match[1])} 장 ",
    ),
    # 3번 두드렸다: before a verb 번 counts times
    (
        re.compile(rf"(?<![\d.,-])(\d{{1,2}})번 (?={_VERB})"),
        lambda match: f"{native(int(match[1]))} 번 ",
    ),
    # 1가구 2주택
    (re.compile(r"(?<![\d.,])1가구 ?(?=\d주택)"), "일 가구 "),
    # 마늘 3쪽
    (
        re.compile(rf"({_SLICED})([가-힣]? )(\d{{1,2}}) ?쪽"),
        lambda match: f"{match[1]}{match[2]}{native(int(match[3]))} 쪽",
    ),
    # 9초 58 is a time of a race
    (
        re.compile(r"(?<=\d)초 ?(\d\d)(?![\d.,가-힣]|\s?초)"),
        lambda match: f"초 {digit_names(match[1], '영')}",
    ),
    (
        re.compile(r"(?<=\d)초 ?(\d\d)(?=(?:으?로|에|의|를|을|만에)(?![가-힣]))"),
        lambda match: f"초 {digit_names(match[1], '영')}",
    ),
    # 5번 중 3번
    (
        re.compile(r"(?<![\d.,-])(\d{1,2})번 (가운데|중에?서?) (\d{1,2})번"),
        lambda match: f"{native(int(match[1]))} 번 {match[2]} {native(int(match[3]))} 번",
    ),
    (re.compile(rf"({AMOUNT}) ?({NATIVE_COUNTER})"), _native_count),
    (
        re.compile(rf"({AMOUNT}) ?{SPACED_COUNTER}"),
        lambda match: f"{decimal_number(match[1].replace(',', ''))} ",
    ),
)
_NUMBERS: tuple[Rule, ...] = (
    (
        re.compile(r"(?<![\d.])(\d{1,6}(?:\.\d{1,6}){2,6})(?![\d.]\d)"),
        lambda m: decimal_number(m[1]),
    ),
    (re.compile(AMOUNT), lambda match: decimal_number(match[0].replace(",", ""))),
    (re.compile(r"\d+"), lambda match: f" {digit_names(match[0])} "),
)


def _vehicles(run: str) -> str:
    value = int(run.replace(",", ""))
    return native(value) if value <= 20 else sino(run)
