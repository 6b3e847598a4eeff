"""Holds the rules for whole classes of Korean words that are not said as they are written.

Each rule writes what it is certain of as Hangul that sounds so; see ``tts.text.korean.respelling``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tts.text.jamo import INITIALS, join_jamo, to_jamo
from tts.text.korean.sounds import HIGH_VOWELS, at_end, ending_in, syllables, tense, with_nieun

_Respell = Callable[[re.Match[str]], str]

_SONORANT = ending_in("ᆫᆯᆷᆼ")
_NIEUN = ending_in("ᆫ")
_RIEUL = ending_in("ᆯ")
_ANY_FINAL = ending_in()
_VOWEL = syllables(initials="ᄋ")
_HIGH = syllables(initials="ᄋ", vowels=HIGH_VOWELS)
_WITH_CONSONANT = syllables(initials=[initial for initial in INITIALS if initial not in "ᄋᄒ"])
#: What may follow a noun, so that its last syllable is a suffix and not the beginning of a word.
_PARTICLE = (
    r"(?=$|[^가-힣]|[은는이가을를의에과와도만]|으로|로|까지|부터|처럼|보다|하|되|적|들|마다|조차)"
)
#: Nouns of two syllables that end like a suffix.
_FULL_WORDS = (
    "난로 연로 선로 진로 언로 연료 원료 진료 관료 완료 만료 권력 전력 인력 근력 혼란 "
    "곤란 반란 산란 논란 찬란 현란 분란 환란 전란 문란 분량 언론 본론 원론 변론 반론 "
    "통역 번역 면역 병역 현역 검역 전역 권역 영역 용역 반역 방역 악역 단역 완역 직역 "
    "징역 성역 광역 음역 노역 활용 적용 실용 인용 관용 응용 통용 운용 복용 준용 남용 "
    "겸용 신용 착용 등용 혼용 포용 작용 상용 병용 전용 약용 군용 식용 학용 공용 민용 "
    "연용 중용 임용 원용 영용 환율 선율 운율 전율 한약 안약 계약 공약 절약 예약 제약 "
    "조약 선약 협약 만약 언약 집약 탄약 화약 빈약 박약 도약 활약 강약 서약 청약 극약 "
    "마약 "
).split()
#: Endings after the ending -ㄹ, whose first consonant is tense in every verb.
_AFTER_RIEUL = "수록|지라도|지언정|진대|세라"
#: Syllables that end in -ㄹ in verbs only, before a promise or a guess.
_FUTURE = "[을할갈올볼될릴낼킬쉴]"
#: What is counted by numbers of Chinese origin, so that 일 before it is one, and not work.
_COUNTED = (
    "(?! ?(?:년|월|일|번|분|초|원|호|층|학년|등|위|차|단|점|대|회|개|인분|킬로|미터|퍼센트|"
    "도|장|편|주))"
)
#: Syllables before the day of the month, and before a number.
_NUMBER = "[천만억백십월]"


def apply_rules(text: str) -> str:
    """Return a text in which the words of the rules are written as they sound."""
    for pattern, respell in _RULES:
        text = pattern.sub(respell, text)
    return text


def _suffix(suffix: str, before: str) -> re.Pattern[str]:
    """Return a pattern for a suffix after a noun of two or more syllables."""
    words = [word for word in _FULL_WORDS if re.fullmatch(suffix, word[1])]
    is_suffix = "".join(f"(?<!{word[0]}(?={word[1]}))" for word in words)
    return re.compile(rf"(?<=[가-힣]{before}){is_suffix}{suffix}{_PARTICLE}")


def _first(respell: Callable[[str], str]) -> _Respell:
    """Respell the first syllable of a match."""
    return lambda match: respell(match[0][0]) + match[0][1:]


def _last(respell: Callable[[str], str]) -> _Respell:
    """Respell the last syllable of a match."""
    return lambda match: match[0][:-1] + respell(match[0][-1])


def _palatal(match: re.Match[str]) -> str:
    """Return 다쳐 for 닫혀."""
    return join_jamo(to_jamo(match[0][0])[:2]) + {"혀": "쳐", "혔": "쳤"}[match[0][1]]


def _as(said: str) -> _Respell:
    return lambda match: said


_RULES: tuple[tuple[re.Pattern[str], _Respell], ...] = (
    # 10: 밟다, 넓죽하다
    (re.compile(f"밟(?={_WITH_CONSONANT})"), _as("밥")),
    (re.compile("넓(?=[죽둥적])"), _as("넙")),
    (re.compile(f"여덟(?!{_VOWEL})"), _as("여덜")),
    # 12, 17: 놓치다, 닫혀, 꽂혀
    (re.compile(f"{ending_in('ᇂ')}(?=치)"), _first(at_end)),
    (re.compile(f"{ending_in('ᆮᆽ')}[혀혔]"), _palatal),
    # 15: 맛없다, 끝없다, but 없 is no part of another word after these
    (re.compile(f"{ending_in('ᆩᆪᆰᆿᆺᆽᆾᇀᆹᇁ')}(?=없)"), _first(at_end)),
    # 16: the names of the letters
    (re.compile("디귿"), _as("디긋")),
    (re.compile("[지치티히](?:읒|읓|읕|읗)"), lambda match: match[0][0] + "읏"),
    (re.compile("키읔"), _as("키윽")),
    (re.compile("피읖"), _as("피읍")),
    # 20: 생산량, 판단력
    (_suffix("[량력론료란로]", _NIEUN), _first(with_nieun)),
    # 26: 현실적, 개별적
    (re.compile(f"(?<=[가-힣]{_RIEUL})적(?=으로|인|이|일|$|[^가-힣])"), _first(tense)),
    # 27: the endings -ㄹ수록, -ㄹ게, -ㄹ걸, -ㄹ거야, -ㄹ지
    (re.compile(f"(?<={_RIEUL})(?:{_AFTER_RIEUL})"), _first(tense)),
    (re.compile(f"(?<={_FUTURE})[게걸](?=요|$|[^가-힣])"), _first(tense)),
    (re.compile(f"(?<={_FUTURE})거(?=[야예에다라니고지면래])"), _first(tense)),
    (re.compile("(?<=[을할올될릴])지(?=[도는가를만]|$|[^가-힣])"), _first(tense)),
    # 28: 달빛, 땅값
    (
        re.compile(f"(?<={_SONORANT})(?<!한)[빛값](?=$|[^가-힣]|[은이을의에과도만]|으로)"),
        _first(tense),
    ),
    (re.compile(f"(?<={_SONORANT})(?<![한큰먼긴온흰])길{_PARTICLE}"), _first(tense)),
    (re.compile(f"(?<={_SONORANT})가(?=루)"), _first(tense)),
    (re.compile(f"(?<={ending_in('ᆯᆷ')})소(?=리)"), _first(tense)),
    # 29: numerals, stations, what is made for something, rates, and some nouns in compounds
    (re.compile("(?<=[십백천만억])육(?![성군체아질지교수식])"), _first(with_nieun)),
    (re.compile("(?<=열|물|른|흔|쉰|순|든)여(?=섯|덟|덜)"), _first(with_nieun)),
    (re.compile("(?<=[일삼육칠팔십백천만]) 연(?=대)"), _last(with_nieun)),
    (_suffix("역", _ANY_FINAL), _first(with_nieun)),
    (_suffix("용", _ANY_FINAL), _first(with_nieun)),
    (_suffix("약", _ANY_FINAL), _first(with_nieun)),
    (_suffix("율", _NIEUN), _first(with_nieun)),
    (
        re.compile(f"(?<={_ANY_FINAL})(?:여행|열차|요리|윤리|영화|연필|이불|이야기|여성|여자)"),
        _first(with_nieun),
    ),
    # 29: in phrases
    (re.compile(f"(?<![가-힣])못 {_HIGH}"), _last(with_nieun)),
    (re.compile("(?<![가-힣])[옷잘] [입익읽잊]"), _last(with_nieun)),
    (
        re.compile(
            f"(?!{_NUMBER}){ending_in('ᆫᆯ')} 일{_COUNTED}(?=$|[^가-힣]|[은이을의에과도만로들]|까지)"
        ),
        _last(with_nieun),
    ),
    (re.compile(f"{ending_in('ᆫᆯ')} 엿(?=$|[^가-힣]|[은이을의과도만])"), _last(with_nieun)),
    # 15: a word that another one follows ends with its own sound
    (re.compile(f"{ending_in('ᆩᆪᆰᆿᆺᆻᆽᆾᇀᆹᇁᆲᆳᆴᆱᆵ')}(?= (?:{_VOWEL}|{syllables(initials='ᄒ')}))"), _first(at_end)),
)
