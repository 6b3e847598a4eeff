"""Runs the command: it takes sentences, anchors and a voice, and gives a table, JSON and a page."""

import json
import sys

import numpy as np
import pytest
import soundfile
import torch

from tts import pretrained
from tts.audio import MelConfig, read_wave, write_wave
from tts.core.errors import InputError
from tts.evaluation.sentences import Sentence, read_sentences
from tts.evaluation.systems import Recordings
from tts.models import Tacotron2, WaveGlow
from tts.text import Tokenizer

TINY = {
    "symbols_embedding_dim": 8,
    "encoder_embedding_dim": 8,
    "attention_rnn_dim": 8,
    "attention_dim": 4,
    "attention_location_n_filters": 2,
    "decoder_rnn_dim": 8,
    "prenet_dim": 4,
    "postnet_embedding_dim": 4,
}
FAST = ["measures=[alignment,speed,distortion]", "threads=null"]


@pytest.fixture
def corpus(tmp_path):
    """Write three sentences, and recordings of two of them."""
    (tmp_path / "wavs").mkdir()
    (tmp_path / "sentences.txt").write_text("# what is said\na|one two\nb|three\n\nc|four\n")
    time = np.arange(22050) / 22050
    for number, name in enumerate("ab"):
        wave = 0.3 * np.sin(2 * np.pi * (110 + 30 * number) * time)
        write_wave(tmp_path / "wavs" / f"{name}.wav", wave.astype(np.float32), 22050)
    return tmp_path


@pytest.fixture
def run(command, corpus):
    here = [f"sentences={corpus}/sentences.txt", f"output={corpus}/out"]
    return lambda *options: command("evaluate", *FAST, *here, *options)


@pytest.fixture
def acoustic(tmp_path):
    torch.manual_seed(0)
    network = Tacotron2(**TINY)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if "gate" in name and name.endswith("bias"):
                weight.fill_(9.0)  # it ends at once
    path = tmp_path / "a.safetensors"
    description = {"mel": MelConfig().to_dict(), "tokenizer": Tokenizer().to_dict()}
    pretrained.save(network, path, description=description)
    return path


def test_a_voice_is_compared_with_its_anchors(run, corpus, acoustic):
    status, out, err = run(
        f"recordings={corpus}", f"acoustic={acoustic}", "systems=[recordings,voice]"
    )
    assert status == 0, err
    results = json.loads((corpus / "out" / "results.json").read_text())
    systems = results["systems"]
    assert [len(system["clips"]) for system in systems.values()] == [2, 3]
    assert systems["recordings"]["summary"]["mcd"] == 0
    assert {"healthy", "by_gate", "rtf"} <= systems["voice"]["summary"].keys()
    table = (corpus / "out" / "table.txt").read_text()
    assert table in out
    assert "recordings" in table
    assert "RTF: time to compute over time to play" in table


@pytest.mark.parametrize(("speaker", "is_known"), [("ben", True), ("carl", False), (None, False)])
def test_one_of_several_voices_is_judged(speaker, is_known, run, corpus, tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "two.safetensors"
    description = {"mel": MelConfig().to_dict(), "tokenizer": Tokenizer().to_dict()}
    description["speakers"] = ["ann", "ben"]
    pretrained.save(Tacotron2(**TINY, n_speakers=2), path, description=description)
    who = [] if speaker is None else [f"speaker={speaker}"]
    status, _, err = run(f"acoustic={path}", "systems=[voice]", "n_sentences=1", *who)
    assert (status == 0) == is_known
    assert is_known or f"speaker={speaker}: " in err
    assert is_known or "the acoustic model knows ann, ben" in err


@pytest.mark.slow
def test_sharpness_is_that_of_both_uses_of_griffin_lim(run, corpus, acoustic):
    def clips(*options):
        choice = ["systems=[griffin_lim_copy,voice]", f"acoustic={acoustic}", "measures=[speed]"]
        # the first sentence is the only one that is compared
        choice.append("n_sentences=1")
        status, _, err = run(f"recordings={corpus}", *choice, *options)
        assert status == 0, err
        return [
            read_wave(corpus / "out" / "audio" / name / "a.ogg")[0]
            for name in ("griffin_lim_copy", "voice")
        ]

    usual = clips()
    for same, plain, default in zip(
        clips("sharpness=0.3"), clips("sharpness=0"), usual, strict=True
    ):
        assert np.array_equal(same, default)
        assert not np.array_equal(plain, default)


@pytest.mark.slow
@pytest.mark.parametrize("front", ["squeeze", "lapped"])
def test_settings_of_a_vocoder_are_those_of_its_copies_and_of_the_voice(
    run, corpus, acoustic, tmp_path, front
):
    torch.manual_seed(0)
    network = WaveGlow(n_flows=2, n_layers=2, n_channels=8, front=front)
    path = tmp_path / "v.safetensors"
    pretrained.save(network, path, description={"mel": MelConfig().to_dict()})

    def clips(*options):
        choice = ["systems=[vocoder_copy,voice]", f"acoustic={acoustic}", f"vocoder={path}"]
        choice.append("n_sentences=1")
        status, _, err = run(f"recordings={corpus}", *choice, "measures=[speed]", *options)
        assert status == 0, err
        names = ("vocoder_copy", "voice")
        return [read_wave(corpus / "out" / "audio" / name / "a.ogg")[0] for name in names]

    usual = clips()
    # without polishing, WaveGlow ignores the sharpness, which is meant for the anchor
    same = clips("sharpness=0.1") if front == "squeeze" else clips("polish=16", "denoiser=0")
    for samples, expected in zip(same, usual, strict=True):
        assert np.array_equal(samples, expected)
    for option in ("sigma=0.1", "polish=2"):
        for samples, expected in zip(clips(option), usual, strict=True):
            assert not np.array_equal(samples, expected)


@pytest.mark.slow
def test_every_sound_and_alignment_of_the_page_is_there(run, corpus, acoustic):
    status, _, err = run(
        f"recordings={corpus}", f"acoustic={acoustic}", "systems=[griffin_lim_copy,voice]"
    )
    assert status == 0, err
    page = (corpus / "out" / "index.html").read_text()
    for name in ("audio/griffin_lim_copy/a.ogg", "audio/voice/c.ogg", "alignments/voice/c.png"):
        assert f'"{name}"' in page
        assert (corpus / "out" / name).stat().st_size > 100


def test_without_recordings_what_needs_them_is_skipped(run, corpus, acoustic):
    status, out, _ = run("recordings=null", f"acoustic={acoustic}", "systems=[recordings,voice]")
    assert status == 0
    assert "skipped recordings: none of the sentences is recorded" in out
    assert "mcd" not in (corpus / "out" / "results.json").read_text()


def test_what_is_not_installed_is_skipped_with_its_line(run, corpus, monkeypatch):
    monkeypatch.setitem(sys.modules, "speechmos", None)
    monkeypatch.setitem(sys.modules, "speechmos.dnsmos", None)
    status, out, _ = run(f"recordings={corpus}", "systems=[recordings]", "measures=[dnsmos,speed]")
    assert status == 0
    assert "skipped dnsmos: speechmos.dnsmos is not installed: pip install --no-deps" in out


BAD = {
    "system": (["systems=[voices]"], "systems: there is no 'voices'; choose from recordings"),
    "measure": (["measures=[mos]"], "measures: there is no 'mos'"),
    "number": (["n_sentences=0"], "n_sentences=0: it must be a whole number, 1 or more"),
    "recordings": (["recordings=nowhere"], "recordings=nowhere: there is no such folder"),
    "checkpoint": (["acoustic=nowhere.ckpt"], "nowhere.ckpt"),
    "nothing": (["systems=[recordings]", "recordings=null"], "nothing to judge"),
    "sentences": (["sentences=nowhere.txt"], "sentences=nowhere.txt: cannot be read"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_options_are_one_line(case, run, corpus):
    options, message = BAD[case]
    status, _, err = run(*options)
    assert status == 2
    assert err.strip().splitlines()[-1].startswith("error: ")
    assert message in err
    assert not (corpus / "out").exists()


def test_the_shipped_sentences_are_sixty():
    sentences = read_sentences()
    assert len(sentences) == 60
    assert all(sentence.id.startswith("LJ00") for sentence in sentences)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a|one\na|two\n", ":2: 'a' is the id of an earlier line; change one"),
        ("a|\n", ":1: expected"),
        ("#\n", "holds no sentences; write one a line"),
        ("/tmp/a|one\n", ":1: /tmp/a: an id is the name of files below the output"),
        ("b|one\n..\\a|two\n", r":2: \.\.\\a: an id is the name"),
        ("a/../../b|one\n", ":1: a/../../b: an id is the name"),
        ("a\x1bb|one\n", r":1: a\\x1bb: an id is the name"),
    ],
)
def test_bad_sentences_name_the_line(text, message, tmp_path):
    (tmp_path / "s.txt").write_text(text)
    with pytest.raises(InputError, match=message):
        read_sentences(tmp_path / "s.txt")


def test_plain_lines_are_numbered(tmp_path):
    (tmp_path / "s.txt").write_text("One.\n\nTwo.\n")
    assert read_sentences(tmp_path / "s.txt") == [("0001", "One."), ("0003", "Two.")]


@pytest.mark.parametrize(("mono", "value"), [("mix", 0.375), ("left", 0.5), ("right", 0.25)])
def test_recordings_of_two_channels_are_read_as_the_user_says(tmp_path, mono, value):
    soundfile.write(tmp_path / "a.wav", np.tile([0.5, 0.25], (100, 1)), 22050)
    sentence = Sentence("a", "Text.")
    with pytest.raises(InputError, match=r"a\.wav: 2 channels, expected 1; .*mono=\.\.\."):
        Recordings(tmp_path).of(sentence)
    sound = Recordings(tmp_path, mono).of(sentence)
    np.testing.assert_allclose(sound.samples, value, atol=1e-4)
