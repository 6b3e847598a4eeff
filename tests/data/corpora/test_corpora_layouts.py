"""Reads tiny imitations of the layouts in which others have published corpora."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
import soundfile

from tts.core.errors import InputError
from tts.data import VCTK, AsteriskPrompts, Festvox, LibriTTS


def write_sound(path, n_samples=800, rate=16000):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.1 * np.sin(np.arange(n_samples) / 9), rate)


@pytest.fixture
def vctk(tmp_path):
    for speaker in ("p225", "p315", "s5"):
        for number in (1, 2):
            for microphone in ("mic1", "mic2"):
                name = f"{speaker}_{number:03d}_{microphone}.flac"
                write_sound(tmp_path / "wav48_silence_trimmed" / speaker / name)
            if speaker != "p315":
                text = tmp_path / "txt" / speaker / f"{speaker}_{number:03d}.txt"
                text.parent.mkdir(parents=True, exist_ok=True)
                text.write_text(f"Please call {speaker}.\n")
    # a text without a recording
    (tmp_path / "txt" / "p225" / "p225_003.txt").write_text("Nobody said this.")
    return tmp_path


def test_vctk_is_what_has_both_text_and_recording(vctk):
    corpus = VCTK(vctk, n_speakers=2)
    corpus.prepare()
    assert corpus.speakers == ("p225", "s5")
    assert [u.id for u in corpus.utterances()] == ["p225_001", "p225_002", "s5_001", "s5_002"]
    assert corpus.utterances()[0].wav.name == "p225_001_mic1.flac"
    assert corpus.utterances()[2].text == "Please call s5."
    assert corpus.name == "VCTK"


def test_vctk_has_another_microphone(vctk):
    assert VCTK(vctk, microphone="mic2").utterances()[0].wav.name == "p225_001_mic2.flac"


def test_vctk_elsewhere_is_named(tmp_path):
    with pytest.raises(
        InputError, match=r"wav48_silence_trimmed: there is no such folder; set data"
    ):
        VCTK(tmp_path).prepare()


@pytest.fixture
def libritts(tmp_path):
    for part, speaker in (("train-clean-100", "103"), ("train-clean-100", "19"), ("other", "7")):
        stem = tmp_path / part / speaker / "198" / f"{speaker}_198_000000_000000"
        write_sound(stem.with_suffix(".wav"))
        stem.with_suffix(".normalized.txt").write_text(f"I am {speaker}.")
        stem.with_suffix(".original.txt").write_text("Nothing.")
    return tmp_path


def test_libritts_is_read_part_by_part(libritts):
    corpus = LibriTTS(libritts, n_speakers=2)
    assert corpus.speakers == ("19", "103")
    assert {u.text: u.speaker for u in corpus.utterances()} == {"I am 19.": 0, "I am 103.": 1}
    assert corpus.name == "LibriTTS train-clean-100"
    assert LibriTTS(libritts, ["train-clean-100", "other"]).speakers == ("7", "19", "103")


def test_a_part_of_libritts_that_is_not_there_is_named(libritts):
    with pytest.raises(InputError, match=r"dev-clean: there is no such folder; .*data\.parts"):
        LibriTTS(libritts, "dev-clean").prepare()


@pytest.fixture
def festvox(tmp_path):
    rows = ['( ru_0001 "Вот, вол+ос." )', '( ru_0002 "Он сказал: \\"да\\"." )', ""]
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "txt.done.data").write_text("\n".join(rows), encoding="utf-8")
    for name in ("ru_0001", "ru_0002"):
        write_sound(tmp_path / "wav" / f"{name}.wav")
    return tmp_path


@pytest.mark.parametrize(
    ("stress", "text"),
    [(None, "Вот, вол+ос."), (False, "Вот, волос."), (True, "Вот, воло\u0301с.")],
)
def test_festvox_marks_stress_as_one_likes(festvox, stress, text):
    found = Festvox(festvox, stress=stress).utterances()
    assert [u.text for u in found] == [text, 'Он сказал: "да".']
    assert [u.where for u in found] == ["txt.done.data:1", "txt.done.data:2"]


def test_a_row_that_is_no_festvox_is_named(festvox):
    with (festvox / "etc" / "txt.done.data").open("a") as file:
        file.write("\nru_0003 text\n")
    with pytest.raises(InputError, match=r'txt\.done\.data:4: expected \( name "text" \)'):
        Festvox(festvox).prepare()


def test_a_package_that_is_not_installed_is_named(tmp_path):
    with pytest.raises(
        InputError, match=r"no such folder; run: apt-get install festvox-ru, or set"
    ):
        Festvox(tmp_path / "none", package="festvox-ru").prepare()


TRANSCRIPT = """; Core Sounds

hello: Hello,  world.
digits/1: one
letters/dot: dot [.]
beep: [this is a simple beep tone]
confbridge-join: <beep ascending>
silence/1: (1 second of silence)
vm-intro: Leave a message. (tone plays)
pls-try-call-later: Please try later.
time: At the tone: ten...
"""


@pytest.fixture
def asterisk(tmp_path):
    """Installed packages; what is in the sound files does not matter to G.722."""
    sounds = tmp_path / "usr" / "asterisk" / "sounds" / "en_US_f_Allison"
    generator = np.random.default_rng(0)
    for line in TRANSCRIPT.splitlines():
        name = line.partition(":")[0]
        if line and not line.startswith((";", "pls")):
            path = sounds / f"{name}.g722"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(generator.bytes(400))
    docs = tmp_path / "usr" / "doc" / "asterisk-core-sounds-en"
    docs.mkdir(parents=True)
    (docs / "core-sounds-en.txt.gz").write_bytes(gzip.compress(TRANSCRIPT.encode()))
    return tmp_path / "usr"


def test_prompts_are_decoded_once_without_what_is_no_speech(asterisk, tmp_path, monkeypatch):
    pytest.importorskip("G722")
    corpus = AsteriskPrompts(tmp_path / "made", asterisk)
    corpus.prepare()
    assert {u.id: u.text for u in corpus.utterances()} == {
        "hello": "Hello, world.",
        "digits-1": "one",
        "letters-dot": "dot",
        "time": "At the tone: ten...",
    }
    info = soundfile.info(corpus.utterances()[0].wav)
    assert (info.samplerate, info.frames, info.subtype) == (16000, 800, "PCM_16")
    assert corpus.name == "Asterisk prompts (en)"
    # made once: the source is not needed any more
    AsteriskPrompts(tmp_path / "made", tmp_path / "gone").prepare()


@pytest.mark.parametrize("lost", ["asterisk", "doc"])
def test_prompts_that_are_not_installed_are_named(asterisk, tmp_path, lost):
    (asterisk / lost).rename(asterisk / "moved")
    package = "asterisk-core-sounds-en"
    with pytest.raises(InputError, match=rf"run: apt-get install {package} {package}-g722, or set"):
        AsteriskPrompts(tmp_path / "made", asterisk).prepare()
    assert not (tmp_path / "made").exists()


def test_the_decoder_that_is_not_installed_is_named(asterisk, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "G722", None)
    with pytest.raises(InputError, match=r"pip install 'tacoglow\[asterisk\]'"):
        AsteriskPrompts(tmp_path / "made", asterisk).prepare()
    assert not (tmp_path / "made").exists()
