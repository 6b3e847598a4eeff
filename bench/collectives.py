"""Counts the collectives of a training step: what the ranks of DDP exchange, and thus wait for.

    python -m bench.collectives              # the published networks, about two minutes

Two ranks train on the CPU with Gloo, and each operation between them is noted. With NCCL they would
be the same. A step that writes no scalars, is not validated and does not save is counted, from the
beginning of one batch to that of the next.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytorch_lightning.callbacks import Callback
from torch.utils._python_dispatch import TorchDispatchMode

from bench.measure import ROOT, BenchError

#: The rows of the table: options of ``train.py`` by name.
NETWORKS = {
    "Tacotron 2": ("model=tacotron2",),
    "Tacotron 2, trainer.sync_batchnorm=false": ("model=tacotron2", "trainer.sync_batchnorm=false"),
    "WaveGlow": ("model=waveglow", "model.datamodule.segment_length=2048"),
}
#: Steps of a training that :class:`CountCollectives` needs.
STEPS = 4
_SHORT = (
    *("data=synthetic", "data.engine=tones", "data.minutes=1", "data.num_workers=0"),
    *("data.batch_size=1", "data.max_seconds=3", "trainer.accelerator=cpu", "trainer.devices=2"),
    *("trainer.strategy=ddp", f"trainer.max_steps={STEPS}", "trainer.max_epochs=-1"),
    *("trainer.log_every_n_steps=50", "trainer.num_sanity_val_steps=0"),
    *("trainer.limit_val_batches=0", "callbacks.samples=null"),
    "callbacks.checkpoint.save_last=false",
)


class NoteCollectives(TorchDispatchMode):
    """Notes the operations between processes inside its ``with`` block.

    Attributes:
        noted: how often each operation was called, by its name, as ``"allreduce_"``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.noted: Counter[str] = Counter()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func.namespace == "c10d":
            self.noted[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))


class CountCollectives(Callback):
    """Writes the collectives of the third step of a training into a JSON file.

    In the first two steps DDP arranges its buckets. List it first of all callbacks.

    Args:
        file: where rank 0 writes ``{operation: number}``.
    """

    def __init__(self, file: str) -> None:
        self.file = Path(file)
        self._mode = NoteCollectives()

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin to note."""
        self._mode.__enter__()

    def on_train_batch_start(self, trainer: Any, *_: Any) -> None:
        """Count from the beginning of the third batch to that of the fourth."""
        if trainer.global_step == 2:
            self._mode.noted.clear()
        elif trainer.global_step == 3 and trainer.is_global_zero:
            self.file.write_text(json.dumps(self._mode.noted))

    def on_train_end(self, *_: Any) -> None:
        """Note no more."""
        self._mode.__exit__(None, None, None)


def count_collectives(options: Sequence[str]) -> Counter[str]:
    """Train with two ranks, and return how often a step calls each collective.

    Args:
        options: overrides of ``train.py``, such as ``model=tacotron2``.

    Raises:
        BenchError: the training failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "collectives.json"
        count = f"+callbacks.count={{_target_: bench.collectives.CountCollectives, file: {file}}}"
        inside = (f"paths.data_dir={folder}/data", f"hydra.run.dir={folder}/run")
        command = [sys.executable, "train.py", *_SHORT, *inside, count, *options]
        environment = {"OMP_NUM_THREADS": "1", **os.environ}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        if done.returncode or not file.is_file():
            raise BenchError((done.stderr.strip() or done.stdout.strip())[-2000:])
        return Counter(json.loads(file.read_text()))


def main() -> int:
    """Print a table in Markdown; return 0 if all networks could be counted."""
    print("| network | collectives of a step | |\n|---|---|---|", flush=True)
    for name, options in NETWORKS.items():
        try:
            noted = count_collectives(options)
        except BenchError as error:
            sys.stderr.write(f"error: {error}\n")
            return 1
        parts = ", ".join(f"{number} x {name.strip('_')}" for name, number in noted.items())
        print(f"| {name} | {noted.total()} | {parts} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
