"""Threads that a service starts are waited for when it ends."""

import threading
import time

from tts.serving.threads import ThreadGroup


def test_the_end_waits_for_what_was_started():
    done, group = [], ThreadGroup("slow")
    for number in range(3):
        group.start(lambda each: (time.sleep(0.05), done.append(each)), number)
    group.join()
    assert sorted(done) == [0, 1, 2]
    assert not [thread for thread in threading.enumerate() if thread.name == "slow"]


def test_a_thread_that_is_being_started_can_be_waited_for(monkeypatch):
    start, group, failures = threading.Thread.start, ThreadGroup("late"), []

    def slow_start(thread):
        if thread.name == "late":
            time.sleep(0.05)
        start(thread)

    def join():
        try:
            group.join()
        except RuntimeError as error:
            failures.append(error)

    monkeypatch.setattr(threading.Thread, "start", slow_start)
    starter = threading.Thread(target=lambda: group.start(int))
    starter.start()
    time.sleep(0.02)  # the thread is in the group, and has not started
    join()
    starter.join()
    assert failures == []
