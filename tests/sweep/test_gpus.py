"""Divides the GPUs among trials that run at the same time."""

import os

import pytest
import torch
from filelock import FileLock

from tts.sweep import gpus


@pytest.mark.parametrize(
    ("n_gpus", "parallel", "shares"),
    [
        (4, 2, ["01", "23"]),
        (4, 4, ["0", "1", "2", "3"]),
        (3, 2, ["0", "1"]),
        (2, 3, ["0", "1", "0"]),
    ],
)
def test_every_place_has_a_share(n_gpus, parallel, shares):
    names = [str(n) for n in range(n_gpus)]
    assert ["".join(gpus.gpu_share(names, n, parallel)) for n in range(parallel)] == shares


@pytest.fixture
def four_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setattr(gpus, "_held", [])
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.mark.parametrize(("taken", "mine"), [([], "0,1"), ([0], "2,3")])
def test_a_process_takes_a_free_place_and_keeps_it(taken, mine, four_gpus, monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    locks = [FileLock(tmp_path / f".place_{n}.lock") for n in taken]
    for lock in locks:
        lock.acquire()
    for _ in range(2):
        gpus.take_gpus(tmp_path, 2)
        assert os.environ["CUDA_VISIBLE_DEVICES"] == mine
    for lock in [*locks, *gpus._held]:
        lock.release()


def test_what_the_user_has_chosen_is_shared(four_gpus, monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6,7")
    gpus.take_gpus(tmp_path, 4)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "4"
    gpus._held[0].release()


@pytest.mark.parametrize(("n_gpus", "parallel"), [(0, 2), (1, 2), (4, 1)])
def test_nothing_to_share(n_gpus, parallel, monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: n_gpus)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    gpus.take_gpus(tmp_path, parallel)
    assert "CUDA_VISIBLE_DEVICES" not in os.environ
