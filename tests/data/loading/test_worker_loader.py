"""Processes of a loader: they end with the training, and a wait for them has a limit."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest
import torch
from torch.utils.data import Dataset

from tts.core.errors import InputError
from tts.data.loading import open_files, worker_loader
from tts.data.loading.open_files import needed_open_files, provide_open_files
from tts.data.loading.worker_loader import WorkerLoader, start_method
from tts.training.failures import machine_failure

kept = []


class Numbers(Dataset):
    """Returns its indices; ``slow`` ones after this many seconds."""

    def __init__(self, slow=(), seconds=60):
        self.slow, self.seconds = slow, seconds

    def __len__(self):
        return 8

    def __getitem__(self, index):
        if index in self.slow:
            time.sleep(self.seconds)
        return torch.tensor(index)


@pytest.fixture
def fork():
    return multiprocessing.get_context("fork")


def alive(number):
    """Return whether a process is alive; one that has ended and waits for its parent is not."""
    status = Path(f"/proc/{number}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def wait_until_gone(numbers, seconds=10):
    until = time.monotonic() + seconds
    while any(alive(number) for number in numbers) and time.monotonic() < until:
        time.sleep(0.05)
    return [number for number in numbers if alive(number)]


def _end_with_a_referenced_iterator(numbers):
    loader = WorkerLoader(Numbers(), num_workers=2, timeout=30)
    kept.append(iter(loader))
    next(kept[0])
    for process in multiprocessing.active_children():
        numbers.put(process.pid)


def test_a_process_ends_although_an_iterator_is_still_referenced(fork):
    numbers = fork.Queue()
    process = fork.Process(target=_end_with_a_referenced_iterator, args=(numbers,))
    process.start()
    workers = [numbers.get(timeout=30) for _ in range(2)]
    process.join(30)
    code, remaining = process.exitcode, wait_until_gone(workers)
    for number in [process.pid, *remaining]:
        if alive(number):
            os.kill(number, signal.SIGKILL)
    assert code == 0
    assert remaining == []


def test_a_worker_outlives_the_signals_of_its_group():
    loader = WorkerLoader(Numbers(), num_workers=1, timeout=30)
    batches = iter(loader)
    next(batches)
    (worker,) = multiprocessing.active_children()
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        os.kill(worker.pid, number)
    assert [int(batch) for batch in batches] == list(range(1, 8))
    assert worker.is_alive()
    loader.close()
    assert not worker.is_alive()


def test_a_closed_loader_starts_again():
    loader = WorkerLoader(Numbers(), num_workers=1, timeout=30)
    for _ in range(2):
        assert [int(batch) for batch in loader] == list(range(8))
        loader.close()
    loader.close()


def test_a_worker_that_does_not_end_is_killed(monkeypatch):
    monkeypatch.setattr(worker_loader, "PATIENCE", 0.1)
    loader = WorkerLoader(Numbers(slow=(1,)), num_workers=1, timeout=30)
    next(iter(loader))
    (worker,) = multiprocessing.active_children()
    begin = time.monotonic()
    loader.close()
    assert not worker.is_alive()
    assert time.monotonic() - begin < 4


def test_a_batch_that_does_not_come_is_one_line():
    loader = WorkerLoader(Numbers(slow=(1,)), num_workers=1, timeout=0.2)
    batches = iter(loader)
    next(batches)
    with pytest.raises(RuntimeError, match="timed out") as error:
        next(batches)
    loader.close()
    line = str(machine_failure(error.value, "step 5", {}))
    assert line.startswith("no batch came from the processes that load data within 0.2 seconds at")
    assert "data.worker_timeout" in line


def test_inside_a_process_of_joblib_workers_start_as_python_starts_them(monkeypatch):
    assert start_method() in (None, multiprocessing.get_start_method())
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda allow_none: "loky")
    assert start_method() == multiprocessing.get_all_start_methods()[0]


@pytest.mark.parametrize(
    ("limits", "workers", "raised"),
    [
        ((64, 64), 0, None),
        ((256, 10**6), 2, (4096, 10**6)),
        ((256, 1024), 2, (1024, 1024)),
        ((256, -1), 300, (needed_open_files(300), -1)),
        ((8192, 8192), 2, None),
        ((-1, -1), 2, None),
    ],
)
def test_the_limit_of_open_files_is_raised_where_it_can_be(limits, workers, raised, monkeypatch):
    calls = []
    monkeypatch.setattr(open_files.resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(open_files.resource, "setrlimit", lambda _, new: calls.append(new))
    provide_open_files(workers)
    assert calls == ([] if raised is None else [raised])


def test_too_few_open_files_are_refused_before_the_data_are_prepared(monkeypatch):
    monkeypatch.setattr(open_files.resource, "getrlimit", lambda _: (40, 40))
    with pytest.raises(InputError, match=r"data\.num_workers=2: .* allows 40; raise the limit"):
        provide_open_files(2)
