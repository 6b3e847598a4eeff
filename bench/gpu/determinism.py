"""Does the same training step twice and compares the weights bit by bit."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from bench.gpu.rows import Value
from bench.gpu.work import Bench, training_step


def determinism(bench: Bench) -> Iterator[tuple[str, Value]]:
    """Yield how many weights of each network differ; a kernel without a deterministic form raises.

    The settings are those of ``trainer.deterministic=true``.
    """
    with _deterministic():
        for kind in ("tacotron2", "waveglow", "compact"):
            first, second = (_weights_after_a_step(bench, kind) for _ in range(2))
            yield kind, Value(sum(int((a != b).sum()) for a, b in zip(first, second, strict=True)))


def _weights_after_a_step(bench: Bench, kind: str) -> list[Tensor]:
    if kind == "tacotron2":
        network, batch = bench.acoustic(), bench.batch(bench.sizes.small_batch)
    else:
        network, batch = bench.vocoder(kind), bench.segments(bench.sizes.small_segments)
    network = network.to(bench.device)
    step = training_step(network, batch)
    torch.manual_seed(4)  # of dropout
    step()
    return [p.detach().cpu() for p in network.parameters()]


@contextmanager
def _deterministic() -> Iterator[None]:
    # cuBLAS reads it when it is first used
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)
        torch.backends.cudnn.benchmark = before
