"""A run resumes only with the same network, the same mels and the same reading of texts."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from tts.audio import MelConfig
from tts.callbacks.checkpointing.resume_source import check_resumable
from tts.core.errors import InputError
from tts.models import WaveGlow
from tts.text import Tokenizer

SIZES = {"n_flows": 2, "n_layers": 1}


def network(**options) -> WaveGlow:
    return WaveGlow(**{**SIZES, "n_channels": 4, **options})


@pytest.fixture
def checkpoint(tmp_path):
    def write(net: WaveGlow, tokenizer: Tokenizer | None = None, without: tuple[str, ...] = ()):
        config = dataclasses.asdict(net.config)
        description = {
            "format": 1,
            "network": "WaveGlow",
            "network_config": {k: v for k, v in config.items() if k not in without},
            "mel": MelConfig().to_dict(),
            "tokenizer": tokenizer and tokenizer.to_dict(),
        }
        data = {"tacoglow": description, "loops": {}, "optimizer_states": [], "global_step": 7}
        torch.save({**data, "state_dict": {}}, tmp_path / "run.ckpt")
        return tmp_path / "run.ckpt"

    return write


def test_the_same_run_resumes_at_its_step(checkpoint):
    path = checkpoint(network(), Tokenizer())
    assert check_resumable(path, network(), MelConfig(), Tokenizer()) == 7


def test_an_option_that_the_checkpoint_does_not_know_had_its_default(checkpoint):
    path = checkpoint(network(), without=("front",))
    assert check_resumable(path, network(), MelConfig(), None) == 7
    with pytest.raises(InputError, match=r"network\.front is squeeze there, lapped here"):
        check_resumable(path, network(front="lapped"), MelConfig(), None)


def test_another_way_to_compute_the_same_is_no_obstacle(checkpoint):
    path = checkpoint(network(constant_memory=False))
    assert check_resumable(path, network(constant_memory=True), MelConfig(), None) == 7


def test_another_size_is_named(checkpoint):
    with pytest.raises(InputError, match=r"model\.network\.n_channels is 4 there, 8 here"):
        check_resumable(checkpoint(network()), network(n_channels=8), MelConfig(), None)


@pytest.mark.parametrize(
    ("tokenizer", "message"),
    [
        (Tokenizer(cleaner="basic_cleaners"), "cleaner is english_cleaners there, basic_cleaners"),
        (Tokenizer(p_arpabet=0.5, lexicon={"a": "AH0"}), r"p_arpabet is 0\.0 there, 0\.5 here"),
        (Tokenizer(symbols=["_", "a", "b"]), "another symbol table"),
    ],
    ids=["cleaner", "share", "symbols"],
)
def test_another_reading_of_texts_is_refused(tokenizer, message, checkpoint):
    path = checkpoint(network(), Tokenizer())
    with pytest.raises(InputError, match=message):
        check_resumable(path, network(), MelConfig(), tokenizer)


@pytest.mark.parametrize(
    ("part", "value"),
    [("mel", {"n_mels": "many"}), ("mel", 5), ("tokenizer", {"cleaner": 1}), ("network_config", 1)],
)
def test_a_description_that_cannot_be_used_is_one_line(checkpoint, part, value):
    path = checkpoint(network())
    data = torch.load(path, weights_only=True)
    data["tacoglow"][part] = value
    torch.save(data, path)
    with pytest.raises(InputError, match=r"run\.ckpt: ") as caught:
        check_resumable(path, network(), MelConfig(), Tokenizer())
    assert "\n" not in str(caught.value)
