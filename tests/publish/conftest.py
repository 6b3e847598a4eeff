"""Provides a run as a training leaves it, a hub of its own, and the command in this process."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from types import SimpleNamespace

import pytest
import torch

from tests.support.hub_server import TOKEN, Hub
from tests.support.tiny_networks import TINY_MEL, tiny_tacotron2, tiny_waveglow
from tts import pretrained
from tts.config import compose
from tts.pretrained.descriptions import KEY
from tts.publish.recipe import publish as publish_run
from tts.text import Tokenizer

CONFIG = {"init_from": None, "model": {"lr": 0.1}, "data": {"root": "/home/somebody/private/Voice"}}
FACTS = {
    "corpus": "Voice",
    "utterances": {"train": 90, "val": 10, "test": 0},
    "hours": 0.25,
    "parameters": 12345,
    "device": "cpu",
    "torch": "2.9",
    "tacoglow": "0.1.0",
    "git": None,
}


def ends_at_once(network):
    """Let the gate end every utterance after a few frames."""
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if "gate" in name and name.endswith("bias"):
                weight.fill_(9.0)
    return network


def describe(network, **more):
    """Return what a checkpoint of the tests says about itself."""
    is_acoustic = type(network).__name__ == "Tacotron2"
    return {
        "mel": TINY_MEL.to_dict(),
        "tokenizer": Tokenizer().to_dict() if is_acoustic else None,
        "corpus": "Voice",
        "config": CONFIG,
        **more,
    }


def make_run(logs, name="run", network=None, facts=FACTS, metrics=True, **more):
    """Write the folder of a run as a training leaves it, and return it."""
    network = network or ends_at_once(tiny_tacotron2())
    folder = logs / name / "2026-01-01_00-00-00"
    (folder / "checkpoints").mkdir(parents=True)
    about = {
        "format": 1,
        "network": type(network).__name__,
        "network_config": asdict(network.config),
        **describe(network, **more),
    }
    state = {f"network.{key}": value for key, value in network.state_dict().items()}
    content = {"state_dict": state, "global_step": 700, "epoch": 7, KEY: about}
    torch.save(content, folder / "checkpoints" / "last.ckpt")
    if facts is not None:
        (folder / "facts.json").write_text(json.dumps(facts))
    if metrics:
        rows = [f"{step},{3 / (step + 1)},{'' if step % 2 else 2.5}" for step in range(8)]
        (folder / "metrics.csv").write_text("step,train/loss,val/loss\n" + "\n".join(rows))
    return folder


@pytest.fixture
def write_run(tmp_path):
    """Return a function that writes the folder of a run: write_run(network=...) -> folder."""
    return lambda *arguments, **options: make_run(tmp_path / "logs", *arguments, **options)


@pytest.fixture(scope="session")
def voice_files(tmp_path_factory):
    """Publish a run once, and return its files by name, and the run."""
    folder = tmp_path_factory.mktemp("published")
    run = make_run(folder / "logs")
    publish_run(compose([f"run={run}", f"to={folder}/voice", "n_sounds=1"], "publish"))
    files = {
        path.relative_to(folder / "voice").as_posix(): path.read_bytes()
        for path in (folder / "voice").rglob("*")
        if path.is_file()
    }
    return files, run


@pytest.fixture
def vocoder_file(tmp_path):
    network = tiny_waveglow()
    pretrained.save(network, tmp_path / "v.safetensors", description=describe(network))
    return tmp_path / "v.safetensors"


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """Start a hub that the client talks to, with a token, a cache and a home of its own."""
    from huggingface_hub import constants
    from huggingface_hub.utils import _http

    hub = Hub()
    # the client's other protocol for large files needs a server for blocks
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    # it tries again after seconds, five times
    at_once = SimpleNamespace(**{**vars(time), "sleep": lambda _: None})
    monkeypatch.setattr(_http, "time", at_once)
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    yield hub
    hub.close()


@pytest.fixture
def publish(command):
    """Run the command; returns its status, standard output and standard error."""

    def run(*options):
        status, out, err = command("publish", *map(str, options))
        return SimpleNamespace(status=status, out=out, err=err)

    return run
