"""A run that is resumed with other speakers would teach one voice the sound of another."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.runs import CPU, QUIET, TINY_TACOTRON2
from tts.audio import write_wave
from tts.config import compose, resolved
from tts.core.errors import InputError
from tts.train import run_training


def write_speakers(root, *names):
    for name in names:
        for number in range(3):
            wav = root / name / f"{number}.wav"
            wav.parent.mkdir(parents=True, exist_ok=True)
            pitch = 100 * (number + 2) + len(name)
            write_wave(wav, 0.3 * np.sin(np.arange(6000) * pitch * 2 * np.pi / 22050), 22050)
            wav.with_suffix(".txt").write_text(f"Words of {name}, {number}.")
    return root


def train(tmp_path, root, steps, *more):
    layout = ["data=folder", f"data.root={root}", "data.speaker=folder", "data.n_speakers=2"]
    options = [*TINY_TACOTRON2, *QUIET, *CPU, f"trainer.max_steps={steps}", "data.num_workers=0"]
    paths = [f"paths.{name}_dir={tmp_path}/{name}" for name in ("data", "log", "output")]
    config = resolved(compose([*layout, *options, *paths, *more]))
    return run_training(config, tmp_path / "output")


@pytest.mark.slow
def test_other_names_under_the_same_numbers_are_refused(tmp_path):
    train(tmp_path, write_speakers(tmp_path / "one", "ann", "bob"), 1)
    other = write_speakers(tmp_path / "two", "ann", "cecil")
    last = tmp_path / "output" / "checkpoints" / "last.ckpt"
    with pytest.raises(InputError, match=r"last\.ckpt: speaker 1 is bob there, cecil here"):
        train(tmp_path, other, 2, f"ckpt_path={last}")
    train(tmp_path, tmp_path / "one", 2, f"ckpt_path={last}")
