"""The doctor reports as errors what a training refuses, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from tests.support.examining import examined
from tests.support.faulty_corpus import two_channels


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
