from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tts.core.errors import InputError
from tts.data import SyntheticCorpus
from tts.data.corpora import synthetic
from tts.data.corpora.engines import ENGINES, Tones
from tts.data.corpora.synthetic import trim_silence


def make(root: Path, **options) -> SyntheticCorpus:
    corpus = SyntheticCorpus(root, **{"engine": "tones", "minutes": 0.05, **options})
    corpus.prepare()
    return corpus


def contents(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def test_equal_parameters_give_equal_bytes(tmp_path):
    assert contents(make(tmp_path / "a").root) == contents(make(tmp_path / "b").root)


def test_the_seed_decides_which_sentences_are_read(tmp_path):
    texts = [[u.text for u in make(tmp_path / str(s), seed=s).utterances()] for s in (0, 1)]
    assert texts[0] != texts[1]


def test_a_longer_corpus_begins_like_a_shorter_one(tmp_path):
    short, long = (contents(make(tmp_path / str(m), minutes=m).root) for m in (0.05, 0.1))
    wavs = {name for name in short if name.endswith(".wav")}
    assert wavs < set(long)
    assert all(short[name] == long[name] for name in wavs)


def test_there_is_as_much_speech_as_was_asked_for(tmp_path):
    corpus = make(tmp_path / "c", minutes=0.2)
    lengths = [soundfile.info(u.wav).duration for u in corpus.utterances()]
    assert 12 <= sum(lengths) < 12 + max(lengths)


def test_recordings_are_at_the_rate_that_was_asked_for(tmp_path):
    corpus = make(tmp_path / "c", sample_rate=16000)
    assert {soundfile.info(u.wav).samplerate for u in corpus.utterances()} == {16000}


def test_silence_is_a_short_fixed_margin(tmp_path):
    for utterance in make(tmp_path / "c").utterances():
        samples, rate = soundfile.read(utterance.wav)
        (loud,) = np.nonzero(np.abs(samples) > 0.02)
        assert 0.04 < loud[0] / rate < 0.09
        assert 0.09 < (len(samples) - loud[-1]) / rate < 0.14


def test_the_corpus_says_what_it_is(tmp_path):
    corpus = make(tmp_path / "c")
    description = json.loads((corpus.root / "corpus.json").read_text())
    assert corpus.name == description["name"] == "synthetic corpus (tones)"
    assert {"engine", "minutes", "seed", "version", "licence"} <= set(description)
    assert "public domain" in description["licence"]


def test_a_corpus_is_made_only_once(tmp_path, monkeypatch):
    make(tmp_path / "c")
    monkeypatch.setitem(ENGINES, "tones", lambda: pytest.fail("rendered again"))
    make(tmp_path / "c")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": 1}, "made with seed 0"),
        ({"minutes": 0.06}, r"made with minutes 0\.05"),
        ({"engine": "espeak"}, "made with engine tones"),
        ({"sample_rate": 16000}, "made with sample_rate 22050"),
        ({"language": "ko"}, "made with sentences .*, language None"),
    ],
)
def test_other_parameters_are_refused(tmp_path, options, message):
    made = contents(make(tmp_path / "c").root)
    with pytest.raises(InputError, match=f"{message}; delete it or choose another data.root"):
        make(tmp_path / "c", **options)
    assert contents(tmp_path / "c") == made


@pytest.mark.parametrize("name", ["notes.txt", "corpus.json"])
def test_a_folder_that_holds_something_else_is_left_alone(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match="no synthetic corpus; choose another"):
        make(tmp_path)
    assert contents(tmp_path) == {name: b"mine"}


@pytest.mark.parametrize("reason", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_rendering_leaves_nothing(tmp_path, monkeypatch, reason):
    class Interrupted(Tones):
        calls = 0

        def render(self, text, seed):
            Interrupted.calls += 1
            if Interrupted.calls == 3:
                raise reason
            return super().render(text, seed)

    monkeypatch.setitem(ENGINES, "tones", Interrupted)
    with pytest.raises(reason):
        make(tmp_path / "c", minutes=1)
    assert list(tmp_path.iterdir()) == []


def test_own_sentences_are_read(tmp_path):
    (tmp_path / "lines.txt").write_text("# a comment\n\nHello there.\nGood night.\n")
    corpus = make(tmp_path / "c", minutes=0.025, sentences=tmp_path / "lines.txt")
    assert sorted(u.text for u in corpus.utterances()) == ["Good night.", "Hello there."]


def test_more_minutes_than_the_sentences_make_are_refused_beforehand(tmp_path, monkeypatch):
    monkeypatch.setattr(Tones, "render", lambda *_: pytest.fail("rendered in vain"))
    with pytest.raises(InputError, match=r"sentences make only about \d+\.\d+ minutes with"):
        make(tmp_path / "c", minutes=1e5)


def test_sentences_that_run_out_are_refused_with_what_they_make(tmp_path):
    (tmp_path / "lines.txt").write_text("Abcdefgh.\n.................\n")
    with pytest.raises(InputError, match=r"make only 0\.01 minutes"):
        make(tmp_path / "c", minutes=0.02, sentences=tmp_path / "lines.txt")
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "parrot"}, "data.engine=parrot: choose from hibari, espeak, tones"),
        ({"minutes": 0}, "data.minutes=0: it must be a number above 0"),
        ({"minutes": float("nan")}, "data.minutes=nan: it must be a number above 0"),
        ({"seed": -1}, "data.seed=-1: it must be a whole number, 0 or more"),
        ({"sentences": "lost.txt"}, r"lost\.txt: cannot be read"),
    ],
)
def test_bad_parameters_are_named(tmp_path, options, message):
    with pytest.raises(InputError, match=message) as error:
        make(tmp_path / "c", **options)
    assert "\n" not in str(error.value)


def test_a_sentence_that_would_break_the_manifest_is_refused(tmp_path):
    (tmp_path / "lines.txt").write_text("Fine.\nNot | fine.\n")
    with pytest.raises(InputError, match=r"lines\.txt:2: holds '\|'"):
        make(tmp_path / "c", sentences=tmp_path / "lines.txt")


def test_a_root_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        make(tmp_path / "file" / "c")


@pytest.mark.parametrize("engine", ["hibari", "espeak"])
def test_real_engines_make_a_corpus(tmp_path, engine):
    pytest.importorskip({"hibari": "hibari", "espeak": "espeakng_loader"}[engine])
    first, second = (make(tmp_path / name, engine=engine, minutes=0.08) for name in "ab")
    assert contents(first.root) == contents(second.root)
    samples, rate = soundfile.read(first.utterances()[0].wav)
    assert rate == 22050
    assert 0.05 < np.abs(samples).max() <= 1


@pytest.mark.parametrize("cores", [1, 4])
def test_the_number_of_cores_changes_nothing(tmp_path, monkeypatch, cores):
    reference = contents(make(tmp_path / "a").root)
    monkeypatch.setattr(synthetic, "n_cores", lambda: cores)
    monkeypatch.setattr(Tones, "threads", 8)
    assert contents(make(tmp_path / "b").root) == reference


def padded(seconds_before, seconds_after, rate=8000):
    tone = 0.5 * np.sin(np.arange(rate // 2)).astype(np.float32)
    return np.pad(tone, (int(seconds_before * rate), int(seconds_after * rate)))


def test_trimming_gives_fixed_margins():
    for before, after in ((0.3, 0.5), (0.0, 0.0), (0.01, 1.0), (0.05, 0.1)):
        trimmed = trim_silence(padded(before, after), 8000, lead=0.05, tail=0.1)
        assert len(trimmed) == 8000 * (0.05 + 0.5 + 0.1)
        np.testing.assert_array_equal(trimmed[400:4400], padded(0, 0))


def test_faint_noise_is_silence():
    samples = padded(0.5, 0.5)
    noise = 1e-4 * np.random.default_rng(0).standard_normal(len(samples)).astype(np.float32)
    assert len(trim_silence(samples + noise, 8000)) == 8000 * 0.65


def test_of_nothing_but_silence_nothing_is_left():
    for n_samples in (0, 5, 8000):
        assert len(trim_silence(np.zeros(n_samples, np.float32), 8000)) == 0


def test_the_language_chooses_the_sentences(tmp_path):
    korean = SyntheticCorpus(tmp_path / "ko", engine="espeak", language="ko")
    english = [
        SyntheticCorpus(tmp_path, engine="espeak", language=code) for code in (None, "en-us")
    ]
    assert "강가에 앉아 흐르는 물을 바라보았다." in korean._lines()
    assert english[0]._lines() == english[1]._lines() != korean._lines()
    assert korean._recipe()["language"] == "ko"


def test_a_corpus_that_an_earlier_version_made_is_used(tmp_path, monkeypatch):
    corpus = make(tmp_path / "c")
    description = json.loads((corpus.root / "corpus.json").read_text())
    del description["language"]
    (corpus.root / "corpus.json").write_text(json.dumps(description))
    monkeypatch.setitem(ENGINES, "tones", lambda: pytest.fail("rendered again"))
    make(tmp_path / "c")


def test_a_language_without_sentences_needs_a_text(tmp_path):
    with pytest.raises(InputError, match=r"data.language=de: name a text .* data.sentences=FILE"):
        SyntheticCorpus(tmp_path, engine="espeak", language="de")


def test_only_espeak_speaks_other_languages(tmp_path):
    with pytest.raises(
        InputError, match=r"data.language=ko: tones speaks English only; use data.eng"
    ):
        make(tmp_path / "c", language="ko")


def test_korean_sentences_need_no_reader_of_numbers():
    lines = SyntheticCorpus("unused", engine="espeak", language="ko")._lines()
    assert len(lines) == len(set(lines)) > 70
    assert all(re.fullmatch("[가-힣 ,.?]+", line) for line in lines)
