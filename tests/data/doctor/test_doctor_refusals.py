"""The doctor reports as errors what a training refuses, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from hydra.utils import instantiate

from tests.support.examining import examined, examined_config
from tests.support.faulty_corpus import FAULTS, RATE, text_of, two_channels, voice
from tts.core.errors import InputError


@pytest.mark.parametrize("mono", ["mix", "left", "right"])
def test_channels_are_a_note_if_one_is_made_of_them(corpus, tmp_path, mono):
    two_channels(corpus)
    status, report = examined(corpus.root, tmp_path / "out", f"data.mono={mono}")
    (finding,) = [finding for finding in report["findings"] if finding["check"] == "channels"]
    assert (finding["severity"], status) == ("note", 0)


@pytest.mark.parametrize(
    ("seconds", "option", "found"),
    [
        (101, "data.max_seconds=10", ("bounds", "note")),
        (3601, "data.resample=true", ("unreadable", "error")),
    ],
)
def test_a_recording_that_is_not_decoded_is_found(corpus, tmp_path, seconds, option, found):
    samples = np.zeros(seconds * 1000, np.int16)
    soundfile.write(corpus.wav("clip-03"), samples, 1000, format="FLAC")
    _, report = examined(corpus.root, tmp_path / "out", option)
    of_clip = [(f["check"], f["severity"]) for f in report["findings"] if f["id"] == "clip-03"]
    assert of_clip == [found]


def refusal(root, output, *options):
    """Return the line with which a training of one epoch refuses a corpus, or None."""
    config = examined_config(root, output, *options, "data.num_workers=0")
    try:
        datamodule = instantiate(config["model"]["datamodule"], _convert_="all")
        datamodule.prepare_data()
        datamodule.setup()
        for loader in (datamodule.train_dataloader(), datamodule.val_dataloader()):
            for _ in loader:
                pass
    except InputError as error:
        return str(error)
    return None


def shorten_to_a_click(corpus):
    corpus.record("clip-03", voice(0.0005, 3) + 0.1)


def shorten_to_less_than_a_window(corpus):
    corpus.record("clip-03", voice(512 / RATE, 3))


def shorten_to_a_window(corpus):
    corpus.record("clip-03", voice(513 / RATE, 3))


def lose_the_recording(corpus):
    corpus.wav("clip-03").unlink()


def lose_the_text(corpus):
    corpus.say("clip-03", "")


def nothing(corpus):
    pass


PLANTS = [
    *FAULTS,
    shorten_to_a_click,
    shorten_to_less_than_a_window,
    shorten_to_a_window,
    lose_the_recording,
    lose_the_text,
]


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
@pytest.mark.parametrize("model", ["tacotron2", "waveglow"])
def test_what_a_training_refuses_is_an_error(plant, model, corpus, tmp_path):
    plant(corpus)
    options = [f"model={model}"]
    line = refusal(corpus.root, tmp_path / "training", *options)
    status, report = examined(corpus.root, tmp_path / "out", *options)
    if line is not None:
        errors = [finding for finding in report["findings"] if finding["severity"] == "error"]
        assert status == 1
        assert any(error["id"] in line or error["where"] in line for error in errors), line


SETTINGS = {
    "data.min_seconds=100": "bounds",
    "data.max_seconds=0.1": "bounds",
    "data.frames_per_batch=100": "frames",
    "data.n_speakers=2": "speakers",
    "audio.sample_rate=16000": "rate",
    "data.val_fraction=0.7,data.test_fraction=0.7": "split",
}


@pytest.mark.parametrize("settings", SETTINGS)
def test_a_setting_that_a_training_refuses_is_an_error(settings, corpus, tmp_path):
    options = ["model=tacotron2", *settings.split(",")]
    assert refusal(corpus.root, tmp_path / "training", *options) is not None
    status, report = examined(corpus.root, tmp_path / "out", *options)
    assert status == 1
    assert SETTINGS[settings] in {
        f["check"] for f in report["findings"] if f["severity"] == "error"
    }


@pytest.mark.parametrize(
    ("plant", "options"),
    [
        (nothing, ["data.min_seconds=0.1", "data.max_seconds=100"]),
        (nothing, ["data.frames_per_batch=1000"]),
        (shorten_to_a_window, []),
        (shorten_to_less_than_a_window, ["model=waveglow"]),
        (two_channels, ["data.mono=left"]),
    ],
)
def test_what_a_training_accepts_is_no_error(plant, options, corpus, tmp_path):
    plant(corpus)
    corpus.say("clip-03", "A.") if plant is not nothing and "model=waveglow" not in options else 0
    assert refusal(corpus.root, tmp_path / "training", *options) is None
    _, report = examined(corpus.root, tmp_path / "out", *options)
    refusals = {"window", "frames", "bounds", "channels", "rate", "unreadable", "split"}
    errors = {f["check"] for f in report["findings"] if f["severity"] == "error"}
    assert not refusals & errors


def test_trimming_counts_before_the_limits(corpus, tmp_path):
    silence = np.zeros(2 * RATE)
    corpus.record("clip-03", np.concatenate([silence, voice(0.7, 3), silence]))
    corpus.say("clip-03", "old ships")
    limits = ["data.min_seconds=1", "data.trim_db=40"]
    _, report = examined(corpus.root, tmp_path / "out", *limits)
    found = [f["check"] for f in report["findings"] if f["id"] == "clip-03"]
    assert "bounds" in found


def test_several_texts_on_one_clip_are_an_error(corpus, tmp_path):
    corpus.say("clip-03", " ".join(text_of(n) for n in range(8)))
    status, report = examined(corpus.root, tmp_path / "out", "doctor.least=100")
    (finding,) = [f for f in report["findings"] if f["check"] == "letters"]
    assert (finding["severity"], finding["id"], status) == ("error", "clip-03", 1)
    assert "is it the text of several recordings?" in finding["what"]


def test_a_text_that_is_much_too_short_is_a_warning(corpus, tmp_path):
    corpus.record("clip-03", voice(8, 3))
    corpus.say("clip-03", "Old ships.")
    _, report = examined(corpus.root, tmp_path / "out", "doctor.least=100")
    (finding,) = [f for f in report["findings"] if f["check"] == "letters"]
    assert (finding["severity"], finding["id"]) == ("warning", "clip-03")
