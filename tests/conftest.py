"""Gives each test worker one thread, no network and no accounts."""

import os
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["WANDB_MODE"] = "offline"
os.environ["WANDB_SILENT"] = "true"

import hypothesis
import pytest
import torch

torch.set_num_threads(1)

# A machine that is slow for a moment fails no test, and a run tries what every other run tries
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True)
hypothesis.settings.register_profile("explore", deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

pytest_plugins = [
    "tests.support.audio_fixtures",
    "tests.support.checkpoint_fixtures",
    "tests.support.corpus_fixtures",
    "tests.support.export_fixtures",
    "tests.support.fit_fixtures",
    "tests.support.network_fixtures",
    "tests.support.serving_fixtures",
    "tests.support.voice_fixtures",
    "tests.support.watchdog",
]


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture
def command(monkeypatch, capsys):
    """Run a command in this process; returns status, standard output and standard error.

    However slow the machine is, standard error has no lines of progress.
    """
    from tts.commands import cli
    from tts.core import progress

    if progress.FIRST_AFTER == 1.0:  # a test of progress itself has set another time
        monkeypatch.setattr(progress, "FIRST_AFTER", 600.0)

    def run(name, *arguments):
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *arguments])
        status = 0
        try:
            getattr(cli, f"{name}_command")()
        except SystemExit as exit_:
            status = exit_.code
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def compiled_decoding(monkeypatch):
    """Networks of any size decode by compiled loops, with any number of torch's threads."""
    from tts.models.tacotron2 import compiled_decoder

    monkeypatch.setattr(compiled_decoder, "MIN_COMPILED_WEIGHTS", 0)
    monkeypatch.setattr(compiled_decoder, "MAX_THREADS_SINGLE", 10**6)
    monkeypatch.setattr(compiled_decoder, "MAX_THREADS_BATCH", 10**6)
