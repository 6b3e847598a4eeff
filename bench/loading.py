"""Measures the loaders alone, and computes how many processes of them a GPU would need.

    python -m bench.loading                  # about two minutes
    LJSPEECH_ROOT=FOLDER python -m bench.loading

Batches of the published sizes are read and thrown away. Without LJ Speech the corpus is one of
tones, whose utterances are shorter; the table says which. The step of a GPU is the shortest of the
estimates in docs/scaling.md; nobody has measured it.
"""

from __future__ import annotations

import math
import os
import sys
import tempfile
import time
from typing import Any

from bench.measure import describe_machine

#: Seconds of a training step that docs/scaling.md estimates at least, on an A100.
STEP_SECONDS = {"tacotron2": 0.5, "waveglow": 0.15}
WORKERS = (0, 1, 2)
BATCHES = 16
HEADER = (
    "| network | corpus | processes | batches per second | a GPU would take, per second | suffice |"
)


def main() -> int:
    """Print a table in Markdown; return 0."""
    print(describe_machine(), HEADER, "|---" * 6 + "|", sep="\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for network in STEP_SECONDS:
            print(*rows(network, folder), sep="\n", flush=True)
    return 0


def rows(network: str, folder: str) -> list[str]:
    """Return a line of the table for each number of processes."""
    root = os.environ.get("LJSPEECH_ROOT")
    corpus = ["data=ljspeech", f"data.root={root}"] if root else ["data=synthetic"]
    corpus += [] if root else ["data.engine=tones", "data.minutes=60"]
    needed, rates = 1 / STEP_SECONDS[network], {}
    for workers in WORKERS:
        options = [f"model={network}", *corpus, f"data.num_workers={workers}"]
        rates[workers] = batches_per_second(options, folder)
    name, suffice = "LJ Speech" if root else "tones", workers_needed(needed, rates)
    return [
        f"| {network} | {name} | {workers} | {rate:.1f} | {needed:.1f} | "
        f"{suffice if workers == WORKERS[-1] else ''} |"
        for workers, rate in rates.items()
    ]


def workers_needed(needed: float, rates: dict[int, float]) -> int:
    """Return how many processes load so many batches per second.

    Args:
        needed: batches per second.
        rates: what so many processes load; each further one adds as much as the first.
    """
    enough = [workers for workers, rate in rates.items() if workers and rate >= needed]
    return min(enough) if enough else math.ceil(needed / rates[1])


def batches_per_second(options: list[str], folder: str) -> float:
    """Load batches as a training does, and return their rate without the first one."""
    from tts.config import build_object, compose, resolved

    paths = [f"paths.{name}_dir={folder}/{name}" for name in ("data", "log", "output")]
    config = resolved(compose([*options, *paths]))
    datamodule: Any = build_object(config["model"]["datamodule"])
    datamodule.prepare_data()
    datamodule.setup("fit")
    n_read, start = -1, 0.0
    while n_read < BATCHES:
        for _ in datamodule.train_dataloader():
            n_read += 1
            if n_read == 0:
                start = time.perf_counter()
            if n_read == BATCHES:
                break
    return BATCHES / (time.perf_counter() - start)


if __name__ == "__main__":
    sys.exit(main())
