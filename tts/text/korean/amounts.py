"""Reads money, percentages, temperatures, fractions and measures of Korean texts."""

from __future__ import annotations

import re
from decimal import Decimal

from tts.text.korean.numerals import decimal_number, sino
from tts.text.korean.rules import AMOUNT, TO, rewrite_korean
from tts.text.normalize.rules import Rule

_CURRENCIES = {
    "₩": "원", "$": "달러", "US$": "달러", "€": "유로", "£": "파운드", "¥": "엔", "元": "위안",
    "₽": "루블", "₹": "루피", "฿": "밧", "₫": "동", "₿": "비트코인", "₱": "페소", "₺": "리라",
    "₴": "흐리우냐", "₪": "셰켈", "¢": "센트", "HK$": "홍콩 달러", "A$": "호주 달러",
    "C$": "캐나다 달러", "NT$": "대만 달러", "S$": "싱가포르 달러", "R$": "헤알",
}  # fmt: skip
_CODES = {
    "KRW": "원", "USD": "달러", "EUR": "유로", "GBP": "파운드", "JPY": "엔", "CNY": "위안",
}  # fmt: skip
_SCALES = {"K": 10**3, "M": 10**6, "B": 10**9}
_SIGN = "|".join(map(re.escape, sorted(_CURRENCIES, key=len, reverse=True)))
#: Units by their symbols. The longest symbol is tried first, and no Latin letter follows it.
_UNITS = {
    "km": "킬로미터", "m": "미터", "cm": "센티미터", "mm": "밀리미터", "μm": "마이크로미터",
    "nm": "나노미터", "kg": "킬로그램", "g": "그램", "mg": "밀리그램", "μg": "마이크로그램",
    "t": "톤", "L": "리터", "l": "리터", "ml": "밀리리터", "mL": "밀리리터", "dL": "데시리터",
    "dl": "데시리터", "kl": "킬로리터", "cc": "시시", "m²": "제곱미터", "m2": "제곱미터",
    "km²": "제곱킬로미터", "km2": "제곱킬로미터", "cm²": "제곱센티미터", "cm2": "제곱센티미터",
    "mm²": "제곱밀리미터", "m³": "세제곱미터", "m3": "세제곱미터", "cm³": "세제곱센티미터",
    "cm3": "세제곱센티미터", "ha": "헥타르", "a": "아르", "KB": "킬로바이트", "kB": "킬로바이트",
    "MB": "메가바이트", "GB": "기가바이트", "TB": "테라바이트", "PB": "페타바이트",
    "Mbps": "메가비피에스", "Gbps": "기가비피에스", "kbps": "킬로비피에스",
    "MB/s": "메가바이트 퍼 세컨드", "Hz": "헤르츠", "kHz": "킬로헤르츠", "MHz": "메가헤르츠",
    "GHz": "기가헤르츠", "W": "와트", "kW": "킬로와트", "MW": "메가와트", "GW": "기가와트",
    "kWh": "킬로와트시", "Wh": "와트시", "V": "볼트", "kV": "킬로볼트", "A": "암페어",
    "mA": "밀리암페어", "mAh": "밀리암페어시", "Ah": "암페어시", "Ω": "옴", "dB": "데시벨",
    "cal": "칼로리", "kcal": "킬로칼로리", "J": "줄", "kJ": "킬로줄", "N": "뉴턴", "Pa": "파스칼",
    "kPa": "킬로파스칼", "hPa": "헥토파스칼", "ppm": "피피엠", "ppb": "피피비", "rpm": "알피엠",
    "px": "픽셀", "fps": "에프피에스", "pt": "포인트", "in": "인치", "ft": "피트",
    "yd": "야드", "lb": "파운드", "oz": "온스", "mi": "마일", "h": "시간", "hr": "시간",
    "min": "분", "s": "초", "sec": "초", "ms": "밀리초", "ns": "나노초", "mol": "몰",
    "lx": "럭스", "bar": "바", "kgf": "킬로그램힘", "dpi": "디피아이", "%": "퍼센트",
    "%p": "퍼센트포인트", "%P": "퍼센트포인트", "‰": "퍼밀", "°": "도",
    "μg/m³": "마이크로그램 퍼 세제곱미터", "μg/m3": "마이크로그램 퍼 세제곱미터",
    "mg/dL": "밀리그램 퍼 데시리터", "g/L": "그램 퍼 리터",
}  # fmt: skip
#: Units whose numerals are native: "3h" is "세 시간".
_NATIVE_UNITS = frozenset({"h", "hr"})
_SPEEDS = {
    "km/h": ("시속", "킬로미터"),
    "km/hr": ("시속", "킬로미터"),
    "km/s": ("초속", "킬로미터"),
    "m/s": ("초속", "미터"),
    "m/min": ("분속", "미터"),
    "mph": ("시속", "마일"),
}
_CODE = "|".join(_CODES)
# The scale stands before the number, or before the first number of a range.
_SCALE_SAID = re.compile(r"(?:섭씨|화씨|영하|영상) ?(?:[가-힣 ]{1,20}에서 )?$")
_FROM_BELOW = re.compile(r"섭씨 영하 [가-힣 ]{1,20}에서 $")
_FAR = 30
_EACH = "kg|g|L|l|km|m²|㎡|t|개|명|월|년|일|시간"
_UNIT = "|".join(map(re.escape, sorted(_UNITS, key=len, reverse=True)))
_SPEED = "|".join(map(re.escape, sorted(_SPEEDS, key=len, reverse=True)))
_NOT_LATIN = r"(?![A-Za-z²³])"
_MINUS = r"(?<![\w)\]])-"


def read_amounts(text: str) -> str:
    """Write money, temperatures, fractions and measures as they are said."""
    return rewrite_korean(_RULES, text)


def _plain(run: str) -> str:
    return decimal_number(run.replace(",", ""))


def _money(match: re.Match[str]) -> str:
    sign, amount, scale = match[1], match[2].replace(",", ""), match[3]
    currency = _CURRENCIES[sign]
    if scale:
        return f"{sino(str(int(Decimal(amount) * _SCALES[scale.upper()])))} {currency}"
    whole, _, cents = amount.partition(".")
    if currency.endswith("달러") and len(cents) == 2:
        said = [f"{sino(whole)} {currency}"] if int(whole) else []
        return " ".join([*said, *([f"{sino(str(int(cents)))} 센트"] if int(cents) else [])])
    return f"{decimal_number(amount)} {currency}"


def _temperature(match: re.Match[str]) -> str:
    minus, amount, sign = match[1], match[2], match[3]
    scale = "화씨" if sign.endswith(("℉", "F")) else "섭씨"
    before = match.string[max(0, match.start() - _FAR) : match.start()]
    sign = "영하 " if minus else "영상 " if _FROM_BELOW.search(before) else ""
    scale = "" if _SCALE_SAID.search(before) else f"{scale} "
    return f"{scale}{sign}{_plain(amount)} 도"


def _speed(match: re.Match[str]) -> str:
    rate, unit = _SPEEDS[match[3]]
    last = f"에서 {_plain(match[2])}" if match[2] else ""
    return f"{rate} {_plain(match[1])}{last} {unit}"


def _measure(match: re.Match[str]) -> str:
    if match[2] in _NATIVE_UNITS:
        return f"{match[1]}{_UNITS[match[2]]}"
    return f"{_plain(match[1])} {_UNITS[match[2]]}"


_RULES: tuple[Rule, ...] = (
    # 5,000원/kg
    (
        re.compile(rf"({AMOUNT}) ?(원|달러|엔|위안|유로)/({_EACH})(?![\w가-힣])"),
        lambda m: f"{_UNITS.get(m[3], m[3])}당 {_plain(m[1])} {m[2]}",
    ),
    (re.compile(rf"({_SIGN}) ?({AMOUNT})(?:([KMBkm])(?![A-Za-z]))?"), _money),
    (re.compile(rf"({AMOUNT}) ?({_SIGN})"), lambda m: f"{_plain(m[1])} {_CURRENCIES[m[2]]}"),
    (re.compile(rf"({_CODE}) ?({AMOUNT})"), lambda m: f"{_plain(m[2])} {_CODES[m[1]]}"),
    (
        re.compile(rf"({AMOUNT}) ?({_CODE})(?![A-Za-z])"),
        lambda m: f"{_plain(m[1])} {_CODES[m[2]]}",
    ),
    (re.compile(rf"(?:({_MINUS}) ?)?({AMOUNT}) ?(°[CF]|[℃℉])(?![A-Za-z])"), _temperature),
    (re.compile(rf"{_MINUS} ?({AMOUNT}) ?도(?!시)"), lambda m: f"영하 {_plain(m[1])} 도"),
    (re.compile(rf"{_MINUS}(?={AMOUNT})"), "마이너스 "),
    (
        re.compile(
            rf"(?:[시초분]속 ?(?:약 ?)?)?({AMOUNT})(?:{TO}({AMOUNT}))? ?({_SPEED}){_NOT_LATIN}"
        ),
        _speed,
    ),
    # 37°34'
    (
        re.compile(r"(\d{1,3})° ?(\d{1,2})'(?: ?(\d{1,2})\")?"),
        lambda m: f"{sino(m[1])} 도 {sino(m[2])} 분" + (f" {sino(m[3])} 초" if m[3] else ""),
    ),
    # 2와 1/2, 3/4
    (
        re.compile(r"(?<![\d.,/])(\d{1,4})/(\d{1,4})(?![\d/]|[.,]\d)"),
        lambda m: f"{sino(m[2])} 분의 {sino(m[1])}",
    ),
    (
        re.compile(r"(?<![\d.,])(\d{1,4}) ?분의 ?(\d{1,4})"),
        lambda m: f"{sino(m[1])} 분의 {sino(m[2])}",
    ),
    (re.compile(rf"({AMOUNT}) ?[x×X*] ?(?={AMOUNT})"), lambda m: f"{_plain(m[1])} 곱하기 "),
    (re.compile(rf"(?<![A-Za-z-])({AMOUNT}) ?({_UNIT}){_NOT_LATIN}"), _measure),
    # ㎡당
    (re.compile(rf"(?<![A-Za-z\d])({_UNIT})(?=당)"), lambda m: _UNITS[m[1]]),
)
