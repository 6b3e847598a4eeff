"""The prepare command takes the options of train.py, prints a report and gives an exit status."""

from __future__ import annotations

import gc
import importlib
import json
import subprocess
import sys
import tarfile

import pytest

from tests.support.paths import REPO
from tests.support.recordings import write_recording
from tts.commands.cli import with_training_options
from tts.commands.export_webdataset import write_webdataset
from tts.commands.prepare import prepare_corpus
from tts.config import compose, resolved
from tts.data import WebDataset


@pytest.fixture
def options(write_corpus, tmp_path):
    root = write_corpus("abcdefgh", seconds=0.5)
    return [f"data.root={root}", f"paths.data_dir={tmp_path}/data", "data.num_workers=0"]


def run(*options):
    return prepare_corpus(resolved(compose(["data=ljspeech", *options])))


def test_a_report_says_what_was_done(options, tmp_path, capsys):
    folder = tmp_path / "prepared"
    assert run(*options, f"data.prepared={folder}") == 0
    output = capsys.readouterr().out
    assert "8 (" in output
    assert " x real time" in output
    report = json.loads((folder / "report.json").read_text())
    assert (report["n_computed"], report["n_reused"]) == (8, 0)
    assert sum(report["utterances"].values()) == 8
    assert run(*options, f"data.prepared={folder}") == 0
    report = json.loads((folder / "report.json").read_text())
    assert (report["n_computed"], report["n_reused"]) == (0, 8)


def test_what_was_left_out_is_reported_with_file_and_line(options, tmp_path, capsys):
    root = tmp_path / "corpus"
    (root / "wavs" / "c.wav").write_bytes(b"not sound")
    manifest = root / "metadata.csv"
    manifest.write_text(manifest.read_text().replace("Text of e.", "!?") + "one field alone\n")
    assert run(*options, "data.on_error=skip") == 1
    output = capsys.readouterr().out
    assert "metadata.csv:3: " in output
    assert "metadata.csv:5: text '!?'" in output
    assert "metadata.csv:9: " in output
    assert "left out" in output


@pytest.mark.slow
def test_both_models_train_from_what_was_prepared(options, tmp_path):
    folder = tmp_path / "prepared"
    run(*options, f"data.prepared={folder}", "data.trim_db=40")
    for model in ("tacotron2", "waveglow"):
        given = [f"data.root={folder}", f"model={model}", f"paths.data_dir={tmp_path}/other"]
        assert prepare_corpus(resolved(compose(["data=prepared", *given]))) == 0


def test_a_training_finds_what_was_prepared(options, tmp_path, monkeypatch):
    from tts.data.features import extract

    run(*options)
    monkeypatch.setattr(extract, "hash_file", lambda _: pytest.fail("read again"))
    run(*options)


def command(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=cwd, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("data.trimdb=3", "did you mean 'trim_db'?"),
        ("data.trim_db=-3", "data.trim_db=-3: it must be a number above 0"),
        ("data.root=nowhere", "nowhere: there is no such folder"),
    ],
)
def test_a_mistake_is_one_line(option, message, options, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["prepare", "data=ljspeech", *options[1:], option])
    with pytest.raises(SystemExit) as stop:
        with_training_options(prepare_corpus)
    assert stop.value.code == 2
    output = capsys.readouterr().err
    assert message in output
    assert output.count("\n") == 1
    assert list(tmp_path.iterdir()) == [tmp_path / "corpus"]


@pytest.mark.slow
def test_the_command_runs_as_a_module(options):
    done = command("tts.data.prepare", "data=ljspeech", *options, cwd=REPO)
    assert done.returncode == 0, done.stderr
    assert "LJ" not in done.stderr
    assert "utterances" in done.stdout


@pytest.mark.parametrize(
    ("module", "beginning", "option"),
    [
        ("prepare", "Prepare a corpus: do what a training does before its", "data.prepared=FOLDER"),
        ("export_webdataset", "Write a corpus as tar shards", "FOLDER data=ljspeech"),
    ],
)
def test_help_is_of_the_command(module, beginning, option, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [module, "--help"])
    importlib.import_module(f"tts.data.{module}").main()
    output = capsys.readouterr().out
    assert output.startswith(beginning)
    assert option in output
    assert "--cfg job prints every value" in output


def test_shards_name_speakers(options, tmp_path):
    for number, name in enumerate(("ann", "bob")):
        wav = tmp_path / "spoken" / name / "1.wav"
        write_recording(wav, 0.5, pitch=200 + 10 * number)
        wav.with_suffix(".txt").write_text("Some words.")
    given = ["data=folder", f"data.root={tmp_path}/spoken", "data.speaker=folder", *options[1:]]
    config = resolved(compose([*given, "data.n_speakers=2", "data.val_fraction=0"]))
    write_webdataset(config, tmp_path / "shards")
    with tarfile.open(tmp_path / "shards" / "train-00000.tar") as tar:
        read = {name: json.load(tar.extractfile(f"{name}-1.json")) for name in ("ann", "bob")}
    assert {name: about["speaker"] for name, about in read.items()} == {"ann": "ann", "bob": "bob"}


def test_every_utterance_has_a_key_of_its_own_in_a_shard(options, tmp_path):
    for number, name in enumerate(("d/a.b", "d/a_b")):
        write_recording(tmp_path / "spoken" / f"{name}.wav", 0.5, pitch=200 + 10 * number)
        (tmp_path / "spoken" / f"{name}.txt").write_text(f"Text of {name}.")
    given = ["data=folder", f"data.root={tmp_path}/spoken", *options[1:], "data.val_fraction=0"]
    write_webdataset(resolved(compose(given)), tmp_path / "shards")
    with tarfile.open(tmp_path / "shards" / "train-00000.tar") as tar:
        assert len(set(tar.getnames())) == 6
    corpus = WebDataset(tmp_path / "made", tmp_path / "shards")
    corpus.prepare()
    assert {u.text for u in corpus.utterances()} == {"Text of d/a.b.", "Text of d/a_b."}


# the package leaves the shards that it has read to the garbage collector
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore:.*unclosed|Exception ignored")
def test_shards_hold_every_utterance(options, tmp_path, capsys):
    webdataset = pytest.importorskip("webdataset")
    config = resolved(compose(["data=ljspeech", *options, "data.trim_db=40"]))
    assert write_webdataset(config, tmp_path / "shards", shard_bytes=50_000) == 0
    shards = sorted(map(str, (tmp_path / "shards").glob("*.tar")))
    assert f"8 utterances in {len(shards)} shards" in capsys.readouterr().out
    assert len(shards) > 2
    samples = list(webdataset.WebDataset(shards, shardshuffle=False))
    gc.collect()
    assert {sample["__key__"] for sample in samples} == set("abcdefgh")
    for sample in samples:
        assert sample["txt"].decode() == f"Text of {sample['__key__']}."
        assert json.loads(sample["json"])["speaker"] == 0
        assert sample["wav"][:4] == b"RIFF"
