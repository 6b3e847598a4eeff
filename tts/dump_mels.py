"""Write the mels that an acoustic model predicts for the recordings of a corpus.

    python train.py task=dump_mels acoustic=A.ckpt data=ljspeech data.root=/path/LJSpeech-1.1
    python train.py model=waveglow data.mels=gta acoustic=A.ckpt data=ljspeech data.root=...

The model predicts each frame from the true frames of the recording before it, so the mels match
the recordings frame for frame; docs/gta.md says when this improves a vocoder. The mels are stored
in the folder where the corpus is prepared. The command computes only what is missing or has
changed.

  acoustic=CKPT          the acoustic model, a file or the name of a published one; texts are
                         read, and speakers numbered, as it was trained
  data=..., data.*       the corpus, as in training: which recordings, data.trim_db and the
                         like, data.prepared, data.on_error
  audio.*                must be what the acoustic model was trained on
  data.batch_size        number of utterances that are computed together
  trainer.accelerator    cpu, gpu or mps; trainer.gpus=0, trainer.devices=[1]: one device is used
  paths.cache_dir        where the corpus is prepared, unless data.prepared is set

The exit status is 1 if something was left out (data.on_error=skip), and 2 on bad input.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tts.config import build_object
from tts.core.errors import InputError
from tts.training.preflight import check_before_torch

if TYPE_CHECKING:
    import torch

    from tts.data.features.gta import AcousticModel
    from tts.data.features.gta_writer import GtaReport
    from tts.models import Tacotron2
    from tts.pretrained.checkpoint import LoadedCheckpoint

TASK = "dump_mels"
# options of a training, without a meaning here
_OF_TRAINING = ("ckpt_path", "init_from")
# the options that both DataModules have
_LOADING = (
    *("corpus", "mel", "cache_dir", "seed", "resample", "on_error", "processing", "prepared"),
    "verify",
)
_BATCH_SIZE = 16

_log = logging.getLogger(__name__)


def dump_mels(config: dict[str, Any]) -> int:
    """Write the mels of a configuration's corpus and print a report.

    Args:
        config: resolved, plain containers.

    Returns:
        0, or 1 if something was left out.

    Raises:
        InputError: the message names the file, the row or the setting at fault.
    """
    if config["acoustic"] is None:
        raise InputError("acoustic is required: add acoustic=CKPT to the command")
    for key in _OF_TRAINING:
        if config[key] is not None:
            raise InputError(f"{key} has no meaning for task={TASK}, which reads acoustic=CKPT")
    check_before_torch(config, task=TASK)
    from tts.data.features.preparation_report import print_report_of

    return print_report_of(lambda: _write_mels(config))


def _write_mels(config: Mapping[str, Any]) -> GtaReport:
    import torch

    from tts.data.features.gta import read_acoustic
    from tts.data.features.gta_writer import GtaWriter
    from tts.data.features.tokens import make_tokens
    from tts.inference.teacher_forcing import teacher_forced

    device = one_device(config["trainer"])
    torch.set_float32_matmul_precision(config["matmul_precision"])
    acoustic, checkpoint = read_acoustic(config["acoustic"])
    datamodule = _text_and_mels(config, acoustic)
    acoustic.check_mel(datamodule.mel)
    network = _network(acoustic, checkpoint, device)
    left_out = datamodule.prepare().left_out
    tokens = make_tokens(datamodule.opened, acoustic.tokenizer, datamodule.on_error)
    if unknown := tokens.report(acoustic.tokenizer):
        _log.warning("left out, %s", unknown)
    writer = GtaWriter(acoustic, datamodule.opened, tokens)
    batch_size = config["data"]["batch_size"] or _BATCH_SIZE
    return writer.run(partial(teacher_forced, network), batch_size, left_out)


def one_device(options: Mapping[str, Any]) -> torch.device:
    """Return the device of ``conf/trainer``; the first if it asks for several.

    Raises:
        InputError: this machine does not have it.
    """
    import torch

    from tts.runtime.devices import resolve_devices

    chosen = resolve_devices(options["gpus"], options["accelerator"], options["devices"])
    if chosen.accelerator != "gpu":
        return torch.device(chosen.accelerator)
    return torch.device("cuda", chosen.devices[0] if isinstance(chosen.devices, list) else 0)


def _text_and_mels(config: Mapping[str, Any], acoustic: AcousticModel) -> Any:
    """Return the corpus as Tacotron 2 is trained on it, whichever model the options are for."""
    options = config["model"]["datamodule"]
    loading = {name: options[name] for name in _LOADING}
    node = {"_target_": "tts.data.TextMelDataModule", **loading}
    return build_object(node, tokenizer=acoustic.tokenizer)


def _network(
    acoustic: AcousticModel, checkpoint: LoadedCheckpoint, device: torch.device
) -> Tacotron2:
    from tts.pretrained.checkpoint import build

    about = checkpoint.description
    # with masks, an utterance gives the same mel in a batch as alone
    sizes = {**about["network_config"], "mask_convolutions": True}
    checkpoint = checkpoint._replace(description={**about, "network_config": sizes})
    return build(Path(acoustic.path), checkpoint).to(device)  # type: ignore[return-value]
