"""Measures how fast both networks train, and the memory that this takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from bench.gpu.rows import Value
from bench.gpu.work import Bench, seconds_of, tf32, training_step

GB = 1e9


def tacotron2(bench: Bench) -> Iterator[tuple[str, Value]]:
    """Yield mels per second, padding not counted, of the acoustic model."""
    batch = bench.batch(bench.sizes.batch)
    n_frames, fused = int(batch[3].sum()), bench.is_gpu or None
    with tf32(True):
        for precision in ("TF32", "bfloat16"):
            rate, memory = _measured(bench, bench.acoustic(), batch, precision, n_frames, fused)
            yield f"tacotron2-{precision}", rate
            yield f"tacotron2-{precision}-memory", memory
        rate, _ = _measured(bench, bench.acoustic(), batch, "TF32", n_frames, False)
        yield "tacotron2-plain-adam", rate
        network = bench.acoustic(runner="eager")
        rate, _ = _measured(bench, network, batch, "bfloat16", n_frames, fused)
        yield "tacotron2-eager", rate


def waveglow(bench: Bench) -> Iterator[tuple[str, Value]]:
    """Yield samples per second of WaveGlow."""
    batch = bench.segments(bench.sizes.segments)
    n_samples, fused = batch[1].numel(), bench.is_gpu or None

    def measured(precision: str, fused: bool | None = fused, **options: Any) -> tuple[Value, Value]:
        return _measured(bench, bench.vocoder(**options), batch, precision, n_samples, fused)

    before = torch.backends.cudnn.benchmark
    try:
        with tf32(True):
            torch.backends.cudnn.benchmark = True
            for precision in ("TF32", "bfloat16"):
                rate, memory = measured(precision)
                yield f"waveglow-{precision}", rate
                yield f"waveglow-{precision}-memory", memory
            rate, memory = measured("bfloat16", constant_memory=True)
            yield "waveglow-constant", rate
            yield "waveglow-constant-memory", memory
            yield "waveglow-plain-adam", measured("bfloat16", fused=False)[0]
            torch.backends.cudnn.benchmark = False
            yield "waveglow-untimed", measured("bfloat16")[0]
    finally:
        torch.backends.cudnn.benchmark = before


def _measured(
    bench: Bench,
    network: torch.nn.Module,
    batch: tuple[torch.Tensor, ...],
    precision: str,
    n_units: int,
    fused: bool | None,
) -> tuple[Value, Value]:
    """Return the units per second of whole training steps, and the memory at its peak."""
    if bench.is_gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(bench.device)
    step = training_step(network.to(bench.device), batch, precision == "bfloat16", fused)
    rate = Value(n_units / seconds_of(bench, step))
    if not bench.is_gpu:
        return rate, Value(None, "left out: a CPU has no memory of its own")
    return rate, Value(torch.cuda.max_memory_allocated(bench.device) / GB)
