"""Checks the keys of callbacks in a checkpoint, because a renamed class would lose its state."""

import torch
from pytorch_lightning.callbacks import EarlyStopping

from tts.callbacks import DescribeCheckpoint, KeepResumePoint, RandomState
from tts.config import compose, resolved
from tts.sweep.pruning import PruneTrial
from tts.train import instantiate_all

#: Checkpoints that people have use these keys. Give a renamed class its former key as `state_key`.
KEYS = {
    "Checkpoint",
    "DeterminantGuard",
    "DiagonalGuard",
    "DivergenceGuard",
    "EMA",
    "EarlyStopping",
    "LogSamples",
    "SpeechMetrics",
    "Throughput",
    "Timer",
}
#: What callbacks add to the checkpoint itself.
ENTRIES = {"tacoglow", "random_state", "resume_point", "current_model_state"}


def test_checkpoints_hold_the_known_keys_of_callbacks(fit, tmp_path, monkeypatch):
    monkeypatch.setattr("tts.callbacks.samples.media_items", lambda *_: iter(()))
    options = ["callbacks=ema", "callbacks.progress=null", f"paths.output_dir={tmp_path}"]
    configured = resolved(compose(options))["callbacks"]
    callbacks = instantiate_all(configured)
    callbacks += [EarlyStopping("val/loss"), DescribeCheckpoint({}), RandomState()]
    callbacks += [KeepResumePoint()]
    fit(callbacks, max_epochs=1, max_time="00:01:00:00", enable_checkpointing=True)
    checkpoint = torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)
    # Lightning appends the options of checkpoints and of early stopping
    assert {key.split("{")[0] for key in checkpoint["callbacks"]} == KEYS
    assert checkpoint.keys() > ENTRIES


def test_a_pruned_trial_keeps_its_key(tmp_path):
    assert PruneTrial(0, "val/loss", tmp_path, {}).state_key == "PruneTrial"
