"""Files that ask for much time end in one line after a moment, and get little memory."""

from __future__ import annotations

import io
import json
import pickle
import struct
import tarfile
import time
import tracemalloc
import zipfile

import pytest
import torch

from tests.support.checkpoint_files import write_nemo
from tts.core.errors import InputError
from tts.pretrained import load
from tts.pretrained.importers.nemo_archive import LONGEST, MOST_FILES
from tts.pretrained.importers.plain_yaml import DEEPEST, parse_plain_yaml
from tts.pretrained.importers.stubs import LEGACY_MAGIC
from tts.pretrained.limits import LONGEST_HEADER, MOST_INSTRUCTIONS, MOST_MEMBERS, MOST_TENSORS

EMPTY = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
#: Seconds of the processor that a file may take; such files took up to an hour.
MOST_SECONDS = 2.0


def safetensors(header: dict) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text


def described(**more: object) -> bytes:
    text = json.dumps({"network": "WaveGlow", "network_config": {}, **more})
    return safetensors({"__metadata__": {"tacoglow": text}, "weight": EMPTY})


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


def torch_zip(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", content)
    return file.getvalue()


def many_members(count: int) -> bytes:
    """Return a zip whose table has the same member again and again."""
    whole = torch_zip(pickle.dumps({"a": 1}, protocol=2))
    start, end = whole.index(b"PK\x01\x02"), whole.index(b"PK\x05\x06")
    table = whole[start:end] * count
    tail = struct.pack("<HHLL", count, count, len(table), start)
    return whole[:start] + table + whole[end : end + 8] + tail + b"\0\0"


def legacy(content: bytes) -> bytes:
    head = [LEGACY_MAGIC, 1001, {"little_endian": True}]
    return b"".join(pickle.dumps(part, protocol=2) for part in head) + content


def tar(*members: tuple[str, bytes, int, bytes]) -> bytes:
    """Return a tar of members, each with its name, type, size and content."""
    content = b""
    for name, kind, size, data in members:
        info = tarfile.TarInfo(name)
        info.type, info.size = kind, size
        content += info.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % 512)
    return content


INSTRUCTIONS = b"\x80\x02" + b"N0" * MOST_INSTRUCTIONS + b"}."
FILES = {
    "tensors": lambda: safetensors({f"t{i}": EMPTY for i in range(3 * MOST_TENSORS)}),
    "few more tensors": lambda: safetensors({f"t{i}": EMPTY for i in range(MOST_TENSORS + 1)}),
    "metadata": lambda: safetensors({"__metadata__": {f"k{i}": "" for i in range(200_000)}}),
    "values": lambda: described(config={"a": [1] * 3_000_000}),
    "fewer values": lambda: described(config={"a": [1] * 1_500_000}),
    "depth of lists": lambda: described(config=nested(500)),
    "symbols": lambda: described(tokenizer={"symbols": ["a"] * 900_000}),
    "members": lambda: many_members(MOST_MEMBERS + 1),
    "more members": lambda: many_members(60_000),
    "instructions": lambda: torch_zip(INSTRUCTIONS),
    "old instructions": lambda: legacy(INSTRUCTIONS),
    "lists in lists": lambda: torch_zip(b"\x80\x02" + b"]" * 2_000_000 + b"a" * 1_999_999 + b"."),
    "digits": lambda: torch_zip(b"\x80\x02I" + b"9" * 5_000_000 + b"\n."),
    "files of a tar": lambda: tar(("a", b"0", 0, b"")) * (MOST_FILES + 1),
    "configuration": lambda: tar(("model_config.yaml", b"0", 3 * LONGEST, b"x" * 3 * LONGEST)),
}


SLOW = ("fewer values", "symbols", "metadata", "more members", "lists in lists", "values")


@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=pytest.mark.slow if k in SLOW else []) for k in FILES]
)
def test_a_file_that_asks_for_much_time_is_one_line(kind, tmp_path):
    (tmp_path / "x").write_bytes(FILES[kind]())
    begin = time.process_time()
    with pytest.raises(InputError, match=r"/x: ") as caught:
        load(tmp_path / "x")
    assert time.process_time() - begin < MOST_SECONDS
    assert "\n" not in str(caught.value)


def test_a_long_header_is_not_read(tmp_path):
    with (tmp_path / "x").open("wb") as file:
        file.write(struct.pack("<Q", LONGEST_HEADER + 1) + b"{")
        file.truncate(2 * LONGEST_HEADER)
    with pytest.raises(InputError, match=r"x: the text before its tensors has 33,554,433 bytes"):
        load(tmp_path / "x")


CONFIGURATIONS = {
    "numbers to the base of sixty": "a: " + "1:" * 60_000 + "1",
    "fractions to the base of sixty": "a: " + "1:" * 60_000 + "1.5",
    "lists in lists": "[" * 60_000,
    "tables in tables": "\n".join(" " * i + "a:" for i in range(480)),
    "names of parts": "a: &a [1]\nb: " + str(["*a"] * 9).replace("'", ""),
    "merged tables": "a: &a {b: 1}\nc: {<<: *a}",
    "values": "[" + "1," * 60_000 + "1]",
    "marks": 'a: "' + "\\x41" * 30_000 + '"',
}


@pytest.mark.parametrize("kind", CONFIGURATIONS)
def test_a_configuration_that_asks_for_much_time_is_one_line(kind, tmp_path):
    write_nemo(tmp_path / "x", CONFIGURATIONS[kind], {"a": torch.zeros(1)})
    begin = time.process_time()
    with pytest.raises(InputError, match=r"/x: "):
        load(tmp_path / "x")
    assert time.process_time() - begin < MOST_SECONDS


def test_a_plain_configuration_is_read_as_before():
    text = "{a: 1, b: 0x1f, c: 1e-3, d: 2.5, e: true, f: null, g: '1:30', h: [010, -7]}"
    assert parse_plain_yaml(text.encode()) == {
        **{"a": 1, "b": 31, "c": "1e-3", "d": 2.5, "e": True, "f": None, "g": "1:30"},
        "h": [8, -7],
    }
    assert parse_plain_yaml(b"[1:30, -1:30.5]") == ["1:30", "-1:30.5"]
    assert parse_plain_yaml(b"[" * DEEPEST + b"]" * DEEPEST)


@pytest.mark.parametrize("kind", [b"x", b"g", b"L", b"K"], ids=["pax", "global", "name", "link"])
def test_extended_headers_of_a_tar_get_no_memory(kind, tmp_path):
    weights = io.BytesIO()
    torch.save({"a": torch.zeros(1)}, weights)
    header = b"30 comment=" + b"x" * 18 + b"\n"
    size = 12 << 20
    content = tar(
        ("long", kind, size, (header * (size // 30 + 1))[:size]),
        ("model_config.yaml", b"0", 4, b"a: 1"),
        ("model_weights.ckpt", b"0", len(weights.getvalue()), weights.getvalue()),
    )
    (tmp_path / "x").write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="neither a Tacotron 2 nor a WaveGlow"):
            load(tmp_path / "x")
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
