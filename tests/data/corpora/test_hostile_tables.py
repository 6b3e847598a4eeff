"""Tables and texts that nobody expects are one line, and never a trace, a hang or a lie."""

from __future__ import annotations

import os
import time

import pytest

from tests.support.recordings import write_recording
from tts.core.errors import InputError
from tts.data import CsvCorpus, Filelist, LJSpeech, TextFiles


def lj(root, content):
    write_recording(root / "wavs" / "a.wav")
    (root / "metadata.csv").write_bytes(content)
    return LJSpeech(root, val_fraction=0.0)


def message_of(corpus):
    with pytest.raises(InputError) as error:
        corpus.prepare()
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 1000
    return str(error.value)


def test_one_nul_is_a_fault_of_its_line(tmp_path):
    message = message_of(lj(tmp_path, b"a|Text.\nb|Te\0xt.\n"))
    assert message.startswith("metadata.csv:2: holds a NUL byte, which is no text; remove it from")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_still_named(tmp_path, encoding):
    message = message_of(lj(tmp_path, "a|Text of a, and more of it.\n".encode(encoding)))
    assert "not UTF-8 but probably UTF-16; save it as UTF-8 (iconv -f utf-16" in message


def test_a_nul_in_another_table_and_in_a_text_file(tmp_path):
    write_recording(tmp_path / "a.wav")
    (tmp_path / "t.csv").write_bytes(b"wav,text\na,Te\0xt.\n")
    assert "t.csv:2: holds a NUL byte" in message_of(CsvCorpus(tmp_path, "t.csv"))
    (tmp_path / "a.txt").write_bytes(b"This is a te\0xt.\n")
    assert "a.txt: holds a NUL byte" in message_of(TextFiles(tmp_path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b"\xef\xbb\xbf", "it is empty"),
        (b"\n\n \n", "it is empty"),
        (b"a\n", "1 field(s), expected id|text"),
        (b"../../../etc/passwd|Text.\n", "is missing; add it or remove the row"),
        (b"/etc/passwd|Text.\n", "is missing; add it or remove the row"),
        (b"n" * 5000 + b"|Text.\n", "is missing; add it or remove the row"),
        (b"|Text.\n", "the first field is empty"),
        (b"a|Text.\na|Text.\n", "'a' stands in metadata.csv:1 already"),
    ],
)
def test_a_table_without_a_use_is_one_line(tmp_path, content, message):
    assert message in message_of(lj(tmp_path / "c", content))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_every_line_end_and_a_byte_order_mark_are_read(tmp_path, end, mark):
    corpus = lj(tmp_path, f"{mark}a|Text.{end}".encode())
    corpus.prepare()
    assert [(u.id, u.text, u.where) for u in corpus.utterances()] == [
        ("a", "Text.", "metadata.csv:1")
    ]


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "list.txt")
    assert "list.txt: is no file" in message_of(Filelist(tmp_path, "list.txt"))
    write_recording(tmp_path / "c" / "a.wav")
    os.mkfifo(tmp_path / "c" / "a.txt")
    assert "a.txt: is no file" in message_of(TextFiles(tmp_path / "c"))


def test_a_text_of_megabytes_is_none_of_an_utterance(tmp_path):
    write_recording(tmp_path / "a.wav")
    (tmp_path / "a.txt").write_text("word " * 300_000)
    assert "a.txt: has more than 1 MB, so it is no single" in message_of(TextFiles(tmp_path))


def test_links_that_lead_in_a_circle_do_not_hang(tmp_path):
    write_recording(tmp_path / "c" / "a.wav")
    (tmp_path / "c" / "a.txt").write_text("Text.")
    (tmp_path / "c" / "loop").symlink_to(tmp_path / "c")
    (tmp_path / "c" / "b.wav").symlink_to("b.wav")
    (tmp_path / "c" / "b.txt").write_text("Text.")
    corpus = TextFiles(tmp_path / "c", on_error="skip")
    corpus.prepare()
    assert next(u.id for u in corpus.utterances()) == "a"


@pytest.mark.slow
def test_many_faulty_rows_are_read_in_seconds(tmp_path):
    write_recording(tmp_path / "wavs" / "a.wav")
    rows = [f"a{n}|Text number {n} of many." for n in range(200_000)]
    (tmp_path / "metadata.csv").write_text("\n".join(rows))
    begin = time.perf_counter()
    message = message_of(LJSpeech(tmp_path))
    assert "a0.wav is missing; add it or remove the row (and 199999 more" in message
    assert time.perf_counter() - begin < 60
