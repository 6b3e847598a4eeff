"""A kill leaves the former checkpoint or the new one, and litter that the next write removes."""

from __future__ import annotations

import pytest
import torch

from tests.support.checkpoint_files import lightning_checkpoint
from tests.support.killing import killed_at_moments
from tts.callbacks.checkpointing.checkpoint_io import AtomicCheckpointIO
from tts.core import files
from tts.models import WaveGlow
from tts.pretrained import load, save
from tts.pretrained.averaging import average
from tts.pretrained.convert import convert

TIMES = 12


@pytest.fixture
def networks(tmp_path):
    """Return two networks, and the files "0.ckpt" and "1.ckpt" of them."""
    made = []
    for seed in range(2):
        torch.manual_seed(seed)
        made.append(WaveGlow(n_flows=2, n_layers=2, n_channels=64))
        torch.save(lightning_checkpoint(made[-1]), tmp_path / f"{seed}.ckpt")
    return made


def write_run(networks, folder, seed, target):
    AtomicCheckpointIO().save_checkpoint(lightning_checkpoint(networks[seed]), target)


WRITERS = {
    "x.safetensors": lambda networks, folder, seed, target: save(networks[seed], target),
    "x.pt": lambda networks, folder, seed, target: save(networks[seed], target, "nvidia"),
    "converted.safetensors": lambda _, folder, seed, target: convert(
        folder / f"{seed}.ckpt", target
    ),
    "mean.safetensors": lambda _, folder, seed, target: average(
        [folder / f"{seed}.ckpt"] * 2, target
    ),
    "last.ckpt": write_run,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITERS)
def test_a_kill_leaves_a_whole_file(name, networks, tmp_path, monkeypatch):
    target, write = tmp_path / "out" / name, WRITERS[name]
    target.parent.mkdir()
    expected = [network.state_dict() for network in networks]
    write(networks, tmp_path, 0, target)
    found = set()
    for moment in killed_at_moments(lambda: write(networks, tmp_path, 1, target), TIMES):
        state = load(target).state_dict()
        which = [
            seed
            for seed in range(2)
            if all(torch.equal(state[weight], value) for weight, value in expected[seed].items())
        ]
        assert len(which) == 1, moment
        found.add(which[0])
        write(networks, tmp_path, 0, target)
    # a new process removes the litter of dead ones in a folder when it first writes there
    monkeypatch.setattr(files, "_tidied", set())
    write(networks, tmp_path, 0, target)
    assert [path.name for path in target.parent.iterdir()] == [name]
