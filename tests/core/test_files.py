from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from tts.core.errors import InputError
from tts.core.files import atomic_folder, remove_leftovers


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
