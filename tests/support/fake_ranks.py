"""Trains with two ranks on two GPUs that are not there: Gloo does NCCL's work, by NCCL's rule.

Each rank is a process with a fake device. NCCL exchanges tensors of GPUs only. So the fake device
refuses those of the CPU, and objects travel over the GPU.
"""

from __future__ import annotations

import multiprocessing
import os
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import torch
import torch.distributed as dist
from torch.distributed import distributed_c10d
from torch.nn.parallel import distributed as parallel

from tests.support.crashing import _free_port
from tts.models.kernels import masked_norm

#: What a rank returns for a training without an error.
TRAINED = "trained"


def train_on_fake_gpus(runs: dict[Path, dict[str, Any]], fault: str = "") -> list[dict[str, str]]:
    """Train several times with the same two ranks, and return what became of each run.

    Args:
        runs: the folders of the runs, with resolved configurations.
        fault: the name of a function of this module, which the ranks call before the last run.

    Returns:
        For each rank by the names of the folders: :data:`TRAINED`, or the error.
    """
    context, port = multiprocessing.get_context("spawn"), _free_port()
    results = context.Queue()
    ranks = [
        context.Process(target=_rank, args=(rank, runs, port, fault, results)) for rank in (0, 1)
    ]
    for rank in ranks:
        rank.start()
    try:
        found = dict(results.get(timeout=500) for _ in ranks)
    finally:
        for rank in ranks:
            rank.kill()
            rank.join()
    return [found[rank] for rank in (0, 1)]


def _rank(rank: int, runs: Any, port: int, fault: str, results: Any) -> None:
    names = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "MASTER_PORT": port}
    os.environ |= {name: str(value) for name, value in names.items()}
    os.environ["MASTER_ADDR"] = "127.0.0.1"
    torch.set_num_threads(1)
    # the device can be imported now that the rank knows its number
    from tests.support.fake_device import DEVICE, FakeDevice

    became = {}
    for number, (folder, config) in enumerate(runs.items(), 1):
        with FakeDevice(count=2, ddp=True), _gloo_as_nccl(str(DEVICE)):
            if fault and number == len(runs):
                globals()[fault]()
            became[folder.name] = _became(config, folder)
    results.put((rank, became))
    results.close()
    results.join_thread()
    os._exit(0)  # a rank whose peer has failed would wait for it


def _became(config: dict[str, Any], folder: Path) -> str:
    from tts.train import run_training

    config["trainer"] |= {"gpus": 2, "strategy": "ddp"}
    try:
        run_training(config, folder)
    except BaseException:
        return traceback.format_exc()
    return TRAINED


@contextmanager
def _gloo_as_nccl(device: str) -> Iterator[None]:
    """Let Gloo stand in for NCCL, which sends objects over the GPU."""
    start = dist.init_process_group

    def begin(backend: str, *, device_id: object = None, **options: Any) -> None:
        assert backend == "nccl"
        start("gloo", **options)

    patches = (
        (dist, "init_process_group", begin),
        (distributed_c10d, "_get_object_coll_device", lambda _=None: device),
        # C++ exchanges shapes in tensors of the CPU, where the device has another name
        (parallel, "_verify_param_shape_across_processes", lambda *_: None),
    )
    with ExitStack() as stack:
        for target, name, value in patches:
            stack.enter_context(mock.patch.object(target, name, value))
        yield


def sum_on_the_cpu() -> None:
    """Plant a fault: the norms' sums over the ranks are exchanged on the CPU."""

    def sums(x: torch.Tensor) -> torch.Tensor:
        there = x.cpu()
        dist.all_reduce(there)
        return there.to(x.device)

    masked_norm.sum_over_ranks = sums
