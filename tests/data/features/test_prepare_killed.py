"""A preparation that is killed several times ends with the same bytes as one that is not."""

from __future__ import annotations

import hashlib
import multiprocessing
import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from tests.support.recordings import write_recording
from tts.audio import MelConfig
from tts.data import LJSpeech, Processing
from tts.data.features.contract import Contract
from tts.data.features.preparation import Preparation
from tts.data.features.prepared_folder import LOCAL
from tts.text import Tokenizer


def write_recordings(root, count):
    """Write recordings of up to two seconds."""
    chance = random.Random(0)
    names = [f"clip{number:03d}" for number in range(count)]
    for name in names:
        write_recording(root / "wavs" / f"{name}.wav", chance.uniform(0.3, 2))
    rows = [f"{name}|Words of {name}, {chance.random()}." for name in names]
    (root / "metadata.csv").write_text("\n".join(rows))


def prepare(root, folder):
    contract = Contract(MelConfig(), Processing(trim_db=40), complete=True)
    Preparation(folder, contract, tokenizer=Tokenizer(), workers=2).run(LJSpeech(root))


def kill(root, folder, stored: float, pause: float) -> int | None:
    """Prepare in a forked process, which imports nothing again, and kill it.

    The kill comes `pause` seconds after the index has reached `stored` bytes. It depends on the
    work that is done, and not on the time, so slow and fast machines are killed at the same places.
    """
    process = multiprocessing.get_context("fork").Process(target=prepare, args=(root, folder))
    process.start()
    while process.is_alive() and n_stored(folder) < stored:
        time.sleep(0.001)
    time.sleep(pause)
    process.kill()
    process.join()
    return process.exitcode


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and LOCAL not in path.parts
    }


def n_stored(folder: Path) -> int:
    index = folder / "mels.index"
    return index.stat().st_size if index.is_file() else 0


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("kills", "count"), [(3, 60), pytest.param(20, 400, marks=pytest.mark.slow)]
)
def test_killed_at_random_it_ends_with_the_same_bytes(kills, count, tmp_path):
    corpus = tmp_path / "corpus"
    write_recordings(corpus, count)
    prepare(corpus, tmp_path / "whole")
    total = n_stored(tmp_path / "whole")

    chance, codes, stored = random.Random(kills), [], [0]
    for goal in sorted(chance.uniform(0, 0.9 * total) for _ in range(kills)):
        codes.append(kill(corpus, tmp_path / "killed", goal, chance.uniform(0, 0.02)))
        stored.append(n_stored(tmp_path / "killed"))
    prepare(corpus, tmp_path / "killed")
    assert digests(tmp_path / "killed") == digests(tmp_path / "whole")
    assert codes.count(-signal.SIGKILL) > kills / 2
    # no kill loses an array that was stored
    assert stored == sorted(stored)
    assert np.any(np.diff(stored) > 0)
