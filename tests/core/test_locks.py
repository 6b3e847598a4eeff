"""Locks exclude others while they are held, and are free again afterwards."""

from __future__ import annotations

import logging
import threading
import time

from tts.core.locks import process_lock, try_lock, wait_for_lock


def test_a_held_lock_is_not_given_again(tmp_path):
    held = try_lock(tmp_path / "lock")
    assert held is not None
    assert try_lock(tmp_path / "lock") is None
    held.release()
    again = try_lock(tmp_path / "lock")
    assert again is not None
    again.release()


def test_waiting_ends_when_the_lock_is_free_and_is_logged(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    is_held = threading.Event()

    def hold():
        with wait_for_lock(tmp_path / "lock", "making mels"):
            is_held.set()
            time.sleep(0.1)

    holder = threading.Thread(target=hold)
    holder.start()
    is_held.wait()
    with wait_for_lock(tmp_path / "lock", "making mels"):
        assert try_lock(tmp_path / "lock") is None
    holder.join()
    assert caplog.messages == ["making mels: another process is doing this; waiting for it"]


def test_the_lock_of_a_process_is_free_at_first(tmp_path):
    with process_lock(tmp_path / "lock", patience=0) as is_held:
        assert is_held
