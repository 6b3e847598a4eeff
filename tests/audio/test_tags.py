"""Tags and chapters are read back from the bytes, by readers that are written here."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import soundfile

from tts.audio import Output
from tts.audio.containers.ogg import ogg_checksum
from tts.audio.formats import ENDINGS
from tts.audio.tags import Chapter, Tags, clock, synthetic_comment

CHAPTERS = (Chapter("The Döring\nhouse", 0.1, 61.0), Chapter("Two", 61.0, 3725.25))
TAGS = Tags("A title", "An author", "A book", "eng", synthetic_comment("anna"), chapters=CHAPTERS)
TEXTS = {
    **{"TITLE": "A title", "ARTIST": "An author", "ALBUM": "A book", "LANGUAGE": "eng"},
    "COMMENT": "synthetic speech (tacoglow, voice anna)",
}
VORBIS_CHAPTERS = {
    **{"CHAPTER000": "00:00:00.100", "CHAPTER000NAME": "The Döring house"},
    **{"CHAPTER001": "00:01:01.000", "CHAPTER001NAME": "Two"},
}
ID3_NAMES = {"TIT2": "TITLE", "TPE1": "ARTIST", "TALB": "ALBUM", "TLAN": "LANGUAGE"}
WAV_NAMES = {
    **{"INAM": "TITLE", "IART": "ARTIST", "IPRD": "ALBUM", "ILNG": "LANGUAGE"},
    "ICMT": "COMMENT",
}


@pytest.fixture
def write(tmp_path):
    """Return write(ending, tags, ...) -> the bytes of a file of one second."""

    def go(ending, tags=TAGS, name="a", **options):
        path = tmp_path / f"{name}{ending}"
        tone = 0.3 * np.sin(np.arange(24_000) / 20)
        Output(**options).write(path, tone, 24_000, tags)
        return path.read_bytes()

    return go


def comments_of(block):
    """Read the fields of Vorbis, Opus and FLAC."""
    place, texts = 4 + struct.unpack_from("<I", block)[0], []
    (count,) = struct.unpack_from("<I", block, place)
    place += 4
    for _ in range(count):
        (length,) = struct.unpack_from("<I", block, place)
        texts.append(block[place + 4 : place + 4 + length].decode())
        place += 4 + length
    return dict(text.split("=", 1) for text in texts), block[place:]


def ogg_pages(data):
    """Yield the flags, position, serial, number, checksum and segments of each page."""
    place = 0
    while place < len(data):
        mark, version, flags, position, *numbers, n = struct.unpack_from("<4sBBqIIIB", data, place)
        assert (mark, version) == (b"OggS", 0)
        lengths = data[place + 27 : place + 27 + n]
        begin = place + 27 + n
        end = begin + sum(lengths)
        page = data[place:end]
        assert numbers[2] == ogg_checksum(page[:22] + bytes(4) + page[26:])
        yield flags, position, numbers[0], numbers[1], lengths, data[begin:end]
        place = end


def ogg_packets(data):
    packet = b""
    for *_, lengths, body in ogg_pages(data):
        place = 0
        for length in lengths:
            packet += body[place : place + length]
            place += length
            if length < 255:
                yield packet
                packet = b""


def id3_frames(data):
    """Yield name and content of the frames of ID3v2.3."""
    assert data[:3] == b"ID3"
    assert data[3:6] == b"\x03\0\0"
    size = sum(byte << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=True))
    yield from frames_in(data[10 : 10 + size])
    assert data[10 + size] == 0xFF  # the sound begins


def frames_in(body):
    while body:
        name, (length, flags) = body[:4].decode(), struct.unpack(">IH", body[4:10])
        assert flags == 0
        yield name, body[10 : 10 + length]
        body = body[10 + length :]


def id3_text(content):
    assert content[0] == 1
    return content[1:].decode("utf-16").rstrip("\0")


def wav_fields(data):
    """Read the INFO list, and check the lengths of the chunks."""
    assert struct.unpack_from("<I", data, 4)[0] == len(data) - 8
    fields, place = {}, 12
    while place < len(data):
        name, length = struct.unpack_from("<4sI", data, place)
        if name == b"LIST":
            inner, at = data[place + 12 : place + 8 + length], 0
            while at < len(inner):
                key, size = struct.unpack_from("<4sI", inner, at)
                fields[key.decode()] = inner[at + 8 : at + 8 + size].rstrip(b"\0").decode()
                at += 8 + size + size % 2
        place += 8 + length + length % 2
    return fields


def test_wav_fields_are_those_that_were_given(write):
    fields = wav_fields(write(".wav"))
    assert {WAV_NAMES[key]: value for key, value in fields.items() if key in WAV_NAMES} == TEXTS
    assert fields["ISFT"].startswith("tacoglow ")


@pytest.mark.parametrize(("ending", "mark"), [(".opus", b"OpusTags"), (".ogg", b"\x03vorbis")])
def test_ogg_holds_fields_and_chapters(write, ending, mark):
    data = write(ending)
    _, comments, *_ = ogg_packets(data)
    assert comments.startswith(mark)
    fields, rest = comments_of(comments[len(mark) :])
    assert rest == (b"\x01" if ending == ".ogg" else b"")
    assert fields.pop("ENCODER").startswith("tacoglow ")
    assert fields == {**TEXTS, **VORBIS_CHAPTERS}
    pages = list(ogg_pages(data))
    assert [number for _, _, _, number, *_ in pages] == list(range(len(pages)))
    assert len({serial for _, _, serial, *_ in pages}) == 1
    assert [flags & 2 for flags, *_ in pages] == [2] + [0] * (len(pages) - 1)
    assert [flags & 4 for flags, *_ in pages] == [0] * (len(pages) - 1) + [4]


@pytest.mark.parametrize("ending", [".opus", ".ogg"])
def test_many_chapters_fill_several_pages_and_the_sound_is_still_read(write, ending, tmp_path):
    many = tuple(Chapter(f"Chapter {n} " + "x" * 100, n, n + 1) for n in range(999))
    data = write(ending, Tags(chapters=many))
    _, comments, *_ = ogg_packets(data)
    fields, _ = comments_of(comments[8 if ending == ".opus" else 7 :])
    assert fields["CHAPTER998NAME"].startswith("Chapter 998 ")
    assert any(flags & 1 for flags, *_ in ogg_pages(data))
    samples, _ = soundfile.read(tmp_path / f"a{ending}")
    assert len(samples) == 24_000


def test_flac_holds_fields_and_chapters(write):
    data = write(".flac")
    place, blocks = 4, {}
    while True:
        kind, length = data[place], int.from_bytes(data[place + 1 : place + 4], "big")
        blocks[kind & 127] = data[place + 4 : place + 4 + length]
        place += 4 + length
        if kind & 128:
            break
    fields, rest = comments_of(blocks[4])
    assert rest == b""
    del fields["ENCODER"]
    assert fields == {**TEXTS, **VORBIS_CHAPTERS}
    assert any(blocks[0][18:34])  # the checksum of the samples


def test_mp3_holds_fields_chapters_and_their_list(write):
    data = write(".mp3")
    frames = list(id3_frames(data))
    texts = {ID3_NAMES[name]: id3_text(body) for name, body in frames if name in ID3_NAMES}
    (comment,) = (body for name, body in frames if name == "COMM")
    assert comment[1:4] == b"eng"
    assert comment[4:8] == b"\xff\xfe\0\0"
    texts["COMMENT"] = comment[8:].decode("utf-16").rstrip("\0")
    assert texts == TEXTS
    (toc,) = (body for name, body in frames if name == "CTOC")
    assert toc == b"toc\0\x03\x02chp0\0chp1\0"
    found = []
    for body in (body for name, body in frames if name == "CHAP"):
        name, rest = body.split(b"\0", 1)
        start, end = struct.unpack(">II", rest[:8])
        ((key, title),) = frames_in(rest[16:])
        found.append((name, start, end, rest[8:16], key, id3_text(title)))
    nowhere = b"\xff" * 8
    assert found == [
        (b"chp0", 100, 61_000, nowhere, "TIT2", "The Döring house"),
        (b"chp1", 61_000, 3_725_250, nowhere, "TIT2", "Two"),
    ]


@pytest.mark.parametrize("ending", ENDINGS)
def test_tags_change_no_sample_and_repeated_runs_are_equal(write, ending, tmp_path):
    assert write(ending) == write(ending, name="b")
    write(ending, Tags(), name="c")
    tagged, bare = (soundfile.read(tmp_path / f"{name}{ending}")[0] for name in "ac")
    assert len(tagged) == 24_000
    np.testing.assert_array_equal(tagged, bare)


@pytest.mark.parametrize("ending", ENDINGS)
def test_ffmpeg_finds_the_same_samples_and_chapters(write, ending):
    av = pytest.importorskip("av", reason="comes with tacoglow[eval]")
    with av.open(io.BytesIO(write(ending))) as file:
        chapters = [
            (item["metadata"]["title"], item["start"] * float(item["time_base"]))
            for item in file.chapters()
        ]
        frames = list(file.decode(audio=0))
    n_samples = sum(frame.samples for frame in frames)
    if ending != ".ogg":  # of a Vorbis in one page, ffmpeg keeps what fills its last block
        assert n_samples == frames[0].sample_rate  # one second; ffmpeg's Opus has 48 kHz
    assert chapters == ([] if ending == ".wav" else [("The Döring house", 0.1), ("Two", 61.0)])


def test_fields_that_are_none_are_left_out(write):
    _, comments, *_ = ogg_packets(write(".opus", Tags()))
    assert list(comments_of(comments[8:])[0]) == ["ENCODER"]
    assert list(wav_fields(write(".wav", Tags()))) == ["ISFT"]
    assert [name for name, _ in id3_frames(write(".mp3", Tags()))] == ["TSSE"]


def test_lone_surrogates_and_long_texts_are_written(write):
    tags = Tags(title="a\udcff" + "b" * 9999)
    fields = wav_fields(write(".wav", tags))
    assert 100 < len(fields["INAM"]) <= 200
    for ending in ENDINGS:
        write(ending, tags)


def test_opus_is_resampled_and_its_margin_is_exact(write, tmp_path):
    tone = 0.3 * np.sin(np.arange(22_050) / 20)
    Output(margin=0.1).write(tmp_path / "b.opus", tone, 22_050, None)
    info = soundfile.info(tmp_path / "b.opus")
    assert (info.samplerate, info.subtype, info.frames) == (24_000, "OPUS", 24_000 + 2 * 2400)


def test_a_clock_counts_hours():
    assert [clock(s) for s in (0, 59.9996, 3725.25)] == [
        *("00:00:00.000", "00:01:00.000", "01:02:05.250")
    ]
