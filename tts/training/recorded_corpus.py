"""Opens an acoustic model and a corpus of recordings that it follows by teacher forcing.

The tasks ``dump_mels`` and ``align`` of ``train.py`` begin with this.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from tts.config import build_object
from tts.data.features.gta import AcousticModel, read_acoustic
from tts.data.features.prepared import Prepared
from tts.data.features.tokens import TokenTable, make_tokens
from tts.models import Tacotron2
from tts.pretrained.checkpoint import LoadedCheckpoint, build
from tts.runtime.devices import resolve_devices

# the options that both DataModules have
_LOADING = (
    *("corpus", "mel", "cache_dir", "seed", "resample", "on_error", "processing", "prepared"),
    "verify",
)
_BATCH_SIZE = 16

_log = logging.getLogger(__name__)


class RecordedCorpus(NamedTuple):
    """Holds an acoustic model and a prepared corpus, with the texts as the model reads them.

    Attributes:
        acoustic: the description of the model.
        network: its network in eval mode, on the device of the command.
        prepared: the corpus, with mels.
        tokens: its symbol ids.
        left_out: what the preparation has left out.
        batch_size: number of utterances that are computed together.
    """

    acoustic: AcousticModel
    network: Tacotron2
    prepared: Prepared
    tokens: TokenTable
    left_out: Sequence[str]
    batch_size: int


def open_recorded_corpus(config: Mapping[str, Any]) -> RecordedCorpus:
    """Read the acoustic model of a configuration, and prepare its corpus.

    Args:
        config: resolved, plain containers of ``conf/train.yaml``.

    Raises:
        InputError: the message names the file, the row or the setting at fault.
    """
    device = _one_device(config["trainer"])
    torch.set_float32_matmul_precision(config["matmul_precision"])
    acoustic, checkpoint = read_acoustic(config["acoustic"])
    datamodule = _text_and_mels(config, acoustic)
    acoustic.check_mel(datamodule.mel)
    network = _network(acoustic, checkpoint, device)
    left_out = datamodule.prepare().left_out
    tokens = make_tokens(datamodule.opened, acoustic.tokenizer, datamodule.on_error)
    if unknown := tokens.report(acoustic.tokenizer):
        _log.warning("left out, %s", unknown)
    batch_size = config["data"]["batch_size"] or _BATCH_SIZE
    return RecordedCorpus(acoustic, network, datamodule.opened, tokens, left_out, batch_size)


def _one_device(options: Mapping[str, Any]) -> torch.device:
    """Return the device of ``conf/trainer``; the first if it asks for several.

    Raises:
        InputError: this machine does not have it.
    """
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
    about = checkpoint.description
    # with masks, an utterance gives the same result in a batch as alone
    sizes = {**about["network_config"], "mask_convolutions": True}
    checkpoint = checkpoint._replace(description={**about, "network_config": sizes})
    return build(Path(acoustic.path), checkpoint).to(device)  # type: ignore[return-value]
