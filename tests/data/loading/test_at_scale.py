"""A training on a million utterances reaches its first batch in seconds."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tests.support import simulated_corpus as simulated
from tests.support.paths import REPO
from tts.audio import MelConfig
from tts.data import PreparedCorpus, TextMelDataModule
from tts.text import Tokenizer

BY_SIZE = {"batch_size": 64}
BY_FRAMES = {"batch_size": None, "frames_per_batch": 20_000}


def loader(folder, rank, world_size, options):
    module = TextMelDataModule(
        PreparedCorpus(folder), MelConfig(), Tokenizer(), folder / "cache", **options
    )
    module.trainer = SimpleNamespace(
        global_rank=rank,
        is_global_zero=rank == 0,
        world_size=world_size,
        overfit_batches=0,
        strategy=SimpleNamespace(root_device=torch.device("cpu")),
    )
    module.prepare_data()
    module.setup("fit")
    return module.train_dataloader()


def indices(folder, rank, world_size, options):
    batches = loader(folder, rank, world_size, options).batch_sampler.sampler
    return np.concatenate(list(batches))


def check_ranks(folder, options, world_size=8):
    """Check that every item belongs to one rank; a few fill the last batch and belong to two."""
    parts = [indices(folder, rank, world_size, options) for rank in range(world_size)]
    everything = np.concatenate(parts)
    owners = np.bincount(everything)
    assert (owners > 0).all()
    batch = options["batch_size"] or 0
    assert (owners > 1).sum() < world_size * max(batch, 1)
    return len(owners)


@pytest.fixture(scope="module")
def thousands(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scale") / "thousands"
    simulated.make(folder, 5000)
    return folder


@pytest.mark.parametrize("options", [BY_SIZE, BY_FRAMES], ids=["size", "frames"])
def test_ranks_share_all_items_among_them(options, thousands):
    assert check_ranks(thousands, options) == 4900


def test_the_simulation_is_read_like_any_other(thousands):
    batch = next(iter(loader(thousands, 0, 1, BY_SIZE)))
    assert not batch.mel.any()
    assert batch.text.shape == (64, simulated.SYMBOLS)
    assert batch.names[0].startswith("u000")


@pytest.fixture(scope="module")
def million(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scale") / "million"
    simulated.make(folder, 1_000_000)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("world_size", [1, 8])
@pytest.mark.parametrize("options", [BY_SIZE, BY_FRAMES], ids=["size", "frames"])
def test_a_million_utterances_start_in_seconds(options, world_size, million):
    given = {**options, "world_size": world_size}
    command = [sys.executable, simulated.__file__, "train", str(million)]
    command += [f"{name}={'null' if value is None else value}" for name, value in given.items()]
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPO, check=True)
    took = json.loads(done.stdout)
    sys.stdout.write(f"{given}: {took}\n")
    assert took["utterances"] == 999_900
    # processor time, because other programs may be running; without the imports of torch and
    # Lightning, which take as long for every corpus
    assert took["processor seconds after importing"] < 5
    assert took["megabytes"] < 2000


@pytest.mark.slow
@pytest.mark.parametrize("options", [BY_SIZE, BY_FRAMES], ids=["size", "frames"])
def test_ranks_share_a_million_items_among_them(options, million):
    assert check_ranks(million, options) == 999_900
