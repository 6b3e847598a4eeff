"""Callbacks for trials in tests, which every process of a trial can import."""

import atexit
import json
import os
from pathlib import Path

import torch
from pytorch_lightning.callbacks import Callback


class NoteRank(Callback):
    """Writes down what this process trains with, and in which environment."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def on_train_start(self, trainer, pl_module):
        notes = {
            "lr": trainer.optimizers[0].param_groups[0]["lr"],
            "world_size": trainer.world_size,
            "threads": torch.get_num_threads(),
            "pid": os.getpid(),
            "output_dir": str(trainer.default_root_dir),
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"rank{trainer.global_rank}.json").write_text(json.dumps(notes))


class NoteEnd(Callback):
    """Writes down whether this process is still in its group when the interpreter ends."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def on_train_start(self, trainer, pl_module):
        assert torch.distributed.is_initialized()
        self.folder.mkdir(parents=True, exist_ok=True)
        atexit.register(self.note, trainer.global_rank)

    def note(self, rank):
        state = "in its group" if torch.distributed.is_initialized() else "left its group"
        (self.folder / f"rank{rank}.txt").write_text(state)


class InterruptOnce(Callback):
    """Presses Ctrl-C in the first validation of the second run that there is."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def on_train_start(self, trainer, pl_module):
        (self.folder / f"start_{len(list(self.folder.glob('start_*')))}").touch()

    def on_validation_end(self, trainer, pl_module):
        if len(list(self.folder.glob("start_*"))) == 2 and not trainer.sanity_checking:
            raise KeyboardInterrupt


class FailFor(Callback):
    """Fails at one learning rate."""

    def __init__(self, lr):
        self.lr = lr

    def on_train_start(self, trainer, pl_module):
        if trainer.optimizers[0].param_groups[0]["lr"] == self.lr:
            raise RuntimeError("the device\nis on fire")
