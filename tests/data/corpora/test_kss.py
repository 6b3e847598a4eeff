"""Reads a tiny imitation of KSS, whose sound is synthetic, examines it, and trains on it."""

import unicodedata

import numpy as np
import pytest
import soundfile

from tests.support.examining import examined
from tests.support.runs import CPU, QUIET, TINY_TACOTRON2
from tts.config import compose, resolved
from tts.core.errors import InputError
from tts.data import KSS
from tts.train import run_training

RATE = 22050
ROWS = [
    ("커피 2잔 주세요.", "커피 두 잔 주세요.", "Two coffees, please."),
    ("오늘은 3월 1일이다.", "오늘은 삼월 일일이다.", "Today is March 1st."),
    ("그는 20살이에요.", "그는 스무 살이에요.", "He is twenty."),
    ("TV를 봤어요.", "티브이를 봤어요.", "I watched TV."),
    ("국물이 뜨거워요.", "국물이 뜨거워요.", "The soup is hot."),
    ("비가 온다.", "비가 온다.", "It is raining."),
    ("문을 열어 주세요.", "문을 열어 주세요.", "Please open the door."),
    ("여기 앉으세요.", "여기 앉으세요.", "Sit here."),
]


def voice(seconds, pitch, seed):
    """Return a buzz with a moving timbre, after and before some silence."""
    t = np.arange(int(seconds * RATE)) / RATE
    buzz = sum(np.sin(2 * np.pi * pitch * k * t) / k for k in range(1, 40))
    swell = 0.5 + 0.5 * np.sin(2 * np.pi * 3 * t) ** 2
    noise = np.random.default_rng(seed).normal(0, 1e-3, len(t) + RATE)
    silence = np.zeros(RATE // 2)
    return np.concatenate([silence, 0.1 * buzz * swell, silence]) + noise * 0.1


def line(number, script, expanded, english):
    decomposed = unicodedata.normalize("NFD", expanded)
    return f"1/1_{number:04d}.wav|{script}|{expanded}|{decomposed}|1.5|{english}"


@pytest.fixture
def kss(tmp_path):
    root = tmp_path / "kss"
    (root / "1").mkdir(parents=True)
    lines = [line(number, *row) for number, row in enumerate(ROWS)]
    (root / "transcript.v.1.4.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for number in range(len(ROWS)):
        sound = voice(1.0 + 0.1 * number, 180 + 5 * number, number)
        soundfile.write(root / "1" / f"1_{number:04d}.wav", sound, RATE)
    return root


@pytest.mark.parametrize(("column", "place"), [("script", 0), ("expanded", 1), ("decomposed", 1)])
def test_the_text_is_that_of_the_chosen_column(kss, column, place):
    found = KSS(kss, text=column).utterances()
    assert [utterance.text for utterance in found] == [row[place] for row in ROWS]
    assert found[0].id == "1-1_0000"
    assert found[7].where == "transcript.v.1.4.txt:8"
    assert KSS(kss).utterances() == KSS(kss, text="expanded").utterances()


def test_the_licence_is_stated_once(kss, caplog):
    corpus = KSS(kss)
    corpus.prepare()
    corpus.prepare()
    (message,) = caplog.messages
    assert "CC BY-NC-SA 4.0" in message
    assert "weights" in message


def test_the_split_is_that_of_the_hash(kss):
    first = [utterance.id for utterance in KSS(kss, val_fraction=0.3).split()["val"]]
    path = kss / "transcript.v.1.4.txt"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(reversed(lines)), encoding="utf-8")
    again = [utterance.id for utterance in KSS(kss, val_fraction=0.3).split()["val"]]
    assert 0 < len(first) < len(ROWS)
    assert sorted(first) == sorted(again)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("1/1_0008.wav|셋", r"transcript\.v\.1\.4\.txt:9: 2 field\(s\), expected path\|script"),
        (line(8, "셋", "", "three"), r"transcript\.v\.1\.4\.txt:9: '1-1_0008' has no text"),
        (line(9, "셋", "셋", "three"), r"transcript\.v\.1\.4\.txt:9: .*1_0009\.wav"),
        (line(0, "셋", "셋", "three"), r"transcript\.v\.1\.4\.txt:9: '1-1_0000' stands in"),
    ],
)
def test_a_bad_line_is_named(kss, bad, message):
    with (kss / "transcript.v.1.4.txt").open("a", encoding="utf-8") as file:
        file.write(f"{bad}\n")
    with pytest.raises(InputError, match=message):
        KSS(kss).prepare()
    assert len(KSS(kss, on_error="skip").utterances()) == len(ROWS)


def test_another_transcript_is_named(kss):
    (kss / "transcript.v.1.4.txt").rename(kss / "transcript.v.1.3.txt")
    with pytest.raises(InputError, match=r"no transcript\.v\.1\.4\.txt in it; set data"):
        KSS(kss).prepare()
    assert len(KSS(kss, "transcript.v.1.3.txt").utterances()) == len(ROWS)


def test_a_wrong_column_and_a_wrong_folder_are_named(kss):
    with pytest.raises(InputError, match=r"data.text=hangul: it must be one of script, expanded"):
        KSS(kss, text="hangul")
    with pytest.raises(InputError, match=r"there is no such folder; set data.root"):
        KSS(kss / "none").prepare()


def test_the_doctor_examines_it(kss, tmp_path, capsys):
    status, report = examined(kss, tmp_path / "doctor", "data=kss", "tokenizer=korean")
    checks = {finding["check"] for finding in report["findings"]}
    assert status == 0, report["findings"]
    assert checks <= {"memory", "segment", "band", "speakers"}, report["findings"]
    assert report["utterances"] == len(ROWS)
    assert "0 errors" in capsys.readouterr().out


def test_silence_is_cut_at_30_db():
    assert compose(["data=kss"]).data.trim_db == 30


@pytest.mark.slow
def test_two_steps_are_trained_and_spoken(kss, tmp_path):
    from tts.inference import Synthesizer

    paths = [f"paths.{name}_dir={tmp_path}/{name}" for name in ("data", "log", "output")]
    config = resolved(
        compose(
            [
                *("data=kss", f"data.root={kss}", "tokenizer=korean", "data.text=script"),
                *("data.num_workers=0", "data.val_fraction=0.2", "trainer.max_steps=2"),
                *(*paths, *TINY_TACOTRON2, *QUIET, *CPU),
            ]
        )
    )
    metrics = run_training(config, tmp_path / "output")
    assert np.isfinite(metrics["val/loss"])
    (checkpoint,) = (tmp_path / "output").rglob("last.ckpt")
    voice = Synthesizer.from_pretrained(checkpoint, device="cpu")
    assert voice.tokenizer.cleaner == "korean"
    assert voice.speak("커피 3잔", max_steps=20, guard=False).wave.numel()
