"""Reads signs: arithmetic by its words (더하기), others by their names, or as pauses."""

from __future__ import annotations

import re

from tts.text.jamo import particle
from tts.text.korean.numerals import sino
from tts.text.korean.rules import rewrite_korean
from tts.text.normalize.rules import Rule

# The second and third power have names of their own.
_POWERS = {"이": "", "삼": "세"}
_NAMES = {
    "&": "앤드", "+": "플러스", "=": "는", "@": "골뱅이", "#": "샵", "%": "퍼센트", "‰": "퍼밀",
    "°": "도", "±": "플러스마이너스", "×": "곱하기", "÷": "나누기", "<": "보다 작다",
    ">": "보다 크다", "≤": "이하", "≥": "이상", "≠": "같지 않다", "≈": "약", "≒": "약",
    "∞": "무한대", "√": "루트", "∑": "시그마", "∴": "그러므로", "∵": "왜냐하면", "℃": "섭씨",
    "℉": "화씨", "₩": "원", "$": "달러", "€": "유로", "£": "파운드", "¥": "엔", "¢": "센트",
    "§": "절", "★": "별", "☆": "별", "♥": "하트", "♡": "하트", "❤": "하트", "♪": "음표",
    "♫": "음표", "☎": "전화", "☏": "전화", "→": "화살표", "←": "왼쪽 화살표", "↑": "위쪽 화살표",
    "↓": "아래쪽 화살표", "○": "동그라미", "●": "동그라미", "◎": "동그라미", "□": "네모",
    "■": "네모", "△": "세모", "▲": "세모", "▽": "역세모", "▼": "역세모", "◇": "마름모",
    "◆": "마름모", "©": "저작권", "²": "제곱", "³": "세제곱", "^": "캐럿", "~": "물결",
    "|": "세로줄", "₿": "비트코인",
}  # fmt: skip
# After the last syllable of these, a tilde is a long vowel; elsewhere it joins two places.
_ENDINGS = "요다네녕죠까해아어오야응지라자구군나니데게걸께세와우"


def read_arithmetic(text: str) -> str:
    """Write the signs of a calculation: 3+5=8 is "삼 더하기 오는 팔"."""
    return rewrite_korean(_ARITHMETIC, text)


def read_korean_signs(text: str) -> str:
    """Write signs by their names, and marks of quotation and the like as pauses or not at all."""
    return rewrite_korean(_SIGNS, text)


def _power(match: re.Match[str]) -> str:
    base, minus, exponent = match.groups()
    said = sino(exponent)
    if minus:
        return f"{base}의 마이너스 {said}제곱"
    return f"{base}의 {_POWERS.get(said, said)}제곱"


def _smaller(match: re.Match[str]) -> str:
    return f"{match[1]}{particle(match[1], '은', '는')} {match[2].rstrip()}보다 작다"


_ARITHMETIC: tuple[Rule, ...] = (
    # 10^3
    (re.compile(r"([\w)])\^(-?)(\d{1,3})"), _power),
    (re.compile(r"(?<=[\d)]) ?- ?(?=[\d(][\d.,]*\)? ?=)"), " 빼기 "),
    (re.compile(r"(?<=[\d)]) - (?=[\d(])"), " 빼기 "),
    (re.compile(r"(?<=[\d)]) ?\+ ?(?=[\d(]|[영일이삼사오육칠팔구십백천만])"), " 더하기 "),
    (re.compile(r"(?<=[\d)]) ?[×*] ?(?=[\d(])"), " 곱하기 "),
    (re.compile(r"(?<=[\d)]) ?÷ ?(?=[\d(])"), " 나누기 "),
    (re.compile(r"(?<=[\d)]) ?± ?(?=\d)"), " 플러스마이너스 "),
    (re.compile(r"±(?=\d)"), "플러스마이너스 "),
)
_SIGNS: tuple[Rule, ...] = (
    (re.compile(r"\^\^+;*|\^_+\^|-_+-;*|(?<=[가-힣]);{2,}|[:;][-']?[)(D](?![\w])"), " "),
    (re.compile(r"(?<=퍼센트) ?↑"), " 상승"),
    (re.compile(r"(?<=퍼센트) ?↓"), " 하락"),
    # bullets, and a name that is not told
    (re.compile(r"[▲△▼▽■□◆◇●◎▶▷]+ ?(?=\w)"), " "),
    (re.compile(r"(?<=[가-힣])○{1,3}"), lambda m: "공" * len(m[0])),
    (re.compile(r"([가-힣])(\)?) ?= ?"), lambda m: f"{m[1]}{particle(m[1], '은', '는')} "),
    (re.compile(r"([가-힣]) ?< ?([가-힣 ]{1,30})(?![가-힣>])"), _smaller),
    (re.compile(rf"(?<=[{_ENDINGS}ㅋㅎㅠㅜ])~+"), ""),
    (re.compile(r"(\w) ?~ ?(?=\w)"), r"\1에서 "),
    (re.compile(r"(?<=\w)~+|~+(?=\s*$)(?<=\w)"), ""),
    (re.compile(r"([가-힣]) ?[→➔⇒] ?(?=[가-힣])"), r"\1에서 "),
    (re.compile(r"(?<=[가-힣\w])·(?=[가-힣\w])"), ", "),
    (re.compile(r"(?<=[\w가-힣]) ?/ ?(?=[\w가-힣])"), ", "),
    (re.compile(r"#(?=[가-힣A-Za-z_])"), "샵 "),
    (re.compile(r"\*+|_+|`+|·"), " "),
    (re.compile(r"<([^<>]{1,60})>"), r" \1 "),
    (re.compile("[" + re.escape("".join(_NAMES)) + "]+"), lambda m: f" {_names(m[0])} "),
)  # fmt: skip


def _names(run: str) -> str:
    """Return the names of signs; a run of one sign is said once."""
    return " ".join(_NAMES[sign] for i, sign in enumerate(run) if i == 0 or run[i - 1] != sign)
