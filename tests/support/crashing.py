"""Runs in processes of their own that die at a chosen point, for the tests of resuming."""

import csv
import json
import multiprocessing
import os
import signal
import socket
import sys
from pathlib import Path

import torch
from pytorch_lightning.callbacks import Callback

from tests.support.runs import QUIET, TINY_TACOTRON2, overrides
from tts.callbacks.checkpointing.checkpoint_io import AtomicCheckpointIO
from tts.config import compose, resolved
from tts.train import run_training

OUTPUT = "/OUTPUT"
SMALL = [
    *TINY_TACOTRON2,
    *QUIET,
    "model.network.n_frames_per_step=20",
    "audio.hop_length=512",
    "data.minutes=0.3",
    "model.batch_size=2",
    "trainer.max_epochs=3",
    "trainer.log_every_n_steps=1",
    "callbacks=ema",
    "callbacks.progress=null",
    "callbacks.checkpoint.every_n_train_steps=1",
    "callbacks.checkpoint.every_n_minutes=null",
    "scheduler=exponential",
]
#: Entries that must be the same, bit for bit, in the last checkpoints of two runs.
STATE = (
    "state_dict",
    "current_model_state",
    "averaging_state",
    "optimizer_states",
    "lr_schedulers",
    "random_state",
    "resume_point",
)


class Crashed(BaseException):
    """Simulates a kill: no code catches it."""


class Crash(Callback):
    """Dies during the ``at``-th batch of this process, of the training or of a validation.

    Args:
        at: counted from 1.
        where: "train" or "val"; "write" for the middle of writing a checkpoint; "samples" for the
            drawing of samples.
        how: "raise" to come back to the test, or the name of a signal.
        rank: number of the process that dies.
        to: "self", or "parent" for the process that started this one.
    """

    def __init__(self, at, where="train", how="raise", rank=0, to="self"):
        self.left, self.where, self.how, self.rank, self.to = at, where, how, rank, to

    def on_train_start(self, trainer, pl_module):
        if self.where == "write":
            whole = AtomicCheckpointIO._write

            def write(io, checkpoint, path):
                whole(io, checkpoint, path)
                os.truncate(path, path.stat().st_size // 2)
                self._count(trainer, "write")
                whole(io, checkpoint, path)

            AtomicCheckpointIO._write = write

        if self.where == "samples":
            draw = pl_module.samples

            def samples(*arguments):
                self._count(trainer, "samples")
                return draw(*arguments)

            pl_module.samples = samples

    def on_before_backward(self, trainer, pl_module, loss):
        self._count(trainer, "train")

    def on_validation_batch_end(self, trainer, *_):
        if not trainer.sanity_checking:
            self._count(trainer, "val")

    def _count(self, trainer, where):
        self.left -= where == self.where
        if self.left or where != self.where or trainer.global_rank != self.rank:
            return
        if self.how == "raise":
            raise Crashed
        pid = os.getppid() if self.to == "parent" else os.getpid()
        os.kill(pid, getattr(signal, self.how))


class Runs:
    """Runs of one configuration in folders below ``root``.

    Composing takes as long as a training here, so the configuration is composed once.
    """

    def __init__(self, root, *options, base=SMALL):
        self.root = Path(root)
        given = overrides(self.root, *base, *options, f"paths.output_dir={OUTPUT}")
        self.text = json.dumps(resolved(compose(given)))

    def config(self, name, crash=None, resume=False):
        """Return the configuration of the run in the folder ``name``."""
        config = json.loads(self.text.replace(OUTPUT, str(self.root / name)))
        if crash is not None:
            config["callbacks"]["crash"] = {"_target_": "tests.support.crashing.Crash", **crash}
        if resume:
            config["ckpt_path"] = "last"
        return config

    def run(self, name, crash=None, resume=False):
        """Train in this process."""
        return run_training(self.config(name, crash, resume), self.root / name)

    def start(self, name, crash=None, resume=False, ranks=1):
        """Start to train in other processes, one for each rank, and return the processes."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(
            ["tts.train", "tts.data.loading.datamodules", "tts.training", __name__]
        )
        config, port = self.config(name, crash, resume), _free_port()
        if ranks > 1:
            config["trainer"] |= {"devices": ranks, "strategy": "ddp"}
        processes = [
            context.Process(target=_train, args=(config, self.root / name, rank, ranks, port))
            for rank in range(ranks)
        ]
        for process in processes:
            process.start()
        return processes

    def finish(self, name, **options):
        """Train in other processes to the end, and return their exit codes."""
        processes = self.start(name, **options)
        for process in processes:
            process.join(120)
        return [process.exitcode for process in processes]

    def interrupted(self, name):
        """Return whether the run has left a checkpoint to resume from."""
        return any((self.root / name / "checkpoints").glob("*.ckpt"))

    def last(self, name):
        """Return the last checkpoint."""
        path = self.root / name / "checkpoints" / "last.ckpt"
        return torch.load(path, weights_only=True)

    def step(self, name):
        """Return the step of the last checkpoint, 0 if there is none yet."""
        try:
            return self.last(name)["global_step"]
        except FileNotFoundError:
            return 0

    def curves(self, name):
        """Return the rows of ``metrics.csv``."""
        with (self.root / name / "metrics.csv").open() as file:
            return list(csv.DictReader(file))

    def difference(self, a, b):
        """Return where the last states or the curves of two runs differ, or None."""
        first, second = self.last(a), self.last(b)
        for key in STATE:
            if where := _difference(first.get(key), second.get(key), key):
                return where
        return None if self.curves(a) == self.curves(b) else "metrics.csv"


def _train(config, output_dir, rank, ranks, port):
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    torch.set_num_threads(1)
    # start loader workers in the system's default way, as the command line does: a fork server
    # that is inherited from the test would survive the kill
    multiprocessing.set_start_method(None, force=True)
    if ranks > 1:
        os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(ranks)}
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    status = 1
    try:
        run_training(config, output_dir)
        status = 0
    except BaseException as error:
        status = getattr(error, "status", 1)
    finally:
        os._exit(status)


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _difference(a, b, where):
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return None if a.shape == b.shape and torch.equal(a, b) else where
    if isinstance(a, dict) and isinstance(b, dict):
        if a.keys() != b.keys():
            return f"{where}: {a.keys() ^ b.keys()}"
        return next(filter(None, (_difference(a[k], b[k], f"{where}.{k}") for k in a)), None)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and len(a) == len(b):
        pairs = enumerate(zip(a, b, strict=True))
        return next(filter(None, (_difference(x, y, f"{where}[{i}]") for i, (x, y) in pairs)), None)
    return None if a == b else f"{where}: {a} {b}"
