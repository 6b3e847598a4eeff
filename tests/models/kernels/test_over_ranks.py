"""What ranks exchange: sums, gathered vectors, and a number that travels with another exchange."""

from __future__ import annotations

import multiprocessing

import pytest
import torch
import torch.distributed as dist

from tts.models.kernels.over_ranks import gather_over_ranks, sum_over_ranks, summed_on_the_way


def test_one_process_exchanges_nothing():
    x = torch.tensor([1.0, 2.0])
    assert sum_over_ranks(x) is x
    assert torch.equal(gather_over_ranks(x), x[None])
    with summed_on_the_way(torch.tensor(3.0)) as total:
        gather_over_ranks(x)
    assert total() == 3


def exchange(rank: int, store: str, results) -> None:
    dist.init_process_group("gloo", rank=rank, world_size=2, store=dist.FileStore(store, 2))
    mine = torch.tensor([float(rank), 10.0])
    found = [sum_over_ranks(mine), gather_over_ranks(mine)]
    with summed_on_the_way(torch.tensor(rank + 5, dtype=torch.float64)) as carried:
        found += [gather_over_ranks(mine), gather_over_ranks(mine)]
    with summed_on_the_way(torch.tensor(rank + 7.0)) as alone:
        pass
    found += [carried(), alone(), alone()]
    results.put((rank, [x.tolist() for x in found]))
    dist.destroy_process_group()


@pytest.mark.slow
def test_a_number_travels_with_the_first_exchange(tmp_path):
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    arguments = str(tmp_path / "store"), results
    ranks = [context.Process(target=exchange, args=(rank, *arguments)) for rank in (0, 1)]
    for rank in ranks:
        rank.start()
    found = [results.get(timeout=120) for _ in ranks]
    for rank in ranks:
        rank.join(120)
    gathered = [[0.0, 10.0], [1.0, 10.0]]
    for _, values in found:
        assert values == [[1.0, 20.0], gathered, gathered, gathered, 11.0, 15.0, 15.0]
