"""Says which numerals a counter has: 세 잔, but 삼 층.

Sino-Korean numerals are the rule. The counters of this table have native ones, up to a limit above
which people say Sino-Korean ones (스무 시간, but 이십사 시간).
"""

from __future__ import annotations

_ALL = 999
_COUNTED = """
    가닥 가마 가마니 가지 갈래 갑 개 개비 걸음 겹 곡 곳 공기 군데 권 그루 그릇 글자 꼬집 꼭지
    꾸러미 끼 나라 다발 달 대 덩어리 덩이 마디 마리 명 모금 묶음 문제 바퀴 박스 발짝 방울 번째 벌
    병 봉 봉지 뼘 뿌리 사람 사발 살 상자 송이 숟가락 숟갈 스푼 식구 쌍 아름 자리 정거장 알 움큼 입
    자루 작은술 잔 장 접시 조각 종류 주먹 줄 짝 차례 채 척 칸 캔 컵 켜 켤레 큰술 토막 톨 통 팩 판
    편 포기 포대 필지
""".split()
_COUNTERS: dict[str, int] = {
    **dict.fromkeys(_COUNTED, _ALL),
    "가구": 9, "건": 19, "게임": 10, "골": 10, "과목": 10, "근": 10, "단어": 19, "돈": 10, "모": 10,
    "문장": 19, "발": 19, "배": 10, "세트": 10, "시": 12, "시간": 20, "팀": 10, "평": 10,
}  # fmt: skip
# Words that begin like one of these counters, but have Sino-Korean numerals
_OTHERS = """
    개교 개국 개년 개사 개소 개월 개조 건물 골드 달러 대회 명당 모델 발전 배우 봉사 살균 시리즈
    시즌 알파 입방 장면 채널 통신 판매 평균 평방 포인트
""".split()
_NATIVE = "|".join(sorted(_COUNTERS, key=len, reverse=True))
#: Matches a counter with native numerals.
NATIVE_COUNTER = rf"(?!{'|'.join(_OTHERS)})(?:{_NATIVE})"
# Sino-Korean counters before which a space is written; others stay as they are written
_SPACED = """
    개국 개년 개소 개월 교시 나노 년대 단계 달러 도 리터 그램 마이크로 미터 밀리 박 분 세 센트 센티
    시간 엔 연승 연패 원 위안 유로 인분 인치 인 점 주 주년 쪽 초 킬로 톤 퍼센트 페이지 평 프로 홈런
""".split()
#: Matches the place before such a counter.
SPACED_COUNTER = rf"(?={'|'.join(sorted(_SPACED, key=len, reverse=True))})"


def limit_of(counter: str) -> int:
    """Return the largest number with which a counter has a native numeral."""
    return _COUNTERS[counter]
