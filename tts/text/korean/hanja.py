"""Reads the Chinese characters that Korean texts still have.

A gloss in brackets after its own reading, as in 대한민국(大韓民國), is left out. The table has the
characters that newspapers use alone (美, 北, 前) and frequent ones of names and words. A character
that is not in it has no symbol and is reported.
"""

from __future__ import annotations

import re

_READINGS = """
    가 家價加歌街可假 각 各角覺 간 間看 감 感減監 강 强江講康姜 개 開個改 객 客 거 去擧居巨
    건 建件健 검 檢劍 격 格 견 見 결 結決 경 京經慶景警競輕 계 界計階系 고 高古故告固考 곡 曲
    공 公工空共功 과 果科過課 관 官觀關管 광 光廣 교 校敎交橋 구 九口求區球救具句久舊 국 國局
    군 軍郡君 궁 宮 권 權 귀 貴 규 規 금 今禁 급 級急給 기 期氣記己技基器起機 길 吉 김 金 남 男南
    내 內 녀 女 년 年 농 農 능 能 단 單短團 담 談 답 答 당 黨當 대 大代對待 덕 德 도 道都島度圖刀導
    독 獨讀 동 東同動洞 두 頭 등 等登 락 樂 랑 郞 래 來 량 量良 려 麗 력 力歷 련 連 령 令領 례 禮例
    로 老路勞 론 論 료 料 류 流類柳 륙 六陸 률 律率 리 李里理利 림 林 립 立 마 馬 만 萬滿 말 末
    매 每賣買 면 面 명 名明命 모 母毛 목 木目 무 無武務 문 文門問 물 物 미 美米未味 민 民 박 朴
    반 反半班 발 發 방 方放防 배 倍 백 白百伯 번 番 법 法 변 變 별 別 병 病兵 보 保報步 복 福服
    본 本 봉 奉 부 父夫部不富 북 北 분 分 불 佛 비 非比費 빙 氷 사 四社史事士死使 산 山産 삼 三
    상 上商相賞 색 色 생 生 서 西書 석 石席 선 先善線選船 설 雪說 성 姓性成城星 세 世稅勢 소 小少所
    속 速 손 孫 송 宋 수 水手數首 숙 宿 순 純 술 術 습 習 승 勝 시 市時詩示施 식 食式 신 新身神信
    실 室失實 심 心 십 十 아 兒 악 惡 안 安 애 愛 야 夜野 약 藥 양 陽洋 어 語魚 억 億 언 言 업 業
    여 與餘 역 役驛 연 然硏演 열 熱 영 英永 예 藝 오 五午 옥 玉 온 溫 와 瓦 왕 王 외 外 요 要
    용 用勇 우 友雨右 운 運雲 원 元原員院園 월 月 위 位 유 有油 육 肉育 윤 尹 은 銀 음 音飮 읍 邑
    의 衣意醫 이 二以耳 인 人 일 日一 임 任 입 入 자 子自者字 작 作昨 장 長章場張 재 在才財再 쟁 爭
    저 低 적 的赤敵 전 前全電戰 절 節 점 店 정 正政定情庭鄭 제 第弟題濟帝際 조 朝祖調趙 족 族足
    종 種終 좌 左 주 主住週注株 죽 竹 준 準 중 中重 증 增 지 地紙知止 직 直職 진 眞 질 質 집 集
    차 車次 착 着 찰 察 참 參 창 窓 천 天川千 청 靑淸 체 體 초 初草 촌 村 최 崔最 추 秋 축 祝 춘 春
    출 出 충 充 친 親 칠 七 탈 脫 탐 探 태 太泰 토 土 통 通統 특 特 파 波派 판 板判 팔 八 패 敗
    편 便 평 平 폐 廢 포 包 표 表票 품 品 풍 風 필 必 하 下夏河 학 學 한 韓漢 합 合 해 海害解
    행 行幸 향 香 허 許 현 現 혈 血 형 兄形 호 號湖 혼 婚 홍 洪 화 火花話化 환 患 황 黃 회 會 효 孝
    후 後 훈 訓 휴 休 흉 凶 흑 黑 희 喜
"""
HANJA: dict[str, str] = {}
for _entry in re.findall(r"([가-힣]) ([一-鿿]+)", _READINGS):
    for _char in _entry[1]:
        HANJA.setdefault(_char, _entry[0])
# At the beginning of a word ㄹ and ㄴ change or fall away.
_INITIAL_LAW = {
    "녀": "여", "년": "연", "락": "낙", "랑": "낭", "래": "내", "량": "양", "려": "여", "력": "역",
    "련": "연", "령": "영", "례": "예", "로": "노", "론": "논", "료": "요", "류": "유", "륙": "육",
    "률": "율", "리": "이", "림": "임", "립": "입",
}  # fmt: skip
_CHARS = "㐀-䶿一-鿿豈-龎"
_GLOSS = re.compile(rf"(?<=[가-힣])(?:\([{_CHARS}]\)| ?\([{_CHARS}][{_CHARS} ,·]{{1,20}}\))")
_RUN = re.compile(rf"[{_CHARS}]+")


def read_hanja(text: str) -> str:
    """Write Chinese characters in Hangul; those that are not in the table stay."""
    return _RUN.sub(_said, _GLOSS.sub("", text))


def _said(match: re.Match[str]) -> str:
    said = [HANJA.get(char, char) for char in match[0]]
    if not match.string[: match.start()][-1:].isalnum():
        said[0] = _INITIAL_LAW.get(said[0], said[0])
    return "".join(said)
