"""A published folder has weights, configuration and card, and speaks by its name."""

import json
import os

import pytest
import soundfile
import torch
import yaml

from tests.support.tiny_networks import tiny_tacotron2, tiny_waveglow
from tts import pretrained
from tts.core.download import sha256
from tts.pretrained.publication import PUBLICATION, is_published
from tts.training.warm_start import warm_start

FEW = "n_sounds=1"
FILES = {"acoustic.safetensors", "acoustic.yaml", "acoustic.png", "README.md", PUBLICATION}


def names(folder):
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def published(voice_files, tmp_path):
    """Return a copy of a published folder."""
    for name, content in voice_files[0].items():
        path = tmp_path / "voice" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "voice"


def test_a_run_becomes_a_folder(published):
    assert names(published) == FILES | {"sounds/0001.ogg"}
    named = json.loads((published / PUBLICATION).read_text())["files"]
    assert named == {name: sha256(published / name) for name in names(published) - {PUBLICATION}}
    assert is_published(published)


def test_the_weights_are_those_of_the_run(published, voice_files):
    files = voice_files[1] / "checkpoints" / "last.ckpt", published / "acoustic.safetensors"
    before, after = (pretrained.load(file).state_dict() for file in files)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_the_configuration_tells_no_folder_of_the_machine(published):
    config = yaml.safe_load((published / "acoustic.yaml").read_text())
    assert config["model"] == {"lr": 0.1}
    assert config["data"] == {"root": "Voice"}
    for file in published.glob("*.*"):
        assert b"somebody" not in file.read_bytes()


def test_the_sounds_say_that_a_machine_speaks(published):
    with soundfile.SoundFile(published / "sounds" / "0001.ogg") as sound:
        assert sound.frames > 0
        assert "synthetic speech" in sound.copy_metadata()["comment"]


def test_a_published_folder_is_a_voice(published, command, tmp_path):
    out = tmp_path / "audio.wav"
    status, _, err = command("synthesize", "text=hello", f"acoustic={published}", f"output={out}")
    assert status == 0, err
    assert out.is_file()


def test_both_networks_make_one_voice(write_run, vocoder_file, publish, command, tmp_path):
    to = tmp_path / "both"
    run = publish(f"run={write_run()}", f"vocoder={vocoder_file}", f"to={to}", FEW, "half=true")
    assert run.status == 0, run.err
    assert {"acoustic.safetensors", "vocoder.safetensors", "vocoder.yaml"} <= names(to)
    card = (to / "README.md").read_text()
    assert "acoustic=PATH_OF_THIS_FOLDER vocoder=PATH_OF_THIS_FOLDER" in card
    out = f"output={tmp_path}/a.wav"
    status, _, err = command("synthesize", "text=hello", f"acoustic={to}", f"vocoder={to}", out)
    assert status == 0, err
    with pytest.raises(ValueError, match=r"holds two networks; name a file in it: acoustic"):
        pretrained.describe(to)


def test_a_training_begins_with_the_network_of_its_kind(write_run, vocoder_file, publish, tmp_path):
    to = tmp_path / "both"
    run = publish(f"run={write_run()}", f"vocoder={vocoder_file}", f"to={to}", "n_sounds=0")
    assert run.status == 0, run.err
    for network, file in ((tiny_tacotron2(), "acoustic"), (tiny_waveglow(), "vocoder")):
        with torch.no_grad():
            for weight in network.parameters():
                weight.zero_()
        warm_start(network, to)
        wanted = pretrained.load(to / f"{file}.safetensors").state_dict()
        assert all(torch.equal(network.state_dict()[name], wanted[name]) for name in wanted)


def test_a_vocoder_alone_is_published_without_sounds(write_run, publish, tmp_path):
    run = publish(f"run={write_run(network=tiny_waveglow())}", f"to={tmp_path}/v")
    assert run.status == 0, run.err
    assert names(tmp_path / "v") == {name.replace("acoustic", "vocoder") for name in FILES}
    card = (tmp_path / "v" / "README.md").read_text()
    assert "a vocoder alone does not speak" in card
    with pytest.raises(ValueError, match="holds no Tacotron2; it has WaveGlow"):
        pretrained.load(tmp_path / "v", network="Tacotron2")


def test_a_checkpoint_file_is_enough(write_run, publish, tmp_path):
    file = write_run() / "checkpoints" / "last.ckpt"
    os.rename(file, tmp_path / "alone.ckpt")
    assert publish(f"run={tmp_path}/alone.ckpt", f"to={tmp_path}/v", FEW).status == 0
    card = (tmp_path / "v" / "README.md").read_text()
    assert "700 steps" in card
    assert "Curve: not known" in card
    assert "how many hours is not known" in card


def test_the_voice_of_the_package_can_be_published_again(publish, tmp_path):
    assert publish("run=voice_acoustic", f"to={tmp_path}/v", "n_sounds=0").status == 0
    before = pretrained.load("voice_acoustic").state_dict()
    after = pretrained.load(tmp_path / "v").state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_an_older_publication_is_replaced_as_a_whole(published, write_run, publish):
    other = write_run("other", network=tiny_waveglow())
    assert publish(f"run={other}", f"to={published}").status == 0
    assert names(published) == {name.replace("acoustic", "vocoder") for name in FILES}


@pytest.mark.parametrize("what", ["note.txt", "sounds/mine.ogg"])
def test_a_folder_with_a_file_of_somebody_else_is_not_touched(what, published, write_run, publish):
    (published / what).write_text("mine")
    before = {name: sha256(published / name) for name in names(published)}
    run = publish(f"run={write_run('other')}", f"to={published}", FEW)
    assert run.status == 2
    assert "holds something else than a published voice; choose another folder" in run.err
    assert before == {name: sha256(published / name) for name in names(published)}


def test_nothing_is_left_where_it_fails(write_run, publish, tmp_path, monkeypatch):
    from tts.publish import sounds

    monkeypatch.setattr(sounds.Output, "write", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        publish(f"run={write_run()}", f"to={tmp_path}/there/voice", FEW)
    assert {path.name for path in tmp_path.iterdir()} == {"logs"}


def test_an_interrupted_publication_leaves_nothing(write_run, publish, tmp_path, monkeypatch):
    from tts.publish import recipe

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(recipe, "_speak", interrupt)
    run = publish(f"run={write_run()}", f"to={tmp_path}/voice")
    assert (run.status, run.err) == (130, "interrupted; nothing was published\n")
    assert {path.name for path in tmp_path.iterdir()} == {"logs"}


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ([], "nothing to publish"),
        (["run=gone"], "gone: no such checkpoint file"),
        (["run=."], "has no last.ckpt; a run has checkpoints/last.ckpt"),
        (["run=a", "acoustic=a", "vocoder=a"], "leave one of them out"),
        (["run=voice_acoustic", "acoustic=voice_acoustic"], "is a Tacotron2 as well; name one"),
        (["acoustic=voice_vocoder"], "holds a WaveGlow, not a Tacotron2"),
        (["run=voice_acoustic", "evaluation=."], "results.json cannot be read"),
        (["run=voice_acoustic", "sentences=gone"], "sentences=gone: cannot be read"),
        (["run=voice_acoustic", "language=English"], "write a code such as en"),
        (["run=voice_acoustic", "n_sounds=-1"], "n_sounds=-1: it must be"),
        (["run=voice_acoustic", "half=x"], "half=x: it must be"),
    ],
)
def test_mistakes_are_one_line(options, line, publish, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = publish(*options, f"to={tmp_path}/v")
    assert run.status == 2
    assert line in run.err
    assert run.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_run_whose_last_checkpoint_is_gone_names_the_others(write_run, publish, tmp_path):
    folder = write_run()
    os.rename(folder / "checkpoints/last.ckpt", folder / "checkpoints/step_0000007.ckpt")
    run = publish(f"run={folder}", f"to={tmp_path}/v")
    assert "has no last.ckpt; name one of step_0000007.ckpt" in run.err


def test_networks_with_other_mels_are_refused(write_run, publish, tmp_path):
    network = tiny_waveglow()
    mel = {**pretrained.describe("voice_acoustic")["mel"], "f_max": 7000.0}
    mel |= {"n_mels": network.config.n_mels, "hop_length": network.config.hop_length}
    pretrained.save(network, tmp_path / "v.safetensors", description={"mel": mel})
    run = publish(f"run={write_run()}", f"vocoder={tmp_path}/v.safetensors", f"to={tmp_path}/v")
    assert run.status == 2
    assert "f_max" in run.err
    assert not (tmp_path / "v").exists()


def test_a_damaged_network_of_a_published_folder_is_refused(published):
    file = published / "acoustic.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match="is not the file that was published"):
        pretrained.load(published)
    file.unlink()
    with pytest.raises(ValueError, match=r"acoustic.safetensors is missing; copy the whole"):
        pretrained.load(published)


@pytest.mark.parametrize(
    "content",
    [
        "no JSON",
        "[]",
        '{"kind": "another"}',
        '{"kind": "tacoglow publication", "files": {"../x": "' + "0" * 64 + '"}}',
        '{"kind": "tacoglow publication", "files": {"x": "short"}}',
        "[" * 100_000,
    ],
)
def test_a_wrong_description_is_one_line(content, published):
    (published / PUBLICATION).write_text(content)
    assert not is_published(published)
    with pytest.raises(ValueError, match=r"publication.json cannot be read \("):
        pretrained.load(published)


def test_several_speakers_take_turns(write_run, publish, tmp_path):
    from tests.publish.conftest import ends_at_once

    network = ends_at_once(tiny_tacotron2(n_speakers=2))
    run = write_run(network=network, speakers=["ann", "ben"])
    assert publish(f"run={run}", f"to={tmp_path}/v", "n_sounds=3").status == 0
    card = (tmp_path / "v" / "README.md").read_text()
    assert [line.split("(")[-1][:3] for line in card.splitlines() if "sounds/" in line] == [
        "ann",
        "ben",
        "ann",
    ]
