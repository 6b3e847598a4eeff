"""A ticket gives sound to threads and event loops, in order and once or from the beginning."""

import asyncio
import threading

import numpy as np
import pytest

from tests.support.fake_voice import PATIENCE
from tts.serving.engine.errors import EngineFaultError, SpeakingCancelledError
from tts.serving.engine.record import SpeechRecord
from tts.serving.engine.request import SpeakingRequest
from tts.serving.engine.ticket import MOST_UNREAD_SECONDS, SoundChunk, Ticket

RATE = 1000


def ticket(changed=lambda: None, **options):
    return Ticket(SpeakingRequest("a. b.", "v", **options), RATE, ["a", "b"], changed)


def chunk(value, n=3):
    return SoundChunk(np.full(n, value, np.float32), RATE, 0)


def record():
    return SpeechRecord("a. b.", "v", 0, RATE, 6, (), 0.1)


def values(chunks):
    return [float(each.samples[0]) for each in chunks]


def test_chunks_come_in_order_from_another_thread_and_again_from_the_beginning():
    given = ticket()

    def speak():
        for value in range(5):
            given.add(chunk(value))
        given.finish(record())

    thread = threading.Thread(target=speak)
    thread.start()
    assert values(given.chunks()) == [0, 1, 2, 3, 4]
    assert values(given.chunks()) == [0, 1, 2, 3, 4]
    thread.join(PATIENCE)
    assert given.state == "done"
    assert given.result(0) == record()


def test_an_event_loop_reads_while_another_thread_speaks():
    given, heard = ticket(), threading.Event()

    def speak():
        given.add(chunk(1))
        assert heard.wait(PATIENCE)  # the loop hears the first chunk before the second is made
        given.add(chunk(2))
        given.finish(record())

    async def listen():
        found = []
        async for each in given.stream():
            found.append(float(each.samples[0]))
            heard.set()
        return found

    async def listen_twice():
        thread = threading.Thread(target=speak)
        thread.start()
        found = await asyncio.wait_for(asyncio.gather(listen(), listen()), PATIENCE)
        await asyncio.to_thread(thread.join, PATIENCE)
        return found

    assert asyncio.run(listen_twice()) == [[1, 2], [1, 2]]


def test_an_error_comes_after_the_sound_before_it():
    given = ticket()
    given.add(chunk(1))
    given.fail(EngineFaultError())
    chunks = given.chunks()
    assert float(next(chunks).samples[0]) == 1
    with pytest.raises(EngineFaultError):
        next(chunks)
    with pytest.raises(EngineFaultError):
        given.result(0)
    assert given.state == "failed"


def test_a_cancelled_ticket_takes_no_more_sound_and_says_so_once():
    calls = []
    given = ticket(lambda: calls.append(1))
    given.cancel()
    given.cancel()
    given.add(chunk(1))
    given.finish(record())
    assert given.state == "cancelled"
    assert given.record is None
    assert calls == [1]
    with pytest.raises(SpeakingCancelledError):
        list(given.chunks())


def test_sound_that_is_not_kept_is_forgotten_and_the_engine_waits_for_its_listener():
    calls = []
    given = ticket(lambda: calls.append(1), keep_sound=False)
    given.add(chunk(1, n=int(MOST_UNREAD_SECONDS * RATE)))
    assert not given.is_far_behind
    given.add(chunk(2))
    assert given.is_far_behind
    reader = given.chunks()
    next(reader)
    assert calls == [1]
    assert not given.is_far_behind
    with pytest.raises(RuntimeError, match="read once"):
        next(given.chunks())
    given.finish(record())
    assert values(reader) == [2]


def test_kept_sound_never_makes_the_engine_wait():
    given = ticket()
    given.add(chunk(1, n=int(2 * MOST_UNREAD_SECONDS * RATE)))
    assert not given.is_far_behind


def test_a_watcher_is_told_of_changes_inside_its_block_only():
    given, seen = ticket(), []
    with given.watched(lambda: seen.append(given.state)):
        given.start()
        given.add(chunk(1))
        given.finish(record())
    given.cancel()
    assert seen == ["speaking", "done"]


def test_waiting_for_the_end_has_a_limit():
    with pytest.raises(TimeoutError):
        ticket().result(0.01)
