"""No changed bit of a checkpoint is loaded as if it were whole."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.support.checkpoint_files import lightning_checkpoint
from tts.core.errors import InputError
from tts.models import WaveGlow
from tts.pretrained import describe, load, save
from tts.pretrained.files import read_checkpoint

DESCRIPTION = {
    "mel": {"n_mels": 3, "sample_rate": 16000},
    "corpus": "LJ Speech",
    "config": {"a": 1},
}


def write_ckpt(network: torch.nn.Module, path: Path) -> None:
    torch.save(lightning_checkpoint(network, **DESCRIPTION), path)


WRITERS = {
    "ckpt": write_ckpt,
    "safetensors": lambda network, path: save(network, path, "safetensors", DESCRIPTION),
    "nvidia": lambda network, path: save(network, path, "nvidia", DESCRIPTION),
    "half": lambda network, path: save(network, path, description=DESCRIPTION, half=True),
}


@pytest.fixture
def network(small_waveglow) -> WaveGlow:
    return WaveGlow(small_waveglow.config, n_flows=1, n_channels=2)


def content_of(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    checkpoint = read_checkpoint(path)[1]
    return checkpoint.description, checkpoint.state


def is_equal(found: Any, expected: Any) -> bool:
    weights, wanted = found[1], expected[1]
    return (
        found[0] == expected[0]
        and weights.keys() == wanted.keys()
        and all(torch.equal(weights[name], wanted[name]) for name in wanted)
    )


def mishandled(path: Path, times: int) -> list[str]:
    """Return the changed bits that end neither in one line nor in the same content."""
    content, expected, chance = path.read_bytes(), content_of(path), random.Random(path.name)
    wrong = []
    for i in range(times):
        # every other bit lies in the last quarter, where a zip keeps its tables
        place = chance.randrange(3 * len(content) // 4 if i % 2 else 0, len(content))
        bit = chance.randrange(8)
        copy = bytearray(content)
        copy[place] ^= 1 << bit
        path.write_bytes(bytes(copy))
        try:
            if not is_equal(content_of(path), expected):
                wrong.append(f"byte {place}, bit {bit}: loaded as another checkpoint")
        except InputError as error:
            if "\n" in str(error) or path.name not in str(error):
                wrong.append(f"byte {place}, bit {bit}: {error}")
        except Exception as error:
            wrong.append(f"byte {place}, bit {bit}: {type(error).__name__}: {error}")
    return wrong


@pytest.mark.parametrize("kind", WRITERS)
def test_a_changed_bit_is_one_line_or_changes_nothing(network, tmp_path, kind):
    WRITERS[kind](network, tmp_path / "x")
    assert mishandled(tmp_path / "x", 100) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", WRITERS)
def test_many_changed_bits_are_one_line_or_change_nothing(network, tmp_path, kind):
    WRITERS[kind](network, tmp_path / "x")
    assert mishandled(tmp_path / "x", 3000) == []


def test_a_changed_weight_is_called_damaged(network, tmp_path):
    save(network, tmp_path / "x.safetensors")
    content = bytearray((tmp_path / "x.safetensors").read_bytes())
    content[-2] ^= 1
    (tmp_path / "x.safetensors").write_bytes(bytes(content))
    with pytest.raises(InputError, match=r"x\.safetensors: damaged: .*; copy or download it again"):
        load(tmp_path / "x.safetensors")


def test_files_without_checksums_are_read(network, tmp_path):
    save(network, tmp_path / "a.safetensors", description=DESCRIPTION)
    text = json.dumps(describe(tmp_path / "a.safetensors"))
    save_file(load_file(tmp_path / "a.safetensors"), tmp_path / "b.safetensors", {"tacoglow": text})
    assert is_equal(content_of(tmp_path / "b.safetensors"), content_of(tmp_path / "a.safetensors"))
    torch.serialization.set_crc32_options(False)
    try:
        write_ckpt(network, tmp_path / "c.ckpt")
    finally:
        torch.serialization.set_crc32_options(True)
    assert is_equal(content_of(tmp_path / "c.ckpt"), content_of(tmp_path / "a.safetensors"))
