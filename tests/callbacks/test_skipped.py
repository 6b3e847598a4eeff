import logging
from types import SimpleNamespace

import torch

from tts.callbacks import CurrentBatch, ReportSkipped
from tts.data import MelWaveBatch

TRAINER = SimpleNamespace(world_size=1, is_global_zero=True, current_epoch=3, global_step=70)


def batch(names=("a", "b"), skipped=()):
    return MelWaveBatch(torch.empty(2, 80, 4), torch.empty(2, 1024), names, skipped)


def test_skipped_utterances_are_logged_once_at_the_end_of_the_epoch(caplog):
    report = ReportSkipped()
    for index in range(7):
        report.on_train_batch_start(
            TRAINER, None, batch(skipped=(f"{index}.wav: gone",) * 2), index
        )
    report.on_validation_batch_start(TRAINER, None, batch(), 0)
    assert not caplog.records
    report.on_train_epoch_end(TRAINER, None)
    report.on_train_epoch_end(TRAINER, None)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.message.startswith("epoch 3: 14 times")
    assert "0.wav: gone; 1.wav: gone" in record.message
    assert record.message.endswith("; and 2 more")


def test_the_current_batch_is_described_without_being_kept():
    current = CurrentBatch()
    assert str(current) == "the start"
    names = tuple("abcdefghij")
    current.on_train_batch_start(TRAINER, None, batch(names), 0)
    assert str(current) == (
        "step 70 (epoch 3): 10 utterances of 1024 samples (a, b, c, d, e, f, g, h and 2 more)"
    )
    assert not any(torch.is_tensor(value) for value in vars(current).values())
