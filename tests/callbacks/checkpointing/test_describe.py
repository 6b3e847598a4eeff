from types import SimpleNamespace

import pytest
import torch

from tts.callbacks import EMA, DescribeCheckpoint
from tts.core.errors import InputError

DESCRIPTION = {
    "format": 1,
    "network": "Tacotron2",
    "mel": {"hop_length": 256, "f_min": 0.0},
    "tokenizer": {"symbols": ("_", "a")},
    "config": {"data": {"root": None, "resample": False}},
}


def saved(fit, tmp_path, *callbacks):
    trainer = fit([DescribeCheckpoint(DESCRIPTION), *callbacks], max_steps=1)
    trainer.save_checkpoint(tmp_path / "model.ckpt")
    return torch.load(tmp_path / "model.ckpt", weights_only=True)


def test_checkpoint_describes_itself_in_plain_containers(fit, tmp_path):
    expected = {**DESCRIPTION, "tokenizer": {"symbols": ["_", "a"]}}
    assert saved(fit, tmp_path)["tacoglow"] == expected


def test_averaged_weights_are_marked(fit, tmp_path):
    assert saved(fit, tmp_path, EMA())["tacoglow"]["ema"] is True


@pytest.mark.parametrize(
    "value", [torch.ones(1), object(), {1, 2}, int], ids=["tensor", "object", "set", "class"]
)
def test_what_is_not_plain_is_refused_at_once(value):
    with pytest.raises(TypeError, match=r"tacoglow\.config\.model\.1 is a"):
        DescribeCheckpoint({"config": {"model": [0, value]}})


def going_on(there, here):
    callback = DescribeCheckpoint({**DESCRIPTION, "speakers": here})
    checkpoint = {"tacoglow": {**DESCRIPTION, "speakers": there}}
    callback.on_load_checkpoint(SimpleNamespace(ckpt_path="run.ckpt"), None, checkpoint)


@pytest.mark.parametrize(
    ("there", "here", "message"),
    [
        (["ann", "bob"], ["ann", "cy"], "run.ckpt: speaker 1 is bob there, cy here; resume with"),
        (["ann", "bob"], ["bob", "ann"], "speaker 0 is ann there, bob here"),
        (["ann"], ["ann", "bob"], "speaker 1 is nobody there, bob here"),
    ],
)
def test_a_run_does_not_resume_with_other_speakers(there, here, message):
    with pytest.raises(InputError, match=message):
        going_on(there, here)


@pytest.mark.parametrize("there", [None, [], ["ann", "bob"]])
def test_a_run_resumes_with_the_same_speakers_or_unknown_ones(there):
    going_on(there, ["ann", "bob"])
