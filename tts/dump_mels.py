"""Write the mels that an acoustic model predicts for the recordings of a corpus.

    python train.py task=dump_mels acoustic=A.ckpt data=ljspeech data.root=/path/LJSpeech-1.1
    python train.py model=waveglow data.mels=gta acoustic=A.ckpt data=ljspeech data.root=...

Each frame is predicted from the recording's true frames before it, so the mels match the
recordings frame for frame: docs/gta.md says when a vocoder gains by them. They go where the
corpus is prepared. Started again, the command does only what has changed, or what is missing.

  acoustic=CKPT          the acoustic model, a file or the name of a published one; texts are
                         read, and speakers numbered, as it was trained
  data=..., data.*       the corpus, as in training: which recordings, data.trim_db and the
                         like, data.prepared, data.on_error
  audio.*                has to be what the acoustic model was trained on
  data.batch_size        utterances that are computed together
  trainer.accelerator    cpu, gpu or mps; trainer.gpus=0, trainer.devices=[1]: one device is used
  paths.cache_dir        where the corpus is prepared, unless data.prepared says so

The exit status is 1 if something was left out (data.on_error=skip), and 2 on bad input.
"""

from __future__ import annotations

import json
import logging
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tts.config.schema import TRAINING, check_values
from tts.core.errors import EXIT_INTERRUPTED, InputError

if TYPE_CHECKING:
    import torch
    from rich.table import Table
    from torch import Tensor

    from tts.data.features.gta import AcousticModel, GtaMels
    from tts.data.features.prepared import Prepared
    from tts.data.features.shards import ShardWriter
    from tts.data.features.tokens import TokenTable
    from tts.models import Tacotron2

TASK = "dump_mels"
# Of training, and of no meaning here
_OF_TRAINING = ("ckpt_path", "init_from", "pretrained")
# What both DataModules have in common
_LOADING = (
    *("corpus", "mel", "cache_dir", "seed", "resample", "on_error", "processing", "prepared"),
    "verify",
)
_BATCH_SIZE = 16

_log = logging.getLogger(__name__)


@dataclass
class DumpReport:
    """What was done.

    Attributes:
        corpus: its name.
        acoustic: the checkpoint.
        folder: where the mels are.
        left_out: what is wrong with what has no mel, with file and line.
        utterances: that have a mel.
        frames: of these.
        distance: mean absolute difference to the mels of the recordings.
        n_computed: how many were computed now.
        seconds: that took.
    """

    corpus: str
    acoustic: str
    folder: str
    left_out: list[str] = field(default_factory=list)
    utterances: int = 0
    frames: int = 0
    distance: float = 0.0
    n_computed: int = 0
    seconds: float = 0.0

    def table(self) -> Table:
        """The same, to be looked at."""
        from rich.table import Table

        table = Table(title=self.corpus, show_header=False, title_justify="left")
        table.add_row("acoustic", self.acoustic)
        table.add_row("utterances", str(self.utterances))
        table.add_row("frames", str(self.frames))
        table.add_row("mean distance to the recordings", f"{self.distance:.3f} (log-mels)")
        table.add_row("left out", str(len(self.left_out)))
        table.add_row("computed", str(self.n_computed))
        table.add_row("as before", str(self.utterances - self.n_computed))
        table.add_row("took", f"{self.seconds:.1f} s")
        table.add_row("folder", self.folder)
        return table


def dump_mels(config: dict[str, Any]) -> int:
    """Write the mels of a configuration's corpus and print a report.

    Args:
        config: resolved, plain containers.

    Returns:
        0, or 1 if something was left out.

    Raises:
        InputError: naming the file, the row or the setting at fault.
    """
    check_values(config, TRAINING)
    if config["acoustic"] is None:
        raise InputError("acoustic is required: add acoustic=CKPT to the command")
    for key in _OF_TRAINING:
        if config[key] is not None:
            raise InputError(f"{key} has no meaning for task={TASK}, which reads acoustic=CKPT")
    from rich.console import Console

    try:
        dump = _dump(config)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; the same command goes on from here\n")
        return EXIT_INTERRUPTED
    console = Console(highlight=False)
    console.print(dump.table())
    for fault in dump.left_out:
        console.print(fault, style="red", markup=False, soft_wrap=True)
    return 1 if dump.left_out else 0


def _dump(config: Mapping[str, Any]) -> DumpReport:
    import torch

    from tts.data.features.gta import GtaMels, read_acoustic
    from tts.data.features.tokens import make_tokens

    device = one_device(config["trainer"])
    torch.set_float32_matmul_precision(config["matmul_precision"])
    acoustic, checkpoint = read_acoustic(config["acoustic"])
    datamodule = _text_and_mels(config, acoustic)
    acoustic.check_mel(datamodule.mel)
    network = _network(acoustic, checkpoint, device)
    left_out = datamodule.prepare().left_out
    prepared, tokenizer = datamodule.opened, acoustic.tokenizer
    tokens = make_tokens(prepared, tokenizer, datamodule.on_error)
    if unknown := tokens.report(tokenizer):
        _log.warning("left out, %s", unknown)
    dump = DumpReport(prepared.name, acoustic.path, str(prepared.token_folder), left_out)
    begin = time.perf_counter()
    forcing = TeacherForcing(network, acoustic, prepared, tokens)
    dump.n_computed = forcing.run(config["data"]["batch_size"] or _BATCH_SIZE)
    dump.seconds = time.perf_counter() - begin
    _describe(dump, GtaMels(prepared, acoustic), prepared)
    return dump


class TeacherForcing:
    """Computes and stores what is missing.

    Args:
        network: of the acoustic model, in eval mode on its device.
        acoustic: what it is.
        prepared: the corpus, with mels.
        tokens: its texts, as the acoustic model reads them.

    Raises:
        InputError: the corpus has a speaker whom the acoustic model does not know.
    """

    def __init__(
        self, network: Tacotron2, acoustic: AcousticModel, prepared: Prepared, tokens: TokenTable
    ) -> None:
        from tts.data.features.gta import entry_keys

        self.network, self.acoustic = network, acoustic
        self.prepared, self.tokens = prepared, tokens
        self.keys = entry_keys(prepared, acoustic)
        self.voices = acoustic.voices(prepared.table.about["speakers"])

    def run(self, batch_size: int) -> int:
        """Compute what is missing, and give the number of utterances.

        The batches are those of the whole corpus, whatever is missing of them: rounding depends on
        the neighbours, and who goes on after a kill shall end with the same bytes.
        """
        from tts.core.files import atomic_writer
        from tts.core.locks import wait_for_lock
        from tts.core.progress import progress
        from tts.data.features.gta import GTA_FORMAT, gta_shards
        from tts.data.features.prepared_folder import LOCAL

        shards = gta_shards(self.prepared, self.acoustic)
        lock = shards.folder / LOCAL / f"{shards.name}.lock"
        lock.parent.mkdir(exist_ok=True)
        with wait_for_lock(lock, f"mels of {self.prepared.name}"), shards.writing() as writer:
            with atomic_writer(shards.folder / f"{shards.name}.json") as file:
                about = {"format": GTA_FORMAT, "acoustic": self.acoustic.path.rsplit("/")[-1]}
                file.write(f"{json.dumps(about)}\n".encode())
            batches = [b for b in self.batches(batch_size) if self._missing(b, writer)]
            frames = self.prepared.table.rows["frames"]
            total = sum(int(frames[batch].sum()) for batch in batches)
            n_computed = 0
            with progress(f"predicting the mels of {self.prepared.name}", total) as advance:
                for batch in batches:
                    n_computed += self._store(batch, writer)
                    advance(int(frames[batch].sum()))
        return n_computed

    def batches(self, batch_size: int) -> Iterator[list[int]]:
        """Rows of like length together, the longest first: memory then fails at once or never."""
        import numpy as np

        rows = self.tokens.readable(np.arange(len(self.prepared)))
        frames = self.prepared.table.rows["frames"][rows].astype(np.int64)
        longest_first = rows[np.argsort(-frames, kind="stable")].tolist()
        for start in range(0, len(longest_first), batch_size):
            yield longest_first[start : start + batch_size]

    def _missing(self, batch: Sequence[int], writer: ShardWriter) -> list[int]:
        return [row for row in batch if self.keys[row] not in writer]

    def _store(self, batch: Sequence[int], writer: ShardWriter) -> int:
        from tts.data.features.gta import DISTANCE_SCALE

        missing = set(self._missing(batch, writer))
        mels = [self.prepared.mel(row) for row in batch]
        for row, mel, target in zip(batch, self._predicted(batch, mels), mels, strict=True):
            if row in missing:
                distance = float((mel - target).abs().mean())
                if not math.isfinite(distance):
                    where = self.prepared.table.string(row, "where")
                    raise InputError(f"{where}: what the acoustic model predicts is not finite")
                writer.add(self.keys[row], mel.numpy(), round(DISTANCE_SCALE * distance))
        return len(missing)

    def _predicted(self, batch: Sequence[int], mels: Sequence[Tensor]) -> list[Tensor]:
        import torch

        from tts.inference.teacher_forcing import teacher_forced

        speakers = self.prepared.table.rows["speaker"]
        return teacher_forced(
            self.network,
            [torch.from_numpy(self.tokens[row]) for row in batch],
            mels,
            [int.from_bytes(self.keys[row][:8], "little") >> 1 for row in batch],
            [self.voices[int(speakers[row])] for row in batch],
        )


def one_device(options: Mapping[str, Any]) -> torch.device:
    """The device of ``conf/trainer``; the first if it asks for several.

    Raises:
        InputError: it is not there.
    """
    import torch

    from tts.runtime.devices import resolve_devices

    found = resolve_devices(options["gpus"], options["accelerator"], options["devices"])
    if found.accelerator != "gpu":
        return torch.device(found.accelerator)
    return torch.device("cuda", found.devices[0] if isinstance(found.devices, list) else 0)


def _text_and_mels(config: Mapping[str, Any], acoustic: AcousticModel) -> Any:
    """The corpus as Tacotron 2 is trained on it, whichever model the options are for."""
    from hydra.utils import instantiate

    options = config["model"]["datamodule"]
    loading = {name: options[name] for name in _LOADING}
    node = {"_target_": "tts.data.TextMelDataModule", **loading}
    return instantiate(node, tokenizer=acoustic.tokenizer, _convert_="all")


def _network(acoustic: AcousticModel, checkpoint: Any, device: torch.device) -> Any:
    from tts.pretrained.checkpoint import build

    about = checkpoint.description
    # masked, an utterance of a batch is what it is alone
    sizes = {**about["network_config"], "mask_convolutions": True}
    checkpoint = checkpoint._replace(description={**about, "network_config": sizes})
    return build(Path(acoustic.path), checkpoint).to(device)


def _describe(dump: DumpReport, mels: GtaMels, prepared: Prepared) -> None:
    done = mels.entries >= 0
    dump.utterances = int(done.sum())
    dump.frames = int(prepared.table.rows["frames"][done].sum())
    dump.distance = mels.distance()
