"""``ckpt_path=last`` takes the newest whole checkpoint, whatever the times of the files are."""

from __future__ import annotations

import itertools
import logging
import os
import random
import shutil
from pathlib import Path

import pytest
import torch

from tts.callbacks.checkpointing.resume_source import (
    find_checkpoint,
    find_resume_source,
    is_whole,
)
from tts.core.errors import InputError
from tts.runtime.run_folder import mark_saved, newest_run

#: The names of a run's checkpoints, the newest first, and the step of each.
STEPS = {
    "next.ckpt": 8,
    "last.ckpt": 7,
    "previous.ckpt": 6,
    "best by another name.ckpt": 5,
    "step_0000004.ckpt": 4,
    "step_0000003.ckpt": 3,
}


def write(folder: Path, steps: dict[str, int]) -> None:
    folder.mkdir(parents=True)
    for name, step in steps.items():
        torch.save({"global_step": step, "state_dict": {"x": torch.randn(9)}}, folder / name)


def found(run: Path) -> str:
    config = {"ckpt_path": "last", "name": "a", "paths": {"log_dir": str(run)}}
    return find_checkpoint(config, run).name


def set_times(folder: Path, names: tuple[str, ...]) -> None:
    for time, name in enumerate(names):
        os.utime(folder / name, (time, time))


@pytest.mark.parametrize("gone", range(len(STEPS)))
def test_the_newest_checkpoint_does_not_depend_on_times_of_files(gone, tmp_path):
    left = dict(list(STEPS.items())[gone:])
    write(tmp_path / "checkpoints", left)
    for names in itertools.islice(itertools.permutations(left), 0, None, 50):
        set_times(tmp_path / "checkpoints", names)
        assert found(tmp_path) == next(iter(left))


def test_each_damaged_checkpoint_is_one_line_and_the_one_before_it_is_taken(tmp_path, caplog):
    order = [name for name in STEPS if "other" not in name]
    write(tmp_path / "checkpoints", {name: STEPS[name] for name in order})
    for damaged, following in itertools.pairwise(order):
        (tmp_path / "checkpoints" / damaged).write_bytes(b"PK\x03\x04 and more")
        caplog.clear()
        with caplog.at_level(logging.WARNING, "tts"):
            assert found(tmp_path) == following
        assert len(caplog.records) == order.index(following)
        assert not [
            r for r in caplog.records if "\n" in r.message or "is damaged: going" not in r.message
        ]


def test_a_file_with_something_else_is_passed_over(tmp_path):
    write(tmp_path / "checkpoints", {"previous.ckpt": 6})
    torch.save([1], tmp_path / "checkpoints" / "last.ckpt")
    assert found(tmp_path) == "previous.ckpt"


def test_a_checkpoint_that_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    write(tmp_path / "checkpoints", STEPS)

    def refuse(path, *_):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match=r"next\.ckpt: cannot be read \(Permission denied\)"):
        found(tmp_path)


def changed_bits(content: bytes, n_places: int) -> list[bytes]:
    """Return copies with one changed bit each, half of them where a zip keeps its tables."""
    chance = random.Random(0)
    tables = content.index(b"PK\x01\x02")
    starts = [0] * (n_places // 2) + [tables] * (n_places // 2)
    copies = []
    for start in starts:
        copy = bytearray(content)
        copy[chance.randrange(start, len(content))] ^= 1 << chance.randrange(8)
        copies.append(bytes(copy))
    return copies


def test_a_checkpoint_with_a_changed_bit_is_damaged_or_loads_unchanged(tmp_path):
    write(tmp_path / "checkpoints", {"last.ckpt": 7, "previous.ckpt": 6})
    last = tmp_path / "checkpoints" / "last.ckpt"
    expected, wrong, n_whole = torch.load(last), [], 0
    for i, content in enumerate(changed_bits(last.read_bytes(), 400)):
        last.write_bytes(content)
        if not is_whole(last):
            assert found(tmp_path) == "previous.ckpt"
            continue
        n_whole += 1
        loaded = torch.load(last, weights_only=True)
        if not torch.equal(loaded["state_dict"]["x"], expected["state_dict"]["x"]):
            wrong.append(i)
    assert wrong == []
    assert n_whole < 150  # bits of padding, dates and rights mean nothing


def test_copied_runs_keep_their_order(tmp_path):
    """``cp -r`` gives all files new times, in any order."""
    for name in ("slurm_12", "slurm_7"):
        write(tmp_path / "logs" / name / "checkpoints", {"last.ckpt": 1})
        mark_saved(tmp_path / "logs" / name / "checkpoints")
    shutil.copytree(tmp_path / "logs", tmp_path / "copy")
    for root in (tmp_path / "logs", tmp_path / "copy"):
        for time, name in enumerate(["slurm_7", "slurm_12"], 2_000_000_000):
            os.utime(root / name / "checkpoints" / "last.ckpt", (time, time))
            assert newest_run(root) == root / "slurm_7"


def test_runs_of_earlier_versions_count_by_the_time_in_their_names(tmp_path):
    runs = ["x/2026-01-02_00-00-00", "y/2026-01-01_00-00-00", "y/sweep_2025-01-01_00-00-00/0"]
    for time, run in enumerate(runs):
        write(tmp_path / run / "checkpoints", {"last.ckpt": 1})
        os.utime(tmp_path / run / "checkpoints" / "last.ckpt", (2e9 + time, 2e9 + time))
    assert newest_run(tmp_path) == tmp_path / runs[0]
    assert newest_run(tmp_path / "y") == tmp_path / runs[1]
    mark_saved(tmp_path / runs[2] / "checkpoints")
    assert newest_run(tmp_path) == tmp_path / runs[2]


def test_no_mark_is_written_beside_a_folder_of_another_name(tmp_path):
    mark_saved(tmp_path / "my_checkpoints")
    assert not list(tmp_path.iterdir())


def test_a_configuration_that_holds_itself_too_often_is_one_line(tmp_path):
    value: object = 1
    for _ in range(30):
        value = [value] * 10
    write(tmp_path / "checkpoints", {})
    content = {"state_dict": {}, "tacoglow": {"config": {"a": value}}}
    torch.save(content, tmp_path / "checkpoints" / "last.ckpt")
    config = {"ckpt_path": "last", "name": "a", "paths": {"log_dir": str(tmp_path)}}
    with pytest.raises(InputError, match=r"last\.ckpt: its configuration has more than"):
        find_resume_source(config, tmp_path)


@pytest.mark.parametrize("part", [None, 3, "text", [1], {"step": "many", "metrics": 7}])
def test_a_file_with_strange_parts_is_no_trace(part, tmp_path):
    write(tmp_path / "checkpoints", {})
    names = ("global_step", "resume_point", "tacoglow", "callbacks")
    content = {"state_dict": {}, **dict.fromkeys(names, part)}
    torch.save(content, tmp_path / "checkpoints" / "last.ckpt")
    trainer = {"max_steps": 5, "max_epochs": 5, "max_time": "00:00:00:01"}
    config = {"ckpt_path": "last", "name": "a", "paths": {"log_dir": str(tmp_path)}}
    found = find_resume_source({**config, "trainer": trainer}, tmp_path)
    assert (found.finished, found.metrics) == (None, {})


@pytest.mark.parametrize("limit", [{"max_steps": 0}, {"max_epochs": 0}, {"max_steps": 3}])
def test_a_limit_that_is_reached_is_named(limit, tmp_path):
    write(tmp_path / "checkpoints", {})
    point = {"step": 3, "epoch": 1, "validate": False, "metrics": {}}
    content = {"state_dict": {}, "global_step": 3, "resume_point": point}
    torch.save(content, tmp_path / "checkpoints" / "last.ckpt")
    trainer = {"max_steps": -1, "max_epochs": -1, "max_time": None, **limit}
    config = {"ckpt_path": "last", "name": "a", "paths": {"log_dir": str(tmp_path)}}
    found = find_resume_source({**config, "trainer": trainer}, tmp_path)
    assert found.finished == "=".join(str(part) for part in next(iter(limit.items())))
