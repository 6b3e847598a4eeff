from __future__ import annotations

import io
import sys
import threading
import time

import pytest

from tts.core import progress as module
from tts.core.output import TolerantStream
from tts.core.progress import announced, download_progress, progress


@pytest.fixture
def quick(monkeypatch):
    """The first line comes after 50 ms, and the others every 50 ms."""
    monkeypatch.setattr(module, "FIRST_AFTER", 0.05)
    monkeypatch.setattr(module, "AGAIN_AFTER", 0.05)


def test_what_is_quick_prints_nothing(capfd):
    with progress("counting", 3) as advance, announced("waiting"):
        advance(3)
    assert capfd.readouterr() == ("", "")
    assert threading.active_count() == 1


def test_what_takes_longer_prints_lines_to_standard_error(quick, capfd):
    with progress("counting", 4) as advance:
        advance(1)
        time.sleep(0.3)
    out, err = capfd.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert lines[0].startswith("counting: 25%, ")
    assert lines[0].endswith(" s left")
    assert len(lines) >= 2


def test_an_activity_of_unknown_length_is_named(quick, capfd):
    with announced("loading x\x1b[31m"):
        time.sleep(0.1)
    assert capfd.readouterr().err.startswith("loading x\\x1b[31m ...\n")


def test_of_two_activities_the_inner_one_prints(quick, capfd):
    with announced("outer"), announced("inner"):
        time.sleep(0.3)
    assert {line.split(" ")[0] for line in capfd.readouterr().err.splitlines()} == {"inner"}


def test_a_download_counts_bytes(quick, capfd):
    with download_progress("x.pt") as show:
        show(1_500_000, 3_000_000)
        time.sleep(0.1)
    assert capfd.readouterr().err.startswith("x.pt: 1.5 of 3.0 MB\n")


def test_a_terminal_gets_one_bar(quick, monkeypatch):
    class Terminal(io.StringIO):
        encoding = "utf-8"

        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", TolerantStream(terminal, "standard error"))
    with progress("outer [bold]\x1b]0;t\x07", 2) as advance:
        time.sleep(0.3)
        with progress("inner", 2):
            time.sleep(0.3)
        advance(2)
        assert not isinstance(sys.stderr, TolerantStream)  # lines of others go above the bar
    shown = terminal.getvalue()
    assert "outer [bold]\\x1b]0;t" in shown
    assert "100%" in shown
    assert "inner ..." in shown
    assert "\x1b]" not in shown


def test_the_first_of_several_ranks_shows_it(quick, monkeypatch, capfd):
    monkeypatch.setenv("RANK", "1")
    with progress("counting", 3):
        time.sleep(0.1)
    assert capfd.readouterr().err == ""


def test_an_error_in_the_block_ends_the_lines(quick, capfd):
    with pytest.raises(ZeroDivisionError), progress("counting", 3):
        raise ZeroDivisionError
    assert capfd.readouterr().err == ""
