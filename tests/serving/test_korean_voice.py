"""A voice that reads Korean has readings, and takes words of the lexicon in Hangul."""

from dataclasses import replace

import pytest

from tests.support.serving import HummingVoice, client_of
from tts.inference.reader import DecodingUnit
from tts.serving.ordering import looked_up
from tts.text import Tokenizer


@pytest.fixture
def korean_client(make_service):
    service = make_service()
    voice: HummingVoice = service.desk.voices["other"]
    voice._tokenizer = Tokenizer("korean", "korean")
    voice.entry = replace(voice.entry, language="ko")
    with client_of(service) as client:
        yield client


def test_readings_are_in_hangul(korean_client):
    body = {"text": "커피 2잔, 3시 ☃", "voice": "other"}
    answer = korean_client.post("/v1/readings", json=body).json()
    assert answer["sentences"][0]["reading"].strip() == "커피 두 잔, 세 시"
    assert answer["unknown"] == [{"text": "☃", "offset": 10}]


def test_a_word_of_the_lexicon_has_a_reading_in_hangul(korean_client):
    right = {"reading": "지에스 이십오", "language": "ko"}
    put = korean_client.put("/v1/lexicon/GS25", json=right)
    assert (put.status_code, put.json()["word"]) == (200, "gs25")
    assert korean_client.put("/v1/lexicon/물고기", json={**right, "reading": "물꼬기"}).is_success
    wrong = korean_client.put("/v1/lexicon/GS25", json={**right, "reading": "G S"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_reading")
    assert "is not Hangul" in wrong.text


def test_an_entry_belongs_to_texts_with_its_word():
    tokenizer = Tokenizer("korean", "korean", lexicon={"gs25": "지에스 이십오", "cu": "씨유"})
    units = [DecodingUnit("GS25에서 샀다", ()), DecodingUnit("CUP", ())]
    assert looked_up(tokenizer, units) == {"gs25"}
