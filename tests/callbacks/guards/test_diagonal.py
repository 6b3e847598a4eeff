import logging
from types import SimpleNamespace

import pytest
import torch

from tts.callbacks import DiagonalGuard
from tts.callbacks.guards.diagonal_attention import METRIC, edge_silence, likely_causes
from tts.data.loading.batch import TextMelBatch

SILENCE = -11.5


@pytest.fixture
def reading(toy_task):
    """Return a task whose attention has the diagonality ``value``."""

    class Reads(toy_task):
        def __init__(self, value):
            super().__init__()
            self.value = value

        def training_step(self, batch, batch_idx):
            self.log(METRIC, self.value(self.global_step))
            return super().training_step(batch, batch_idx)

    return Reads


@pytest.fixture
def causes(monkeypatch):
    monkeypatch.setattr(
        "tts.callbacks.guards.diagonal_attention.likely_causes", lambda *_: iter(["one", "two"])
    )


def warnings_in(caplog):
    return [
        r.message for r in caplog.records if r.name == "tts.callbacks.guards.diagonal_attention"
    ]


@pytest.mark.usefixtures("causes")
def test_attention_that_stays_at_chance_is_logged_once(fit, reading, caplog):
    fit([DiagonalGuard(after_steps=4)], reading(lambda step: 0.2))
    assert warnings_in(caplog) == [
        "no diagonal after 4 steps: 20% of the attention is near the straight line, 19% would be "
        "chance; likely causes: one; two"
    ]


@pytest.mark.usefixtures("causes")
@pytest.mark.parametrize(
    ("value", "after"), [(lambda step: 0.2, 9), (lambda step: 0.9, 4), (lambda step: step / 5, 6)]
)
def test_no_warning_comes_too_early_or_with_a_diagonal(fit, reading, caplog, value, after):
    fit([DiagonalGuard(after_steps=after)], reading(value))
    assert warnings_in(caplog) == []


@pytest.mark.usefixtures("causes")
def test_a_resumed_run_does_not_say_it_again(fit, reading, caplog, tmp_path):
    task = reading(lambda step: 0.2)
    fit([DiagonalGuard(after_steps=4)], task, max_epochs=2).save_checkpoint(tmp_path / "a.ckpt")
    fit([DiagonalGuard(after_steps=4)], task, max_epochs=3, ckpt_path=tmp_path / "a.ckpt")
    assert len(warnings_in(caplog)) == 1


def test_networks_without_attention_are_left_alone(fit, caplog):
    fit([DiagonalGuard(after_steps=1)])
    assert warnings_in(caplog) == []


def world(batch=32, rate=1e-3, frames=2, guided=1.0, before=0, after=0, n_text=30, unknown=()):
    """Return trainer, task and batch of a run with one of the usual mistakes."""
    n = 4
    mel = torch.full((n, 8, 200), SILENCE)
    mel[:, :, before : 200 - after] = -3.0
    lengths = torch.full((n,), 200)
    text_lengths = torch.tensor([30, 30, 30, n_text])
    names = tuple(f"u{i}" for i in range(n))
    tokenizer = SimpleNamespace(unknown=lambda text: dict.fromkeys(unknown, 1))
    corpus = SimpleNamespace(utterances=lambda: [SimpleNamespace(text="a")])
    trainer = SimpleNamespace(
        datamodule=SimpleNamespace(
            mel=SimpleNamespace(hop_length=256, sample_rate=22050),
            tokenizer=tokenizer,
            corpus=corpus,
        ),
        accumulate_grad_batches=batch // n,
        world_size=1,
        optimizers=[SimpleNamespace(param_groups=[{"lr": rate}])],
    )
    config = SimpleNamespace(n_frames_per_step=frames)
    task = SimpleNamespace(
        network=SimpleNamespace(config=config), loss=SimpleNamespace(guided_weight=guided)
    )
    text = torch.zeros(n, 30, dtype=torch.long)
    return trainer, task, TextMelBatch(text, text_lengths, mel, lengths, names)


@pytest.mark.parametrize(
    ("mistake", "cause"),
    [
        ({"before": 60}, "silence of 0.7 s at the beginning of clips"),
        ({"after": 60}, "silence of 0.7 s at the end of clips"),
        ({"n_text": 5}, "texts too short or too long for their recordings (u3)"),
        ({"unknown": "ab"}, "2 characters of the texts have no symbol"),
        ({"batch": 8}, "8 utterances in a step are few"),
        ({"rate": 0.01}, "a learning rate of 0.01"),
        ({"frames": 1}, "one frame in a decoder step"),
        ({"guided": 0}, "no guidance"),
    ],
)
def test_each_cause_is_named_with_its_number(mistake, cause):
    messages = list(likely_causes(*world(**mistake)))
    assert len(messages) == 2
    assert messages[0].startswith(cause)


def test_without_a_visible_mistake_the_transcripts_are_left():
    assert list(likely_causes(*world())) == ["transcripts that differ from what the speaker says"]


def test_silence_is_measured_within_the_real_frames():
    mel = torch.full((2, 4, 50), SILENCE)
    mel[0, :, 10:30] = 0.0
    mel[1, :, 0:45] = 0.0
    torch.testing.assert_close(edge_silence(mel, torch.tensor([36, 50])), torch.tensor([5.0, 5.5]))


def test_real_task_logs_the_watched_metric(tmp_path, caplog):
    from tests.support.runs import TINY_TACOTRON2, run

    options = ["trainer.max_steps=3", "trainer.log_every_n_steps=1", "callbacks.samples=null"]
    with caplog.at_level(logging.WARNING, "tts"):
        run(tmp_path, *TINY_TACOTRON2, *options, "callbacks.diagonal.after_steps=2")
    (message,) = warnings_in(caplog)
    assert "no diagonal after 2 steps" in message
    assert "4 utterances in a step are few" in message
