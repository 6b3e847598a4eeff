"""Defines callbacks for trials in tests; every process of a trial can import them."""

import atexit
import json
import os
from pathlib import Path

import torch
from pytorch_lightning.callbacks import Callback


class NoteRank(Callback):
    """Writes a file with the settings and the environment of this process."""

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
    """Writes a file that says whether this process is still in its group when Python exits."""

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
    """Raises KeyboardInterrupt in the first validation of the second run."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def on_train_start(self, trainer, pl_module):
        (self.folder / f"start_{len(list(self.folder.glob('start_*')))}").touch()

    def on_validation_end(self, trainer, pl_module):
        if len(list(self.folder.glob("start_*"))) == 2 and not trainer.sanity_checking:
            raise KeyboardInterrupt


class FailFor(Callback):
    """Raises an error in a run with one learning rate."""

    def __init__(self, lr):
        self.lr = lr

    def on_train_start(self, trainer, pl_module):
        if trainer.optimizers[0].param_groups[0]["lr"] == self.lr:
            raise RuntimeError("the device\nis on fire")


class EqualBuffers(Callback):
    """Checks after training that all processes have the same buffers, bit by bit."""

    def on_train_end(self, trainer, pl_module):
        assert trainer.world_size > 1
        own = torch.cat([b.detach().double().flatten() for b in pl_module.buffers()])
        for other in pl_module.all_gather(own):
            assert torch.equal(own, other)
