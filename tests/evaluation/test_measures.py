"""Each measure on sound whose figures are known beforehand."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from tts.core.errors import InputError
from tts.evaluation.clips import Clip, SampledAudio
from tts.evaluation.measures import MEASURES
from tts.evaluation.measures.distortion import Distortion
from tts.evaluation.measures.intelligibility import Intelligibility
from tts.evaluation.measures.measure import import_optional, mean_figures
from tts.evaluation.measures.similarity import Similarity
from tts.evaluation.measures.synthesis import Alignment, Speed

RATE = 22050


def tone(hertz, seconds=1.0, rate=RATE):
    """Make a sound with harmonics, and with a rhythm that time warping can follow."""
    time = np.arange(int(seconds * rate)) / rate
    wave = sum(np.sin(2 * np.pi * hertz * k * time) / k for k in range(1, 9))
    return SampledAudio(
        (0.1 * wave * (1.2 + np.sin(2 * np.pi * 3 * time))).astype(np.float32), rate
    )


def clip(sound=None, reference=None, text="a", **known):
    return Clip("1", text, tone(120) if sound is None else sound, reference, **known)


def ignore():
    pass


class ScriptedRecogniser:
    """Returns given transcripts as a recogniser."""

    def __init__(self, *transcripts):
        self.transcripts = list(transcripts)

    def load(self):
        pass

    def __call__(self, wave, sample_rate):
        return self.transcripts.pop(0)

    def normalise(self, text):
        return text.lower().replace(",", "")


def test_word_errors_are_those_of_all_words_together():
    clips = [clip(text="One, two three four"), clip(text="five")]
    scores = Intelligibility(ScriptedRecogniser("one too three four", "nine"))(clips, ignore)
    assert [row["wer"] for row in scores.rows] == [0.25, 1.0]
    assert scores.summary["wer"] == pytest.approx(2 / 5)
    assert scores.summary["cer"] == pytest.approx((1 + 2) / (18 + 4))


def test_an_endless_transcript_counts_once():
    clips = [clip(text="one two"), clip(text="three four")]
    scores = Intelligibility(ScriptedRecogniser("so " * 99, "three four"))(clips, ignore)
    assert scores.summary["wer"] == pytest.approx(0.5)


def test_silence_that_is_asked_for_and_heard_is_no_error():
    scores = Intelligibility(ScriptedRecogniser("", "a word"))(
        [clip(text=","), clip(text=",")], ignore
    )
    assert [row["wer"] for row in scores.rows] == [0.0, 1.0]


def test_transcripts_are_kept():
    assert Intelligibility(ScriptedRecogniser(" One. "))([clip()], ignore).transcripts == ("One.",)


def test_a_recording_is_not_distorted():
    row = Distortion().row(clip(tone(120), tone(120)))
    assert row == {"mcd": 0.0, "voicing_error": 0.0, "f0_rmse": 0.0}


def test_loudness_does_not_distort():
    quiet = SampledAudio(tone(120).samples / 4, RATE)
    assert Distortion().row(clip(quiet, tone(120)))["mcd"] == pytest.approx(0, abs=0.05)


def test_pace_does_not_distort():
    row = Distortion().row(clip(tone(120, 1.3), tone(120, 1.0)))
    other = Distortion().row(clip(tone(180, 1.0), tone(120, 1.0)))
    assert row["mcd"] < 0.5 * other["mcd"]


def test_pitch_is_compared_in_hertz():
    row = Distortion().row(clip(tone(140), tone(120)))
    assert row["f0_rmse"] == pytest.approx(20, abs=1.5)


def test_silence_has_no_distortion():
    silence = SampledAudio(np.zeros(RATE, np.float32), RATE)
    assert Distortion().row(clip(silence, tone(120))) == {}
    assert Distortion().row(clip(tone(120), None)) == {}


def test_another_rate_is_resampled():
    row = Distortion().row(clip(tone(120, rate=44100), tone(120)))
    assert row["mcd"] < 0.5


class Spectrum:
    """Encodes speakers by their lowest frequencies."""

    def embed_utterance(self, wave):
        spectrum = np.abs(np.fft.rfft(wave, 16000))[:400].astype(np.float32)
        return spectrum / np.linalg.norm(spectrum)


def test_similarity_is_to_the_recordings_of_the_sentences():
    measure = Similarity()
    measure._encoder = Spectrum()
    same = measure([clip(tone(120), tone(120))], ignore)
    other = measure([clip(tone(190), tone(120))], ignore)
    assert same.summary["similarity"] == pytest.approx(1, abs=1e-3)
    assert other.summary["similarity"] < 0.5
    assert measure([clip(tone(120))], ignore).summary == {}


def test_speed_is_of_all_clips_together():
    clips = [clip(tone(120, 1.0), compute_seconds=1.0), clip(tone(120, 3.0), compute_seconds=1.0)]
    scores = Speed()([*clips, clip()], ignore)
    assert [row.get("rtf") for row in scores.rows] == [1.0, pytest.approx(1 / 3), None]
    assert scores.summary["rtf"] == pytest.approx(0.5)
    assert Speed()([clip()], ignore).summary == {}


@pytest.mark.parametrize(
    ("stop_reason", "follows", "healthy", "by_gate"),
    [("gate", True, 1, 1), ("gate", False, 0, 1), ("max_steps", True, 0, 0)],
)
def test_healthy_speech_ends_by_the_gate_and_follows_the_text(
    stop_reason, follows, healthy, by_gate
):
    speech = SimpleNamespace(stop_reason=stop_reason, health=SimpleNamespace(follows_text=follows))
    assert Alignment().row(clip(speech=speech)) == {"healthy": healthy, "by_gate": by_gate}
    assert Alignment().row(clip()) == {}


def test_a_mean_is_of_the_clips_that_have_the_figure():
    assert mean_figures([{"a": 1.0}, {}, {"a": 3.0, "b": 1.0}]) == {"a": 2.0, "b": 1.0}


def test_figures_have_what_a_table_needs():
    for figure in (figure for make in MEASURES.values() for figure in make().figures):
        assert format(0.5, figure.form), figure
        assert figure.better in ("higher", "lower", ""), figure
        assert all((figure.key, figure.heading, figure.meaning)), figure


def test_a_missing_package_is_one_line_with_what_to_do():
    with pytest.raises(InputError, match=r"^no_such_package is not installed: pip install it$"):
        import_optional("no_such_package", "pip install it")


def test_what_a_package_does_not_need_may_be_missing(tmp_path, monkeypatch):
    (tmp_path / "greedy.py").write_text("import no_such_package\nfine = True\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert isinstance(import_optional("greedy", "", without=["no_such_package"]), ModuleType)
    assert "no_such_package" not in sys.modules
