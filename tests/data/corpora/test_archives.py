"""An archive of some kilobytes cannot fill the memory or the disk."""

from __future__ import annotations

import tarfile
import tracemalloc

import pytest

from tests.support.shards import sound, write_shard
from tts.core.errors import InputError
from tts.data import WebDataset
from tts.data.corpora import unpacking, webdataset
from tts.data.corpora.unpacking import unpack_archive

HUGE = 2**25


class Zeros:
    """Gives zeros without end."""

    def read(self, n_bytes):
        return bytes(n_bytes)


def write_bomb(path, name, size=HUGE, kind=tarfile.REGTYPE):
    """Write an archive with a sound recording, and a member of zeros before it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_shard(path.parent / "part", {"c/1.wav": sound(), "c/1.txt": b"One."})
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        member = tarfile.TarInfo(name)
        member.size, member.type = size, kind
        tar.addfile(member, Zeros())
        with tarfile.open(path.parent / "part") as part:
            for other in part:
                tar.addfile(other, part.extractfile(other))
    (path.parent / "part").unlink()
    assert path.stat().st_size < size / 100


def peak_of(call):
    """Return the peak of the memory that Python allocates in a call, in bytes."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["c/0.wav", "c/0.txt", "c/0.json", "c/0.other"])
def test_a_member_of_a_shard_is_read_up_to_a_limit(tmp_path, monkeypatch, name):
    monkeypatch.setattr(webdataset, "_MOST_SOUND", 2**20)
    write_bomb(tmp_path / "shards" / "a.tar.gz", name)
    corpus = WebDataset(tmp_path / "made", tmp_path / "shards", on_error="skip")
    assert peak_of(corpus.prepare) < HUGE / 2
    assert [u.text for u in corpus.utterances()] == ["One."]
    sounds = [fault for fault in corpus.faults() if "0.wav" in name]
    assert all("has more than 1 MB" in fault or "no text" in fault for fault in sounds)


def test_a_sound_that_is_too_long_is_a_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(webdataset, "_MOST_SOUND", 1000)
    write_shard(tmp_path / "a.tar", {"0.wav": sound(), "0.txt": b"One."})
    with pytest.raises(InputError, match=r"a\.tar: 0: the \.wav has more than 0 MB; shorten it"):
        WebDataset(tmp_path / "made", tmp_path / "a.tar").prepare()


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_long_header_is_damage(tmp_path, kind):
    write_bomb(tmp_path / "shards" / "a.tar.gz", "header", kind=kind)
    corpus = WebDataset(tmp_path / "made", tmp_path / "shards")

    def refused():
        with pytest.raises(InputError, match=r"a\.tar\.gz: damaged \(a header of 33554432 bytes\)"):
            corpus.prepare()

    assert peak_of(refused) < HUGE / 2


def test_an_archive_is_unpacked_up_to_the_size_that_is_expected(tmp_path):
    write_bomb(tmp_path / "a.tar.gz", "c/0.wav")
    with pytest.raises(InputError, match=r"a\.tar\.gz: holds more than 0\.0 GB, so it is not the"):
        unpack_archive(tmp_path / "a.tar.gz", tmp_path / "c", 2**20)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar.gz"]
    unpack_archive(tmp_path / "a.tar.gz", tmp_path / "c", HUGE + 2**20)
    assert {path.name for path in (tmp_path / "c").iterdir()} == {"0.wav", "1.wav", "1.txt"}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["c/0", "C/../c/0"], "outside its folder"),
        (["c/0", "d/0"], "holds 'd/0' twice"),
        (["c"], "holds 'c' outside its folder"),
    ],
)
def test_files_of_an_archive_do_not_replace_each_other(tmp_path, files, message):
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for name in files:
            tar.addfile(tarfile.TarInfo(name))
    with pytest.raises(InputError, match=message):
        unpack_archive(tmp_path / "a.tar", tmp_path / "c", 2**20)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar"]


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_no_cut_of_a_compressed_archive_gives_a_part_of_a_file(tmp_path, mode):
    path, data = tmp_path / "a.tar", sound(seconds=0.02)
    (tmp_path / "1.wav").write_bytes(data)
    with tarfile.open(path, mode) as tar:
        tar.add(tmp_path / "1.wav", "1.wav")
    whole, faults = path.read_bytes(), []
    for cut in range(0, len(whole), max(len(whole) // 40, 1)):
        path.write_bytes(whole[:cut])
        with path.open("rb") as stream:
            try:
                files = [read(2**20) for _, read in unpacking.archived_files(path, stream)]
            except InputError as error:
                faults.append(str(error))
            else:
                assert files == [data]
    assert len(faults) > 20
    assert all(fault.startswith(f"{path}: damaged (") for fault in faults)
