"""Small files that ask for much memory are refused before they get any."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import pytest
import torch

from tts.core.errors import InputError
from tts.pretrained import describe, load
from tts.pretrained.convert import convert
from tts.pretrained.importers.containers import read_contents
from tts.pretrained.importers.nvidia_names import to_nvidia_state_dict
from tts.pretrained.importers.stubs import LEGACY_MAGIC, Stub

STRANGE = {
    "expanded": (lambda: torch.zeros(1).expand(10**10), "claims 40,000,000,000 bytes where 4 are"),
    "sparse": (lambda: torch.ones(2, 2).to_sparse(), "is stored as a sparse or nested tensor"),
    "meta": (lambda: torch.empty(10**9, device="meta"), "has a shape and no values"),
    "complex": (lambda: torch.ones(2, dtype=torch.complex64), "is stored as complex64"),
}


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("kind", STRANGE)
def test_tensor_that_is_no_plain_array_is_named(small_waveglow, tmp_path, kind, legacy):
    make, message = STRANGE[kind]
    state = {**to_nvidia_state_dict(small_waveglow), "WN.1.end.bias": make()}
    torch.save({"state_dict": state}, tmp_path / "x.pt", _use_new_zipfile_serialization=not legacy)
    for refused in (load, describe, lambda path: convert(path, tmp_path / "y.safetensors")):
        with pytest.raises(InputError, match=rf"x\.pt: WN\.1\.end\.bias {message}") as caught:
            refused(tmp_path / "x.pt")
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "y.safetensors").exists()


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
def test_quantised_tensor_is_named(tmp_path):
    weight = torch.quantize_per_tensor(torch.ones(2), 1.0, 0, torch.qint8)
    torch.save({"embedding.weight": weight}, tmp_path / "x.pt")
    with pytest.raises(InputError, match=r"x\.pt: embedding\.weight is stored as qint8"):
        describe(tmp_path / "x.pt")


def test_numbers_of_eight_bits_are_named(tmp_path):
    torch.save({"embedding.weight": torch.ones(2).to(torch.float8_e5m2)}, tmp_path / "x.pt")
    with pytest.raises(InputError, match=r"x\.pt: embedding\.weight is stored as float8_e5m2"):
        describe(tmp_path / "x.pt")


def test_one_storage_under_many_names_is_refused(tmp_path):
    weight = torch.zeros(1000)
    torch.save({f"weight{i}": weight for i in range(1000)}, tmp_path / "x.pt")
    with pytest.raises(
        InputError, match=r"x\.pt: its tensors, up to weight\d+, claim [\d,]+ bytes"
    ):
        read_contents(tmp_path / "x.pt")


def test_tied_and_contiguous_weights_are_plain(tmp_path):
    flat = torch.arange(2000.0)
    tensors = {
        "a": flat[:1500].view(15, 100),
        "b": flat[1500:],
        "c": flat,
        "scalar": torch.ones(()),
    }
    torch.save(tensors, tmp_path / "x.pt")
    found = read_contents(tmp_path / "x.pt")
    assert all(torch.equal(found[name], value) for name, value in tensors.items())


def test_integers_in_the_place_of_weights_are_named(small_waveglow, tmp_path):
    state = to_nvidia_state_dict(small_waveglow)
    state["WN.1.end.bias"] = state["WN.1.end.bias"].to(torch.int64)
    torch.save(state, tmp_path / "x.pt")
    with pytest.raises(InputError, match=r"flows\.1\.coupling\.end\.bias is stored as int64"):
        load(tmp_path / "x.pt")


def repacked(source: Path, target: Path, compression: int) -> None:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", compression) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))


@pytest.mark.parametrize("method", ["ZIP_DEFLATED", "ZIP_BZIP2", "ZIP_LZMA"])
def test_compressed_members_are_refused_unread(tmp_path, method, monkeypatch):
    torch.save({"state_dict": {"weight": torch.zeros(1 << 20)}}, tmp_path / "whole.pt")
    repacked(tmp_path / "whole.pt", tmp_path / "x.pt", getattr(zipfile, method))
    assert (tmp_path / "x.pt").stat().st_size < 1 << 14
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("unpacked"))
    with pytest.raises(InputError, match=r"x\.pt: compressed or encrypted"):
        describe(tmp_path / "x.pt")


def test_uncompressed_members_of_any_program_are_read(small_waveglow, tmp_path):
    torch.save(to_nvidia_state_dict(small_waveglow), tmp_path / "whole.pt")
    repacked(tmp_path / "whole.pt", tmp_path / "x.pt", zipfile.ZIP_STORED)
    assert load(tmp_path / "x.pt").config == small_waveglow.config


def central_directory(content: bytes, offset: int, value: bytes) -> bytes:
    """Return the zip with other bytes in the first entry of its directory."""
    start = content.index(b"PK\x01\x02") + offset
    return content[:start] + value + content[start + len(value) :]


DAMAGED = {
    "encrypted": (8, b"\x01\x00"),
    "unknown method": (10, b"\x63\x00"),
    "too new": (6, b"\xff\x00"),
    "too large": (20, b"\xf0\xff\xff\x7f\xf0\xff\xff\x7f"),
    "name beyond the end": (28, b"\xff\xff"),
    "broken extra": (30, b"\x04\x00"),
    "place beyond the end": (42, b"\xf0\xff\xff\x7f"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_damaged_directory_is_one_line(small_waveglow, tmp_path, damage):
    torch.save(to_nvidia_state_dict(small_waveglow), tmp_path / "whole.pt")
    changed = central_directory((tmp_path / "whole.pt").read_bytes(), *DAMAGED[damage])
    (tmp_path / "x.pt").write_bytes(changed)
    with pytest.raises(InputError, match=r"x\.pt: (truncated|compressed)"):
        load(tmp_path / "x.pt")


def with_legacy_head(path: Path, content: bytes) -> None:
    head = [LEGACY_MAGIC, 1001, {"little_endian": True}]
    path.write_bytes(b"".join(pickle.dumps(part, protocol=2) for part in head) + content)


HUNGRY = {
    # puts an empty list under number two thousand million
    "memory": b"\x80\x02]r\x00\x00\x00\x77.",
    "room": b"\x80\x02cbuiltins\nbytearray\nJ\xff\xff\xff\x7f\x85R.",
}


@pytest.mark.parametrize("container", ["zip", "legacy"])
@pytest.mark.parametrize("kind", HUNGRY)
def test_pickle_that_asks_for_gigabytes_is_refused_unread(tmp_path, container, kind, monkeypatch):
    if container == "legacy":
        with_legacy_head(tmp_path / "x.pt", HUNGRY[kind] + pickle.dumps([], protocol=2))
    else:
        with zipfile.ZipFile(tmp_path / "x.pt", "w") as archive:
            archive.writestr("archive/data.pkl", HUNGRY[kind])
            archive.writestr("archive/version", "3\n")
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("read"))
    with pytest.raises(InputError, match=r"x\.pt: truncated, damaged or not a checkpoint"):
        load(tmp_path / "x.pt")


def test_storage_longer_than_the_file_gets_no_memory(tmp_path, monkeypatch):
    persistent = b"\x80\x02(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuJ\xff\xff\xff\x7fNtQ."
    with_legacy_head(tmp_path / "x.pt", persistent + pickle.dumps(["0"], protocol=2))
    monkeypatch.setattr(torch, "load", lambda *_, **__: 1 / 0)
    monkeypatch.setattr(torch, "empty", lambda *_, **__: pytest.fail("room was given"))
    with pytest.raises(InputError, match=r"x\.pt: truncated, damaged"):
        load(tmp_path / "x.pt")


def test_modules_in_several_places_are_refused():
    """Each level in two places: read as a tree they would be a thousand million modules."""
    stub = Stub()
    stub.state = {}
    for _ in range(30):
        outer = Stub()
        outer.state = {"_modules": {"a": stub, "b": stub}}
        stub = outer
    with pytest.raises(pickle.UnpicklingError, match="two places"):
        list(stub.tensors())
