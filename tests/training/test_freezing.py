"""Frozen parts in real runs: nothing of them moves, and the optimiser never sees them."""

from __future__ import annotations

import pytest
import torch

from tests.support.runs import CPU, QUIET, TINY_TACOTRON2, run
from tts.core.errors import InputError
from tts.pretrained import load
from tts.training.freezing import KeepFrozen

SHORT = [*TINY_TACOTRON2, *CPU, *QUIET, "trainer.max_steps=2", "trainer.max_epochs=1"]


def checkpoint(folder, output: str):
    return next((folder / output).glob("checkpoints/last.ckpt"))


@pytest.mark.slow
def test_frozen_parts_do_not_move_in_a_run(tmp_path):
    run(tmp_path, *SHORT, output="first")
    source = checkpoint(tmp_path, "first")
    frozen = ["embedding", "encoder", "decoder.prenet"]
    run(
        tmp_path,
        *SHORT,
        f"init_from={source}",
        f"freeze=[{','.join(frozen)}]",
        "model.optimizer.lr=0.1",
        output="second",
    )
    before, after = load(source).state_dict(), load(checkpoint(tmp_path, "second")).state_dict()
    still = {name for name, value in before.items() if torch.equal(value, after[name])}
    expected = {name for name in before if name.startswith(tuple(frozen))}
    assert any("running_mean" in name for name in expected)
    assert expected <= still
    assert "decoder.gate.weight" not in still
    assert "postnet.convolutions.0.norm.running_mean" not in still
    saved = torch.load(checkpoint(tmp_path, "second"), weights_only=True)
    n_trained = len(saved["optimizer_states"][0]["param_groups"][0]["params"])
    network = load(source)
    assert n_trained == sum(not n.startswith(tuple(frozen)) for n, _ in network.named_parameters())


def test_frozen_part_computes_what_it_does_in_speech(small_tacotron2):
    keep = KeepFrozen(small_tacotron2, ["encoder"])
    small_tacotron2.train()
    keep.on_train_batch_start()
    embedded, lengths = torch.randn(2, 7, 6), torch.tensor([7, 5])
    first = small_tacotron2.encoder(embedded, lengths)
    assert torch.equal(small_tacotron2.encoder(embedded, lengths), first)
    assert torch.equal(small_tacotron2.eval().encoder(embedded, lengths), first)


def test_lstm_of_a_frozen_part_keeps_its_mode(small_tacotron2):
    """An embedding before a frozen LSTM can train; cuDNN refuses that in evaluation mode."""
    keep = KeepFrozen(small_tacotron2, "encoder")
    small_tacotron2.train()
    keep.on_train_batch_start()
    assert small_tacotron2.encoder.lstm.training
    assert not small_tacotron2.encoder.convolutions[0].norm.training
    assert small_tacotron2.postnet.training


def test_misspelt_part_is_an_error_with_the_nearest_name(small_tacotron2):
    with pytest.raises(InputError, match=r"freeze=encodr: .* there are encoder"):
        KeepFrozen(small_tacotron2, ["encodr"])


def test_freezing_everything_is_refused(small_tacotron2):
    with pytest.raises(InputError, match="nothing is left to train"):
        KeepFrozen(small_tacotron2, ["embedding", "encoder", "decoder", "postnet"])


def test_something_else_than_names_is_refused(small_tacotron2):
    with pytest.raises(InputError, match="freeze=3: must be a list of names"):
        KeepFrozen(small_tacotron2, 3)


def test_nothing_is_frozen_by_default(small_tacotron2):
    KeepFrozen(small_tacotron2, [])
    assert all(parameter.requires_grad for parameter in small_tacotron2.parameters())
