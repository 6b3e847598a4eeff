"""Writes and compares checkpoints for the tests of their readers."""

from __future__ import annotations

import dataclasses
import io
import tarfile
from pathlib import Path

import torch

from tts.models import Tacotron2


def assert_same_weights(found: torch.nn.Module, expected: torch.nn.Module) -> None:
    """Check that two networks have the same weights, bit for bit."""
    weights, wanted = found.state_dict(), expected.state_dict()
    assert weights.keys() == wanted.keys()
    assert [name for name in weights if not torch.equal(weights[name], wanted[name])] == []


def with_symbols(network: Tacotron2, n_symbols: int) -> Tacotron2:
    """Make a network like another one, with another number of symbols."""
    torch.manual_seed(0)
    return Tacotron2(network.config, n_symbols=n_symbols).eval()


def lightning_checkpoint(network: torch.nn.Module, /, **description) -> dict:
    """Return the content of a Lightning checkpoint of this project."""
    own = {
        "network": type(network).__name__,
        "network_config": dataclasses.asdict(network.config),
    }
    weights = {f"network.{name}": value for name, value in network.state_dict().items()}
    return {"epoch": 1, "state_dict": weights, "tacoglow": {**own, **description}}


def write_nemo(path: Path, config: str, state: dict[str, torch.Tensor], mode: str = "w") -> None:
    """Write a NeMo archive; the mode is that of `tarfile`."""
    weights = io.BytesIO()
    torch.save(state, weights)
    with tarfile.open(path, mode) as archive:
        for name, content in (
            ("./model_config.yaml", config.encode()),
            ("./model_weights.ckpt", weights.getvalue()),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
