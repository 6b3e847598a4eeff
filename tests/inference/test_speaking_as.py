"""Names of speakers travel from training through the checkpoint to the command line."""

import json

import pytest
import torch
from omegaconf import OmegaConf

from tests.support.runs import QUIET, TINY_TACOTRON2, run
from tts import pretrained
from tts.config import conf_dir
from tts.core.errors import InputError
from tts.inference import GriffinLimVocoder, Synthesizer
from tts.synthesize import synthesize
from tts.text import Tokenizer

SHORT = {"max_steps": 6, "gate_threshold": 0.999}
NAMES = ("p225", "p226", "7")


@pytest.fixture
def voices(tiny):
    return Synthesizer(
        tiny.tacotron2(n_speakers=3),
        GriffinLimVocoder(tiny.mel),
        Tokenizer(),
        tiny.mel,
        speakers=NAMES,
    )


def test_names_choose_voices(voices):
    first, second = (voices.speak("hello", speaker=name, **SHORT).mel for name in ("p225", "p226"))
    assert not torch.allclose(first, second)
    assert torch.equal(voices.speak("hello", speaker="p225", **SHORT).mel, first)


def test_a_name_may_be_a_number(voices):
    assert voices.speaker_number(7) == voices.speaker_number("7") == 2


def test_each_text_may_have_its_own_voice(voices):
    texts, names = ["a long sentence", "hello"], ["p226", "p225"]
    together = voices.speak_batch(texts, speaker=names, **SHORT)
    for text, name, speech in zip(texts, names, together, strict=True):
        torch.testing.assert_close(voices.speak(text, speaker=name, **SHORT).mel, speech.mel)


@pytest.mark.parametrize(
    ("speaker", "message"),
    [
        ("bob", r"speaker=bob: there is no 'bob'; the acoustic model knows p225, p226, 7$"),
        (None, r"name the one that speaks; the acoustic model knows p225, p226, 7$"),
        (["p225"], r"speaker: 1 names for 2 texts"),
    ],
)
def test_an_unknown_speaker_is_refused_in_one_line(voices, speaker, message):
    with pytest.raises(InputError, match=message):
        voices.speak_batch(["hello", "you"], speaker=speaker)


def test_numbers_are_names_where_there_are_none(tiny):
    network, vocoder = tiny.tacotron2(n_speakers=2), GriffinLimVocoder(tiny.mel)
    assert Synthesizer(network, vocoder, Tokenizer(), tiny.mel).speakers == ("0", "1")


def test_a_model_with_one_voice_refuses_a_name(tiny):
    synthesizer = Synthesizer(tiny.tacotron2(), GriffinLimVocoder(tiny.mel), Tokenizer(), tiny.mel)
    with pytest.raises(
        InputError, match="speaker=p225: the acoustic model has one voice; leave it out"
    ):
        synthesizer.speak("hello", speaker="p225")


def test_nvidias_layout_has_no_place_for_several_voices(tiny, tmp_path):
    network = tiny.tacotron2(n_speakers=2, mel_mean=0.0)
    with pytest.raises(InputError, match="n_speakers=2: NVIDIA's layout of Tacotron2 knows only 1"):
        pretrained.save(network, tmp_path / "x.pt", format="nvidia")


@pytest.fixture
def corpus_of_two(tmp_path):
    """Make a filelist of tones, with speakers in another order than that of the rows."""
    from tts.data import SyntheticCorpus

    tones = SyntheticCorpus(tmp_path / "tones", "tones", minutes=0.2)
    tones.prepare()
    rows = [
        f"wavs/{u.id}.wav|{u.text}|{'zoe' if i % 2 else 'amy'}\n"
        for i, u in enumerate(tones.utterances())
    ]
    (tones.root / "train.txt").write_text("".join(rows))
    return ["data=filelist", f"data.root={tones.root}", "data.train=train.txt"]


@pytest.fixture
def options(corpus_of_two):
    small = [*TINY_TACOTRON2, "model.network.speaker_embedding_dim=4", *QUIET]
    return [
        *corpus_of_two,
        *small,
        "trainer.max_steps=1",
        "data.num_workers=0",
        "data.val_fraction=0.2",
    ]


def test_from_a_corpus_of_two_to_either_voice(options, tmp_path, monkeypatch):
    monkeypatch.setattr("tests.support.runs.TONES", [])
    run(tmp_path, *options, "data.n_speakers=2")
    (path,) = (tmp_path / "output").rglob("last.ckpt")
    assert pretrained.describe(path)["speakers"] == ["amy", "zoe"]
    cfg = OmegaConf.load(conf_dir() / "synthesize.yaml")
    del cfg["defaults"], cfg["hydra"]
    wanted = {"acoustic": str(path), "text": "six", "output": f"{tmp_path}/out/", "max_steps": 3}
    synthesize(OmegaConf.merge(cfg, wanted, {"speaker": "zoe"}))
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())[0]["speaker"] == "zoe"
    with pytest.raises(InputError, match="knows amy, zoe"):
        synthesize(OmegaConf.merge(cfg, wanted))


def test_a_wrong_number_of_speakers_is_refused_in_one_line(options, tmp_path, monkeypatch):
    monkeypatch.setattr("tests.support.runs.TONES", [])
    with pytest.raises(
        InputError, match=r"data\.n_speakers=1: .* has 2 speaker\(s\); set data\.n_speakers=2"
    ):
        run(tmp_path, *options)
