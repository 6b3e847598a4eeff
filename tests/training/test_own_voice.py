"""The experiments for one's own voice train: an acoustic model, and a vocoder on its mels."""

import pytest

from tts import pretrained
from tts.config import compose, resolved
from tts.config.schema import check_training


def test_their_values_are_legal():
    check_training(resolved(compose(["experiment=own_voice", "data.root=x"])))
    vocoder = ["experiment=own_vocoder", "data.root=x", "acoustic=voice_acoustic"]
    check_training(resolved(compose(vocoder)))


def test_both_read_the_recordings_in_the_same_way():
    """The mels that one predicts are found by the other only if the samples are the same."""
    acoustic, vocoder = (
        resolved(compose([f"experiment={name}", "data.root=x"]))["model"]["datamodule"]
        for name in ("own_voice", "own_vocoder")
    )
    assert acoustic["processing"] == vocoder["processing"]
    assert acoustic["mel"] == vocoder["mel"]


@pytest.mark.slow
def test_two_steps_of_each_make_a_voice(command, write_corpus, tmp_path):
    root = write_corpus("abcdef", seconds=1.0)
    paths = [f"paths.{name}_dir={tmp_path}/{name}s" for name in ("data", "log")]
    paths.append(f"data.root={root}")
    short = ["trainer.max_steps=2", "model.scheduler.warmup_steps=1", "data.val_fraction=0.3"]
    short += ["trainer.accelerator=cpu", "callbacks.samples=null", "trainer.val_check_interval=1"]
    short += ["trainer.check_val_every_n_epoch=1"]

    def train(*options):
        status, out, err = command("train", *options, *paths)
        assert status == 0, f"{out[-600:]}\n{err[-600:]}"

    def last(name):
        (checkpoint,) = tmp_path.glob(f"logs/{name}/*/checkpoints/last.ckpt")
        return checkpoint

    train("experiment=own_voice", *short)
    acoustic = pretrained.describe(last("own_voice"))
    shipped = pretrained.describe("voice_acoustic")
    assert acoustic["network_config"] == shipped["network_config"]
    assert acoustic["tokenizer"]["symbols"] == shipped["tokenizer"]["symbols"]
    train("task=dump_mels", f"acoustic={last('own_voice')}", "data.trim_db=40")
    train("experiment=own_vocoder", f"acoustic={last('own_voice')}", *short)
    assert pretrained.describe(last("own_vocoder"))["network"] == "WaveGlow"
