"""Writes numbers in Hangul, in both systems in which Korean counts.

Sino-Korean numerals (일, 이, 삼) are grouped by four digits: 만, 억, 조. Native numerals (하나, 둘)
reach 99; before a counter the last one changes (한 개, 두 개, 스무 개).
"""

from __future__ import annotations

_DIGITS = "영일이삼사오육칠팔구"
_SMALL_UNITS = ("", "십", "백", "천")
_LARGE_UNITS = ("", "만", "억", "조", "경", "해", "자", "양", "구", "간")
#: A number with more digits has no usual name and is read digit by digit.
MOST_DIGITS = 4 * len(_LARGE_UNITS)
_NATIVE_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")
_NATIVE_ONES = ("", "하나", "둘", "셋", "넷", "다섯", "여섯", "일곱", "여덟", "아홉")
_BEFORE_COUNTERS = {"하나": "한", "둘": "두", "셋": "세", "넷": "네", "스물": "스무"}
_MOST_NATIVE = 99


def sino(run: str) -> str:
    """Write a whole number in Sino-Korean numerals: "15,000" is "만 오천".

    One is left out before 십, 백 and 천, and before 만 where the number begins with it. A number
    that begins with 0 is read digit by digit.
    """
    run = run.replace(",", "")
    if len(run) > MOST_DIGITS or (len(run) > 1 and run[0] == "0"):
        return digit_names(run)
    if not run.strip("0"):
        return _DIGITS[0]
    groups = []
    for end in range(len(run), 0, -4):
        groups.append(run[max(0, end - 4) : end])
    words: list[str] = []
    for place in range(len(groups) - 1, -1, -1):
        said = _below_ten_thousand(groups[place])
        if not said:
            continue
        if place == 1 and said == "일" and not words:
            said = ""
        words.append(said + _LARGE_UNITS[place])
    return " ".join(words)


def native(value: int) -> str:
    """Write a number from 1 to 99 in native numerals, as it stands before a counter.

    From 100 to 119 and in other hundreds with a rest of 1 to 19, the rest is native: "백한". Any
    other number is Sino-Korean.
    """
    hundreds, rest = divmod(value, 100)
    if value <= _MOST_NATIVE or (value < 1000 and 0 < rest < 20):
        before = sino(str(hundreds * 100)) if hundreds else ""
        return before + _native_below_hundred(rest) if rest else sino(str(value))
    return sino(str(value))


def digit_names(run: str, zero: str = "공") -> str:
    """Write a number digit by digit: "010" is "공일공"; other characters are left out."""
    return "".join(
        zero if digit == "0" else _DIGITS[int(digit)] for digit in run if digit.isdigit()
    )


def decimal_number(run: str) -> str:
    """Write a number with or without decimals in Sino-Korean: "70.5" is "칠십 점 오"."""
    whole, *parts = run.split(".")
    said = [digit_names(parts[0], "영")] if len(parts) == 1 else [sino(part) for part in parts]
    return " 점 ".join([sino(whole or "0"), *said])


def _below_ten_thousand(group: str) -> str:
    said = ""
    for power, digit in zip(range(len(group) - 1, -1, -1), map(int, group), strict=True):
        if digit:
            said += ("" if digit == 1 and power else _DIGITS[digit]) + _SMALL_UNITS[power]
    return said


def _native_below_hundred(value: int) -> str:
    tens, ones = divmod(value, 10)
    last = _NATIVE_ONES[ones] or _NATIVE_TENS[tens]
    before = _NATIVE_TENS[tens] if ones else ""
    return before + _BEFORE_COUNTERS.get(last, last)
