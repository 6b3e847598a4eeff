import pytest
import torch

from tts.callbacks import EMA, DescribeCheckpoint

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


def test_averaged_weights_are_said(fit, tmp_path):
    assert saved(fit, tmp_path, EMA())["tacoglow"]["ema"] is True


@pytest.mark.parametrize(
    "value", [torch.ones(1), object(), {1, 2}, int], ids=["tensor", "object", "set", "class"]
)
def test_what_is_not_plain_is_refused_at_once(value):
    with pytest.raises(TypeError, match=r"tacoglow\.config\.model\.1 is a"):
        DescribeCheckpoint({"config": {"model": [0, value]}})
