"""Checks metrics of free-running speech: logged on request, equal for every batch and rank."""

import csv
import math

import pytest
import torch

from tests.support.runs import QUIET, TINY_TACOTRON2, TINY_WAVEGLOW, run
from tts.callbacks import SpeechMetrics
from tts.core.errors import InputError

TINY = {"tacotron2": TINY_TACOTRON2, "waveglow": TINY_WAVEGLOW}
SHORT = [*QUIET, "trainer.max_steps=1", "trainer.limit_train_batches=1", "callbacks.progress=null"]


class Parrot:
    """Recognises the same words in every sound."""

    def __init__(self, text):
        self.text = text
        self.waves = []

    def load(self):
        pass

    def __call__(self, wave, sample_rate):
        self.waves.append((wave, sample_rate))
        return self.text

    def normalise(self, text):
        return text.lower()


@pytest.mark.parametrize("network", ["tacotron2", "waveglow"])
def test_a_monitored_distance_is_measured_and_kept(network, tmp_path):
    metrics = run(tmp_path, *TINY[network], *SHORT, "monitor=val/mel_distance")
    assert 0 < metrics["val/mel_distance"] < 20
    with (tmp_path / "output" / "metrics.csv").open(newline="") as file:
        rows = [row["val/mel_distance"] for row in csv.DictReader(file)]
    assert [float(row) for row in rows if row] == [pytest.approx(metrics["val/mel_distance"])]
    assert (tmp_path / "output" / "checkpoints" / "step_0000001.ckpt").is_file()


def test_nothing_is_measured_unless_asked_for(tmp_path):
    assert "val/mel_distance" not in run(tmp_path, *TINY_WAVEGLOW, *SHORT)


@pytest.mark.slow
def test_measuring_leaves_no_trace_in_training(tmp_path):
    options = [*TINY_WAVEGLOW, *QUIET, "trainer.max_steps=3", "callbacks.progress=null"]
    run(tmp_path, *options, output="a")
    run(tmp_path, *options, "callbacks.speech.measures=[mel_distance]", output="b")
    states = [
        torch.load(tmp_path / name / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        for name in "ab"
    ]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.mark.slow
def test_the_distance_does_not_depend_on_batches(tmp_path):
    options = [*TINY_WAVEGLOW, *SHORT, "data.val_fraction=0.5", "monitor=val/mel_distance"]
    options += ["model.lr=0", "callbacks.speech.n_utterances=3"]
    values = [
        run(tmp_path, *options, f"data.val_batch_size={n}", output=str(n))["val/mel_distance"]
        for n in (1, 4)
    ]
    assert values[0] == values[1]


@pytest.mark.parametrize("every", [1, 2])
def test_every_n_validations(every, tmp_path):
    options = [*TINY_WAVEGLOW, *QUIET, "callbacks.progress=null", "trainer.max_epochs=2"]
    options += ["trainer.limit_train_batches=1", "callbacks.speech.measures=[mel_distance]"]
    run(tmp_path, *options, f"callbacks.speech.every_n_validations={every}")
    with (tmp_path / "output" / "metrics.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row.get("val/mel_distance")]
    assert len(rows) == 2 // every


def test_an_unknown_measure_is_one_line():
    with pytest.raises(InputError, match=r"callbacks\.speech\.measures: charm"):
        SpeechMetrics(["charm"])


def test_word_errors_of_what_the_network_says(tmp_path, monkeypatch):
    heard = "nothing"
    parrot = Parrot(heard)
    monkeypatch.setattr("tts.metrics.Whisper", lambda model: parrot)
    metrics = run(tmp_path, *TINY_TACOTRON2, *SHORT, "monitor=val/word_error_rate")
    assert metrics["val/word_error_rate"] == 1.0
    ((wave, rate),) = parrot.waves
    assert rate == 22050
    assert wave.ndim == 1
    assert math.isfinite(abs(wave).max())


def test_word_errors_need_text(tmp_path, monkeypatch):
    monkeypatch.setattr("tts.metrics.Whisper", lambda model: Parrot(""))
    with pytest.raises(InputError, match=r"logs no such metric; there are .*mel_distance"):
        run(tmp_path, *TINY_WAVEGLOW, *SHORT, "monitor=val/word_error_rate")


def test_a_recogniser_that_is_not_installed_is_an_error_before_training(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "faster_whisper", None)
    with pytest.raises(InputError, match=r"val/word_error_rate needs faster_whisper: pip install"):
        run(tmp_path, *TINY_TACOTRON2, *SHORT, "monitor=val/word_error_rate")
    assert not list(tmp_path.rglob("*.ckpt"))
