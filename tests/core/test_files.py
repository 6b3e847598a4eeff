from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys

import pytest

from tts.core import files
from tts.core.errors import InputError
from tts.core.files import (
    atomic_folder,
    atomic_writer,
    file_fault,
    remove_leftovers,
    replacing,
    working_folder,
)


def test_a_folder_appears_when_it_is_complete(tmp_path):
    target = tmp_path / "made"
    with atomic_folder(target) as folder:
        (folder / "file").write_text("x")
        assert not target.exists()
    assert (target / "file").read_text() == "x"
    assert list(tmp_path.iterdir()) == [target]


def fail_after_writing(path, reason):
    path.write_text("x")
    raise reason


@pytest.mark.parametrize("reason", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_interruption_leaves_nothing(tmp_path, reason):
    with pytest.raises(reason), atomic_folder(tmp_path / "made") as folder:
        fail_after_writing(folder / "file", reason)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_replaced(tmp_path):
    with atomic_folder(tmp_path) as folder:
        (folder / "file").write_text("x")
    assert (tmp_path / "file").exists()


def test_a_full_folder_is_replaced_only_on_demand(tmp_path):
    target = tmp_path / "made"
    for name, replace in (("first", False), ("second", True), ("third", False)):
        with atomic_folder(target, replace=replace) as folder:
            (folder / name).write_text("x")
    assert [path.name for path in target.iterdir()] == ["second"]
    assert list(tmp_path.iterdir()) == [target]


def test_parents_are_made_only_on_success(tmp_path):
    with pytest.raises(RuntimeError), atomic_folder(tmp_path / "a" / "b"):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with atomic_folder(tmp_path / "a" / "b") as folder:
        (folder / "file").write_text("x")
    assert (tmp_path / "a" / "b" / "file").exists()


def test_what_another_process_completed_meanwhile_stays(tmp_path):
    target = tmp_path / "made"
    with atomic_folder(target) as folder:
        (folder / "file").write_text("ours")
        target.mkdir()
        (target / "file").write_text("theirs")
    assert (target / "file").read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [target]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(InputError, match=r"made: cannot be written"),
        atomic_folder(tmp_path / "file" / "made"),
    ):
        pass


def leftover(tmp_path, process):
    folder = tmp_path / f"made.tmp-{socket.gethostname()}-{process}"
    folder.mkdir()
    return folder


def test_leftovers_of_dead_processes_are_removed(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    folder = leftover(tmp_path, child.pid)
    remove_leftovers(tmp_path / "made")
    assert not folder.exists()


def test_a_working_folder_goes_with_its_block_and_is_safe_from_others_of_its_name(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    litter = tmp_path / f"work.tmp-{socket.gethostname()}-{ended.pid}-0000"
    litter.mkdir()
    with working_folder("work") as first, working_folder("work") as second:
        (first / "file").write_text("x")
        assert not litter.exists()
        assert first != second
        assert (first / "file").exists()
    assert list(tmp_path.iterdir()) == []


def test_the_work_of_running_processes_is_left_alone(tmp_path):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        folder = leftover(tmp_path, child.pid)
        remove_leftovers(tmp_path / "made")
        child.communicate(b"\n")
    assert folder.exists()


def test_the_work_of_other_machines_is_left_alone(tmp_path):
    folder = tmp_path / "made.tmp-elsewhere-1"
    folder.mkdir()
    remove_leftovers(tmp_path / "made")
    assert folder.exists()


def dead_process():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def write(path, content):
    with atomic_writer(path) as file:
        file.write(content)


def write_by_name(path, content):
    with replacing(path) as temporary:
        temporary.write_bytes(content)


@pytest.mark.parametrize("write", [write, write_by_name])
def test_a_link_that_waits_at_a_temporary_name_is_not_followed(tmp_path, monkeypatch, write):
    victim, target = tmp_path / "victim", tmp_path / "made"
    victim.write_bytes(b"precious")
    names = iter(["00000000", "00000001", "00000002"])
    monkeypatch.setattr(files.secrets, "token_hex", lambda n: next(names))
    for number in range(2):
        name = f"made.{socket.gethostname()}-{os.getpid()}-{number:08d}.tmp"
        (tmp_path / name).symlink_to([victim, tmp_path / "nothing"][number])
    monkeypatch.setattr(files, "_tidied", {tmp_path})
    write(target, b"new")
    assert target.read_bytes() == b"new"
    assert victim.read_bytes() == b"precious"
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("write", [write, write_by_name])
def test_a_temporary_name_cannot_be_guessed(tmp_path, monkeypatch, write):
    seen = []
    make = os.open

    def watch(path, flags, mode=0o777):
        seen.append((os.path.basename(path), flags))
        return make(path, flags, mode)

    monkeypatch.setattr(files.os, "open", watch)
    for _ in range(2):
        write(tmp_path / "made", b"x")
    names, flags = zip(*seen, strict=True)
    assert len(set(names)) == 2
    assert all(flag & os.O_EXCL and flag & os.O_NOFOLLOW for flag in flags)


@pytest.mark.parametrize("write", [write, write_by_name])
def test_the_litter_of_dead_writers_is_removed_and_no_other(tmp_path, write):
    dead, host = dead_process(), socket.gethostname()
    names = {
        f"other.{host}-{dead}-0123abcd.tmp": False,
        f"made.{host}-{os.getpid()}-0123abcd.tmp": False,  # of an earlier process of this number
        f"made.{host}-{os.getppid()}-0123abcd.tmp": True,
        f"made.elsewhere-{dead}-0123abcd.tmp": True,
        "of_somebody.tmp": True,
    }
    for name in names:
        (tmp_path / name).touch()
    write(tmp_path / "made", b"x")
    assert {name: (tmp_path / name).exists() for name in names} == names


@pytest.mark.parametrize("write", [write, write_by_name])
def test_a_long_name_leaves_room_for_a_temporary_one(tmp_path, write):
    for name in ("n" * 255, "é" * 127):
        write(tmp_path / name, b"x")
        assert (tmp_path / name).read_bytes() == b"x"
    with atomic_folder(tmp_path / ("f" * 255)) as folder:
        (folder / "x").touch()
    assert (tmp_path / ("f" * 255) / "x").exists()


def test_files_have_the_usual_rights(tmp_path):
    write(tmp_path / "made", b"x")
    (tmp_path / "usual").touch()
    assert (tmp_path / "made").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_loop_of_links_is_named(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    for target in (tmp_path / "a", tmp_path / "a" / "made"):
        with pytest.raises(InputError, match="cannot be written"), atomic_folder(target):
            pass
        with pytest.raises(InputError, match="cannot be written"):
            write(tmp_path / "a" / "made", b"x")


@pytest.mark.parametrize(
    ("number", "name", "message"),
    [
        (errno.ELOOP, "a", "a: cannot be written or read (Too many levels of symbolic links)"),
        (errno.EEXIST, b"a", "a: cannot be written or read (File exists)"),
        (errno.ENOSPC, None, "a file cannot be written (No space left on device); make room"),
        (errno.EBADF, "a", None),
        (errno.EACCES, None, None),
    ],
)
def test_a_file_that_the_system_refuses_is_one_line(number, name, message):
    fault = file_fault(OSError(number, os.strerror(number), name))
    assert fault is None if message is None else fault.startswith(message)
