"""Checks that what is printed ends no run, tricks no terminal, and fits every encoding."""

import errno
import io
import logging
import os
import re
import subprocess
import sys

import pytest

from tests.support.paths import REPO
from tts.core.errors import InputError
from tts.core.output import (
    LogHandler,
    TolerantStream,
    console,
    print_error,
    print_line,
    print_result,
    printable,
    protect_streams,
)

#: What a hostile name does to a terminal: a colour, a title, a cleared screen, a reversed text.
HOSTILE = "a\x1b[31mb\x1b]0;title\x07c\x9bd\x7fe\u202ef\rg\nh"
ESCAPED = r"a\x1b[31mb\x1b]0;title\x07c\x9bd\x7fe\u202ef\rg\nh"

#: Prints through every way to print, of this package and of others.
PRINTS = """
import logging, sys, warnings
from tts.core.output import *
from tts.core.output import LogHandler, console
protect_streams()
logging.basicConfig(level=logging.INFO, handlers=[LogHandler()])
for _ in range(2000):
    print_line("a line of this package " * 5)
    print("a line of another package " * 5)
    logging.info("a log message")
    console().print("a line of rich")
    print_error("an error")
    warnings.warn("a warning")
sys.stdout.flush()
open(sys.argv[1], "w").write("reached the end")
"""


@pytest.fixture
def streams(monkeypatch):
    """Replace standard output by a stream of an encoding, and return the bytes that it received."""

    def replace(encoding="utf-8"):
        received = io.BytesIO()
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(received, encoding, write_through=True))
        return received

    return replace


def failing(number):
    """Return a stream whose writes fail with an error of the system."""

    class Failing(io.StringIO):
        encoding = "utf-8"

        def write(self, text):
            raise OSError(number, os.strerror(number))

    return Failing()


def test_control_characters_are_shown_as_escapes():
    assert printable(HOSTILE) == ESCAPED
    assert printable("a\tb\nc", keep="\n") == "a\\tb\nc"
    for harmless in ("naïve café, 日本語, שלום, नमस्ते", "a\u200db", "\\x1b"):
        assert printable(harmless) == harmless


def test_every_way_to_print_escapes_control_characters(streams):
    received = streams()
    print_line(HOSTILE)
    print_result(f"{HOSTILE}\n")
    console(width=300).print(HOSTILE, markup=False, highlight=False)
    LogHandler().emit(logging.LogRecord("x", logging.INFO, "", 0, "%s", (HOSTILE,), None))
    printed = received.getvalue().decode()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", printed)
    assert printed.splitlines()[0] == ESCAPED
    assert printed.count(r"\x1b]0;title") == 4  # rich itself removes the \x07


def test_a_line_of_another_package_keeps_its_colours_and_nothing_else(streams, monkeypatch):
    received = streams()
    monkeypatch.setattr("sys.stdout", TolerantStream(sys.stdout, "standard output"))
    sys.stdout.write("\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b[2J\x9b\r")
    assert received.getvalue().decode() == "\x1b[31mred\x1b[0m \\x1b]0;title\\x07\\x1b[2J\\x9b\r"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "koi8-r"])
def test_a_terminal_without_a_character_gets_a_similar_one_or_its_escape(streams, encoding):
    received = streams(encoding)
    print_line("“a…” → 日本 \udce9")
    console(width=60).print("“a…” → 日本")
    first, second = received.getvalue().decode(encoding).splitlines()
    assert "日" not in first
    assert r"\u65e5\u672c \udce9" in first
    assert r"\u65e5\u672c" in second


@pytest.mark.parametrize("number", [errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EBADF])
def test_what_cannot_be_written_is_lost(monkeypatch, capsys, number):
    monkeypatch.setattr("sys.stdout", failing(number))
    monkeypatch.setattr("sys.stderr", failing(number))
    print_line("lost")
    print_error("lost")
    console().print("lost")


def test_a_result_that_cannot_be_written_is_an_error(monkeypatch):
    monkeypatch.setattr("sys.stdout", failing(errno.ENOSPC))
    with pytest.raises(InputError, match=r"standard output: cannot be written \(No space left"):
        print_result("lost\n")
    monkeypatch.setattr("sys.stdout", failing(errno.EPIPE))
    with pytest.raises(SystemExit) as exit_:  # the reader wants no more
        print_result("lost\n")
    assert exit_.value.code == 0


def test_closed_streams_are_survived(monkeypatch):
    monkeypatch.setattr("sys.stdout", None)
    monkeypatch.setattr("sys.stderr", None)
    print_line("lost")
    print_error("lost")
    protect_streams()
    sys.stdout.write("lost")
    sys.stderr.write("lost")
    assert not sys.stdout.isatty()
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr("sys.stdout", closed)
    print_line("lost")


@pytest.mark.slow
@pytest.mark.parametrize(
    "where", [">&-", ">/dev/full", "| head -1", "2>&-", ">&- 2>&-", "2>&1 | true"]
)
def test_output_that_goes_nowhere_ends_no_command(tmp_path, where):
    end, script = tmp_path / "end", tmp_path / "script.py"
    script.write_text(PRINTS)
    line = f"{sys.executable} {script} {end} {where}; exit ${{PIPESTATUS[0]}}"
    run = subprocess.run(["bash", "-c", line], cwd=REPO, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
    assert end.read_text() == "reached the end"
    assert "Traceback" not in run.stderr
    assert "Exception ignored" not in run.stderr
    full = "standard output: cannot be written (No space left on device); going on without it"
    assert run.stderr.count(full) == (where == ">/dev/full")


@pytest.mark.slow
def test_a_descriptor_that_is_closed_is_not_given_to_the_next_file(tmp_path):
    file, script = tmp_path / "file", tmp_path / "script.py"
    script.write_text(
        "import os, sys; from tts.core.output import protect_streams; protect_streams()\n"
        "with open(sys.argv[1], 'w') as file: os.system('echo from a library'); file.write('mine')"
    )
    line = f"{sys.executable} {script} {file} >&-"
    subprocess.run(["bash", "-c", line], cwd=REPO, check=True)
    assert file.read_text() == "mine"


def test_of_several_ranks_the_first_logs_what_is_no_error(monkeypatch, capsys):
    handler = LogHandler()
    for rank, expected in (("0", "found\nfailed\n"), ("1", "failed\n")):
        monkeypatch.setenv("RANK", rank)
        handler.emit(logging.LogRecord("x", logging.WARNING, "", 0, "found", (), None))
        handler.emit(logging.LogRecord("x", logging.ERROR, "", 0, "failed", (), None))
        assert capsys.readouterr().out == expected


def test_a_message_of_this_package_is_one_line(capsys):
    LogHandler().emit(logging.LogRecord("tts.x", logging.INFO, "", 0, "%s", ("a\nerror: b",), None))
    assert capsys.readouterr().out == "a\\nerror: b\n"
    try:
        raise ValueError("a\x1b[2J")
    except ValueError:
        record = logging.LogRecord("tts.x", logging.ERROR, "", 0, "failed", (), sys.exc_info())
    LogHandler().emit(record)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["failed", "Traceback (most recent call last):"]
    assert lines[-1] == r"ValueError: a\x1b[2J"
