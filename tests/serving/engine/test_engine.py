"""The engine speaks in a fair order, and what happens to one request happens to no other."""

import threading
import time

import numpy as np
import pytest

from tests.support.fake_voice import PATIENCE, FakeVoice, Gate
from tts.core.errors import InputError
from tts.serving.engine.engine import SpeechEngine
from tts.serving.engine.errors import (
    CouldNotSpeakError,
    EngineFaultError,
    NotSpokenError,
    OverloadedError,
    SlowSentenceError,
    SpeakingCancelledError,
    UnknownVoiceError,
)
from tts.serving.engine.limits import EngineLimits
from tts.serving.engine.request import SpeakingRequest


@pytest.fixture
def start():
    """Start an engine with one voice, ``v``, and end it with the test."""
    engines = []

    def start(voice, **limits):
        engines.append(SpeechEngine({"v": voice}, EngineLimits(**limits)))
        return engines[-1]

    yield start
    for engine in engines:
        engine.close(0)


def ask(text, **options):
    return SpeakingRequest(text, "v", **options)


def behind_a_gate(start, requests, **limits):
    """Submit requests while a first one is decoded; returns the voice after all are spoken."""
    gate = Gate()
    voice = FakeVoice(on_decode=gate)
    engine = start(voice, **limits)
    tickets = [engine.submit(ask("gate"))]
    assert gate.reached.wait(PATIENCE)
    tickets += [engine.submit(request) for request in requests]
    gate.opened.set()
    for ticket in tickets:
        ticket.result(PATIENCE)
    return voice


def test_the_sound_of_a_text_comes_in_order_with_its_record(start):
    ticket = start(FakeVoice()).submit(ask("one. three. five"))
    chunks = list(ticket.chunks())
    record = ticket.result(0)
    assert [len(chunk.samples) for chunk in chunks] == [3, 5, 4]
    assert [chunk.unit for chunk in chunks] == [0, 1, 2]
    assert all(chunk.samples.dtype == np.float32 for chunk in chunks)
    assert [part.text for part in record.parts] == ["one", "three", "five"]
    assert [part.start for part in record.parts] == [0.0, 0.003, 0.008]
    assert record.n_samples == 12
    assert record.speech is None
    assert (ticket.units_done, ticket.units_total) == (3, 3)


def test_mel_and_alignment_come_if_they_are_asked_for(start):
    record = start(FakeVoice()).submit(ask("one. two", keep_speech=True)).result(PATIENCE)
    assert record.speech.text == "one. two"
    assert len(record.speech.wave) == record.n_samples


def test_requests_that_wait_together_are_decoded_together(start):
    voice = behind_a_gate(start, [ask("a"), ask("b"), ask("c")])
    assert voice.batches == [["gate"], ["a", "b", "c"]]


def test_first_sentences_come_first_and_then_all_take_turns(start):
    voice = behind_a_gate(start, [ask("a1. a2. a3"), ask("b1. b2")], batch_size=1)
    assert voice.batches == [["gate"], ["a1"], ["b1"], ["a2"], ["b2"], ["a3"]]


def test_a_sentence_waits_for_one_batch_of_a_book_at_most(start):
    gate, engine = Gate(), None
    voice = FakeVoice(together=2, on_decode=gate)
    engine = start(voice)
    book = engine.submit(ask("b1. b2. b3. b4. b5. b6", lane="batch"))
    assert gate.reached.wait(PATIENCE)
    sentence = engine.submit(ask("hello"))
    gate.opened.set()
    sentence.result(PATIENCE)
    book.result(PATIENCE)
    assert voice.batches[:2] == [["b1", "b2"], ["hello"]]
    assert voice.spoken[0] == "hello"


def test_books_take_turns_and_a_new_one_does_not_stop_an_old_one(start):
    books = [ask("a1. a2. a3", lane="batch"), ask("b1. b2. b3", lane="batch")]
    voice = behind_a_gate(start, books, batch_size=1)
    assert voice.batches[1:] == [["a1"], ["b1"], ["a2"], ["b2"], ["a3"], ["b3"]]


def test_a_text_for_which_somebody_waits_now_leaves_the_lane_of_the_books(start):
    gate = Gate()
    voice = FakeVoice(on_decode=gate)
    engine = start(voice, batch_size=1)
    tickets = [engine.submit(ask("gate", lane="batch"))]
    assert gate.reached.wait(PATIENCE)
    tickets += [engine.submit(ask(f"{name}1. {name}2", lane="batch")) for name in "ab"]
    tickets.append(engine.submit(ask("i1. i2. i3")))
    engine.hurry(tickets[2])
    assert (engine.unfinished("interactive"), engine.unfinished("batch")) == (2, 2)
    gate.opened.set()
    for ticket in tickets:
        ticket.result(PATIENCE)
    order = [text for (text,) in voice.batches[1:]]
    assert sorted(order[:5]) == ["b1", "b2", "i1", "i2", "i3"]
    assert order.index("b2") < order.index("i3")  # they take turns
    assert order[5:] == ["a1", "a2"]


def test_a_new_book_joins_at_the_turn_of_the_old_one(start):
    reached, opened = threading.Event(), threading.Event()

    def on_decode(units, given_up):
        if units[0].text == "a3":
            reached.set()
            assert opened.wait(PATIENCE)

    voice = FakeVoice(on_decode=on_decode)
    engine = start(voice, batch_size=1)
    old = engine.submit(ask("a1. a2. a3. a4. a5", lane="batch"))
    assert reached.wait(PATIENCE)
    new = engine.submit(ask("b1. b2. b3", lane="batch"))
    opened.set()
    old.result(PATIENCE)
    new.result(PATIENCE)
    spoken_after = voice.batches[3:]
    assert spoken_after.index(["a4"]) < spoken_after.index(["b3"])
    assert spoken_after.index(["a5"]) <= spoken_after.index(["b3"]) + 1


def test_a_full_lane_says_when_to_come_again_and_the_other_lane_is_open(start):
    gate = Gate()
    engine = start(FakeVoice(on_decode=gate), interactive=2, batch=1)
    tickets = [engine.submit(ask("a")), engine.submit(ask("b"))]
    with pytest.raises(OverloadedError) as refused:
        engine.submit(ask("c"))
    assert refused.value.retry_after >= 1
    assert refused.value.headers["Retry-After"] == str(refused.value.retry_after)
    tickets.append(engine.submit(ask("d", lane="batch")))
    tickets[1].cancel()
    tickets.append(engine.submit(ask("e")))
    gate.opened.set()
    assert [t.result(PATIENCE).text for t in (tickets[0], *tickets[2:])] == ["a", "d", "e"]
    assert engine.unfinished("interactive") == 0


def test_a_cancelled_request_in_a_batch_leaves_the_others_alone(start):
    gate, told = Gate(), []

    def on_decode(units, given_up):
        gate(units, given_up)
        if len(units) == 3:
            tickets[1].cancel()
            told.append(list(given_up()))

    voice = FakeVoice(on_decode=on_decode)
    engine = start(voice)
    engine.submit(ask("gate"))
    assert gate.reached.wait(PATIENCE)
    tickets = [engine.submit(ask(text)) for text in ("a", "b", "c")]
    gate.opened.set()
    assert tickets[0].result(PATIENCE).n_samples == 1
    assert tickets[2].result(PATIENCE).n_samples == 1
    assert told == [[False, True, False]]
    assert "b" not in voice.spoken
    with pytest.raises(SpeakingCancelledError):
        tickets[1].result(PATIENCE)


def test_a_cancelled_request_that_waits_is_never_begun(start):
    gate = Gate()
    voice = FakeVoice(on_decode=gate)
    engine = start(voice, batch_size=1)
    first = engine.submit(ask("gate"))
    assert gate.reached.wait(PATIENCE)
    second = engine.submit(ask("never"))
    second.cancel()
    gate.opened.set()
    first.result(PATIENCE)
    engine.close(PATIENCE)
    assert voice.batches == [["gate"]]
    assert second.state == "cancelled"


def test_a_sentence_that_takes_too_long_is_given_up(start):
    def on_decode(units, given_up):
        begin = time.monotonic()
        while units[0].text == "slow" and not given_up()[0]:
            assert time.monotonic() - begin < PATIENCE

    engine = start(FakeVoice(on_decode=on_decode))
    with pytest.raises(SlowSentenceError, match="'slow' was given up"):
        engine.submit(ask("slow", sentence_seconds=0.05)).result(PATIENCE)
    assert engine.submit(ask("quick")).result(PATIENCE).n_samples == 5


def test_a_fault_ends_its_request_and_the_engine_goes_on(start, caplog):
    def on_decode(units, given_up):
        if units[0].text == "bad":
            raise ZeroDivisionError("of a test")

    engine = start(FakeVoice(on_decode=on_decode))
    with pytest.raises(EngineFaultError):
        engine.submit(ask("bad")).result(PATIENCE)
    assert "of a test" in caplog.text
    assert engine.submit(ask("good")).result(PATIENCE).n_samples == 4


def test_a_strict_request_gives_no_sound_of_a_failed_part(start):
    engine = start(FakeVoice(stop_reason="max_steps"))
    ticket = engine.submit(ask("one. two", strict=True))
    with pytest.raises(CouldNotSpeakError, match="part 1, 'one': it was cut off"):
        list(ticket.chunks())
    lenient = engine.submit(ask("one. two")).result(PATIENCE)
    assert lenient.failed
    assert [part.failed for part in lenient.parts] == [True, True]


def test_an_unknown_voice_is_refused_with_those_that_there_are(start):
    with pytest.raises(UnknownVoiceError, match="no voice 'w'; choose from v"):
        start(FakeVoice()).submit(SpeakingRequest("a", "w"))


def test_an_illegal_lane_is_refused():
    with pytest.raises(InputError, match="lane=fast"):
        ask("a", lane="fast")


def test_closing_finishes_what_is_being_spoken_and_gives_back_the_rest(start):
    gate = Gate()
    engine = start(FakeVoice(on_decode=gate), batch_size=1)
    running, waiting = engine.submit(ask("running. on")), engine.submit(ask("waiting"))
    assert gate.reached.wait(PATIENCE)
    closing = threading.Thread(target=lambda: left.extend(engine.close(PATIENCE)))
    left = []
    closing.start()
    with pytest.raises(NotSpokenError):
        waiting.result(PATIENCE)
    gate.opened.set()
    closing.join(PATIENCE)
    assert running.result(0).n_samples == 9
    assert left == [waiting]
    with pytest.raises(NotSpokenError):
        engine.submit(ask("late"))
    assert not engine.is_alive


def test_closing_stops_the_decoder_when_the_time_is_over(start):
    reached = threading.Event()

    def on_decode(units, given_up):
        reached.set()
        begin = time.monotonic()
        while not given_up()[0]:
            assert time.monotonic() - begin < PATIENCE

    engine = start(FakeVoice(on_decode=on_decode))
    ticket = engine.submit(ask("endless"))
    assert reached.wait(PATIENCE)
    assert engine.close(0.01) == [ticket]
    with pytest.raises(NotSpokenError):
        ticket.result(0)


def test_the_engine_waits_for_a_listener_that_is_far_behind(start, monkeypatch):
    monkeypatch.setattr("tts.serving.engine.ticket.MOST_UNREAD_SECONDS", 0.004)
    voice = FakeVoice(together=1)
    ticket = start(voice).submit(ask("aaa. bbb. ccc. ddd", keep_sound=False))
    reader = ticket.chunks()
    next(reader)
    assert "ddd" not in voice.spoken  # two units are ahead of the listener then
    assert sum(len(chunk.samples) for chunk in reader) == 9
    assert ticket.result(PATIENCE).n_samples == 12
