"""Mels of an acoustic model are written once, never outdated, and WaveGlow is trained on them."""

from __future__ import annotations

import multiprocessing
import resource
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hydra.utils import instantiate

from tests.support.killing import killed_at_moments
from tests.support.recordings import with_speakers, write_recording
from tts import pretrained
from tts.audio import MelConfig
from tts.config import compose, resolved
from tts.core.errors import InputError
from tts.data.features.gta import entry_keys, read_acoustic
from tts.data.features.prepared_folder import LOCAL
from tts.data.features.shards import RECORD
from tts.dump_mels import dump_mels
from tts.inference.teacher_forcing import teacher_forced
from tts.models import WaveGlow
from tts.text import Tokenizer
from tts.train import run_training

LJSPEECH = MelConfig()
HOP = 256
SEGMENT = 4096


def dump(options, acoustic, *more):
    config = compose([*options, "task=dump_mels", f"acoustic={acoustic}", *more])
    return dump_mels(resolved(config))


def opened(options, acoustic, *more):
    """Return the DataModule of a vocoder on these mels."""
    given = [*options, "model=waveglow_compact", "data.mels=gta", f"acoustic={acoustic}", *more]
    config = compose([*given, f"model.datamodule.segment_length={SEGMENT}"])
    datamodule = instantiate(resolved(config)["model"]["datamodule"], _convert_="all")
    datamodule.prepare_data()
    datamodule.setup()
    return datamodule


def stored(tmp_path: Path) -> dict[str, bytes]:
    """Return the files of the mels by name."""
    paths = sorted(tmp_path.rglob("data/**/gta-*.*"))
    return {path.name: path.read_bytes() for path in paths if LOCAL not in path.parts}


def indices(tmp_path: Path) -> list[Path]:
    return sorted(tmp_path.rglob("data/**/gta-*.index"))


def n_entries(index: Path) -> int:
    return index.stat().st_size // RECORD.itemsize


def test_every_recording_has_a_mel_of_its_length(options, write_acoustic, capsys):
    assert dump(options, write_acoustic()) == 0
    datamodule = opened(options, write_acoustic())
    gta, rows = datamodule._gta, datamodule.opened.table.rows
    for row, samples in enumerate(rows["samples"].tolist()):
        assert gta.mel(row).shape == (80, samples // HOP + 1)
    output = capsys.readouterr().out
    assert f"frames{rows['frames'].sum()}" in "".join(output.split()).replace("│", "")
    assert "utterances" in output


def test_the_mel_is_what_the_acoustic_model_predicts(options, write_acoustic):
    path = write_acoustic()
    dump(options, path)
    datamodule = opened(options, path)
    prepared, network = datamodule.opened, pretrained.load(path)
    text = torch.tensor(Tokenizer().encode(prepared.table.string(2, "text")))
    key = entry_keys(prepared, read_acoustic(path)[0])[2]
    seed = int.from_bytes(key[:8], "little") >> 1
    (expected,) = teacher_forced(network, [text], [prepared.mel(2)], [seed], [0])
    torch.testing.assert_close(datamodule._gta.mel(2), expected, rtol=0, atol=1e-5)


def test_the_report_says_how_far_they_are_from_the_recordings(options, write_acoustic, capsys):
    dump(options, write_acoustic())
    datamodule = opened(options, write_acoustic())
    prepared, gta = datamodule.opened, datamodule._gta
    pairs = [(gta.mel(row), prepared.mel(row)) for row in range(len(prepared))]
    total = sum(float((mel - to).abs().sum()) for mel, to in pairs)
    distance = total / sum(mel.numel() for mel, _ in pairs)
    assert f" {distance:.3f} (log-mels)" in capsys.readouterr().out


@pytest.mark.parametrize("part", ["train", "val"])
def test_samples_and_frames_are_of_the_same_place(part, options, write_acoustic):
    path = write_acoustic()
    dump(options, path)
    datamodule = opened(options, path)
    dataset, prepared = datamodule._datasets[part], datamodule.opened
    starts = set()
    for epoch in range(4):
        for index, row in enumerate(dataset.rows.tolist()):
            item = dataset[(epoch, index)]
            assert item.mel.shape == (80, SEGMENT // HOP + 1)
            samples, _ = soundfile.read(prepared.sources[row].wav, dtype="float32")
            windows = np.lib.stride_tricks.sliding_window_view(samples, SEGMENT)[::HOP]
            places = np.flatnonzero((windows == item.wave.numpy()).all(1))
            frames = datamodule._gta.mel(row).unfold(1, SEGMENT // HOP + 1, 1)
            assert any(torch.equal(frames[:, place], item.mel) for place in places.tolist())
            starts.add((index, places[0]))
    assert (len(starts) > len(dataset)) == (part == "train")


def test_a_short_recording_is_followed_by_silence(options, write_acoustic):
    path = write_acoustic()
    dump(options, path)
    options = [*options, "model.datamodule.segment_length=16384"]
    dataset = opened(options, path)._datasets["train"]
    dataset.segment_length = 16384
    item = dataset[0]
    n_frames = int(dataset.prepared.table.rows["frames"][dataset.rows[0]])
    assert item.mel.shape == (80, 65)
    assert torch.equal(item.mel[:, :n_frames], dataset.gta.mel(int(dataset.rows[0])))
    assert (item.mel[:, n_frames:] == MelConfig().silence).all()


def test_nothing_is_done_twice(options, write_acoustic, tmp_path, monkeypatch, capsys):
    path = write_acoustic()
    dump(options, path)
    before = stored(tmp_path)
    assert len(before) == 3
    monkeypatch.setattr(
        "tts.inference.teacher_forcing.teacher_forced", lambda *_: pytest.fail("again")
    )
    capsys.readouterr()
    assert dump(options, path) == 0
    assert stored(tmp_path) == before
    assert "computed│0" in capsys.readouterr().out.replace(" ", "")


def test_another_checkpoint_has_mels_of_its_own(options, write_acoustic, tmp_path):
    one, two = write_acoustic(), write_acoustic("b.safetensors", seed=1)
    dump(options, one)
    with pytest.raises(InputError, match=r"6 of 6 recordings have no mel of .*b\.safetensors"):
        opened(options, two)
    # the content of the checkpoint decides, and not its path
    shutil.copy(two, one)
    with pytest.raises(InputError, match=r"6 of 6 recordings.*\(those in gta-\w+ are of other w"):
        opened(options, one)
    dump(options, one)
    assert [n_entries(index) for index in indices(tmp_path)] == [6, 6]


def test_another_format_of_the_same_weights_has_the_same_mels(write_acoustic, tmp_path):
    path = write_acoustic(n_frames_per_step=1, mel_mean=0.0)
    network = pretrained.load(path)
    pretrained.save(network, tmp_path / "same.pt", "nvidia")
    assert read_acoustic(tmp_path / "same.pt")[0].key == read_acoustic(path)[0].key


@pytest.mark.slow
@pytest.mark.parametrize("change", ["recording", "text"])
def test_a_recording_that_changed_is_computed_again_alone(
    change, options, write_acoustic, tmp_path, capsys
):
    path, corpus = write_acoustic(), tmp_path / "corpus"
    dump(options, path)
    if change == "recording":
        write_recording(corpus / "wavs" / "c.wav", 0.4, pitch=300)
    else:
        table = corpus / "metadata.csv"
        table.write_text(table.read_text().replace("Text of c.", "Other words."))
    with pytest.raises(InputError, match=r"1 of 6 recordings have no mel of .*task=dump_mels"):
        opened(options, path)
    capsys.readouterr()
    dump(options, path)
    output = capsys.readouterr().out.replace(" ", "")
    assert "computed│1" in output
    assert "asbefore│5" in output
    (index,) = indices(tmp_path)
    assert n_entries(index) == 7
    opened(options, path)


def test_a_new_recording_without_a_mel_is_left_out_by_choice(options, write_acoustic, caplog):
    path = write_acoustic()
    dump(options, path)
    root = Path(options[1].split("=")[1])
    write_recording(root / "wavs" / "g.wav", 0.4, pitch=333)
    with (root / "metadata.csv").open("a") as table:
        table.write("g|Number 7.|Text of g.\n")
    datamodule = opened(options, path, "data.on_error=skip")
    assert "left out: 1 of 7 recordings have no mel of" in caplog.text
    assert sum(len(dataset) for dataset in datamodule._datasets.values()) == 6


def test_a_missing_store_is_one_line_with_the_command(options, write_acoustic):
    with pytest.raises(InputError) as caught:
        opened(options, write_acoustic())
    message = str(caught.value)
    assert "\n" not in message
    assert "run python train.py task=dump_mels acoustic=" in message


def test_a_damaged_mel_is_found_by_its_checksum(options, write_acoustic, tmp_path):
    path = write_acoustic()
    dump(options, path)
    (data,) = tmp_path.rglob("data/**/gta-*.float32")
    with data.open("r+b") as file:
        file.seek(100)
        file.write(bytes(8))
    gta = opened(options, path)._gta
    row = int(np.flatnonzero(gta.entries == 0)[0])
    with pytest.raises(InputError, match=r"damaged; delete gta-\w+\*, and run python train\.py"):
        gta.mel(row)


def killed(options, acoustic, index):
    """Write mels in another process, and kill it as soon as a mel is stored."""
    process = multiprocessing.get_context("fork").Process(target=dump, args=(options, acoustic))
    process.start()
    while process.is_alive() and not (index.is_file() and n_entries(index)):
        time.sleep(0.005)
    process.kill()
    process.join()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_killed_and_started_again_it_ends_with_the_same_bytes(
    options, write_acoustic, tmp_path, monkeypatch
):
    path = write_acoustic()
    dump(options, path)
    whole = stored(tmp_path)
    data, index = (next(tmp_path.rglob(f"data/**/gta-*.{end}")) for end in ("float32", "index"))
    # slow batches let the kill come between them
    slow = teacher_forced
    monkeypatch.setattr(
        "tts.inference.teacher_forcing.teacher_forced",
        lambda *args: (time.sleep(0.3), slow(*args))[1],
    )
    data.unlink()
    index.unlink()
    killed(options, path, index)
    assert 0 < n_entries(index) < 6
    # a kill in the middle of an array leaves such bytes
    with data.open("ab") as file:
        file.write(b"half a mel")
    monkeypatch.undo()
    dump(options, path)
    assert stored(tmp_path) == whole


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_killed_at_any_moment_it_ends_with_the_same_bytes(options, write_acoustic, tmp_path):
    path = write_acoustic()
    dump(options, path)
    whole = stored(tmp_path)
    for _ in killed_at_moments(lambda: (remove(tmp_path), dump(options, path)), 8):
        dump(options, path)
        assert stored(tmp_path) == whole


def remove(tmp_path):
    for name in stored(tmp_path):
        next(tmp_path.rglob(f"data/**/{name}")).unlink()


def test_a_full_disk_is_one_line_and_the_command_resumes(options, write_acoustic, tmp_path, capsys):
    path = write_acoustic()
    dump(options, path)
    whole = stored(tmp_path)
    remove(tmp_path)
    _, hard = limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    largest = max(map(len, whole.values()))
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest * 2 // 3, hard))
    try:
        with pytest.raises(InputError, match=r"cannot be written \(File too large\); make room"):
            dump(options, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    dump(options, path)
    assert stored(tmp_path) == whole


def test_an_interrupted_command_resumes(options, write_acoustic, tmp_path, monkeypatch, capsys):
    path, calls = write_acoustic(), []

    def interrupted(*args):
        if len(calls) == 1:
            raise KeyboardInterrupt
        calls.append(args)
        return teacher_forced(*args)

    monkeypatch.setattr("tts.inference.teacher_forcing.teacher_forced", interrupted)
    assert dump(options, path) == 130
    assert "interrupted; the same command resumes from here\n" in capsys.readouterr().err
    (index,) = indices(tmp_path)
    assert n_entries(index) == 2
    monkeypatch.undo()
    assert dump(options, path) == 0
    assert n_entries(index) == 6


def test_a_prepared_folder_takes_its_mels_along(options, write_acoustic, tmp_path):
    path, folder = write_acoustic(), tmp_path / "prepared"
    dump(options, path, f"data.prepared={folder}", "data.trim_db=40")
    shutil.rmtree(tmp_path / "corpus")
    moved = folder.rename(tmp_path / "moved")
    datamodule = opened(["data=prepared", f"data.root={moved}", *options[2:6]], path)
    item = datamodule._datasets["train"][0]
    assert item.mel.shape == (80, SEGMENT // HOP + 1)


def test_what_is_trimmed_is_aligned_as_well(options, write_acoustic):
    path, trim = write_acoustic(), ["data.trim_db=30", "data.lead_seconds=0.2"]
    dump(options, path, *trim)
    datamodule = opened(options, path, *trim)
    dataset, prepared = datamodule._datasets["train"], datamodule.opened
    assert prepared.table.rows["wave"].min() >= 0
    item, row = dataset[(3, 0)], int(dataset.rows[0])
    windows = np.lib.stride_tricks.sliding_window_view(prepared.whole_wave(row), SEGMENT)[::HOP]
    (places,) = np.nonzero((windows == item.wave.numpy()).all(1))
    frames = datamodule._gta.mel(row).unfold(1, SEGMENT // HOP + 1, 1)
    assert any(torch.equal(frames[:, place], item.mel) for place in places.tolist())


def test_voices_are_found_by_name(options, write_acoustic, tmp_path, monkeypatch):
    voices = {}

    def noted(network, texts, mels, seeds, speakers):
        voices.update(zip((len(text) for text in texts), speakers, strict=True))
        return teacher_forced(network, texts, mels, seeds, speakers)

    monkeypatch.setattr("tts.inference.teacher_forcing.teacher_forced", noted)
    spoken = with_speakers(tmp_path, options)
    for number in range(4):  # texts of different lengths
        text = tmp_path / "spoken" / "xyxy"[number] / f"{number}.txt"
        text.write_text("word" * (number + 1))
    dump(spoken, write_acoustic(n_speakers=3, speakers=["y", "z", "x"]))
    assert voices == {4: 2, 8: 0, 12: 2, 16: 0}


@pytest.mark.parametrize(
    ("acoustic", "message"),
    [
        ({"n_speakers": 2, "speakers": ["x", "z"]}, "has no voice of y; it knows x, z"),
        ({}, "has one voice, and the corpus 2 speakers"),
    ],
    ids=["unknown", "one voice"],
)
def test_a_voice_that_the_model_does_not_have_is_named(
    acoustic, message, options, write_acoustic, tmp_path
):
    with pytest.raises(InputError, match=message):
        dump(with_speakers(tmp_path, options), write_acoustic(**acoustic))


@pytest.mark.parametrize("use", [dump, opened], ids=["dump", "train"])
def test_another_mel_contract_is_refused_before_anything_is_prepared(
    use, options, write_acoustic, tmp_path
):
    path = write_acoustic(mel=MelConfig(f_max=7600.0))
    with pytest.raises(InputError, match=r"other mels than these data have: f_max: 7600.0 here"):
        use(options, path)
    assert not (tmp_path / "data").exists()


def test_what_cannot_be_read_is_left_out_and_reported(options, write_acoustic, tmp_path, capsys):
    table = tmp_path / "corpus" / "metadata.csv"
    table.write_text(table.read_text().replace("Text of c.", "!?"))
    assert dump(options, write_acoustic(), "data.on_error=skip") == 1
    assert "metadata.csv:3: text '!?'" in capsys.readouterr().out


def test_a_vocoder_is_no_acoustic_model(options, tmp_path):
    network = WaveGlow(n_flows=2, n_layers=1, n_channels=4)
    pretrained.save(network, tmp_path / "v.safetensors", description={"mel": MelConfig().to_dict()})
    with pytest.raises(InputError, match=r"v\.safetensors: holds a WaveGlow; a Tacotron2"):
        dump(options, tmp_path / "v.safetensors")


def test_waveglow_is_trained_on_them(options, write_acoustic, tmp_path):
    path = write_acoustic()
    dump(options, path)
    sizes = ["n_flows=2", "n_layers=2", "n_channels=8"]
    given = [
        *options,
        *(f"model.network.{size}" for size in sizes),
        *("model=waveglow_compact", f"model.datamodule.segment_length={SEGMENT}"),
        *("data.mels=gta", f"acoustic={path}", "trainer.max_steps=2", "monitor=val/mel_distance"),
        *("callbacks.samples=null", "callbacks.throughput=null"),
    ]
    config = resolved(compose([*given, f"paths.output_dir={tmp_path}/run"]))
    metrics = run_training(config, tmp_path / "run")
    assert np.isfinite(metrics["val/loss"])
    # the distance to the recordings, although the vocoder received predicted mels
    assert np.isfinite(metrics["val/mel_distance"])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            ["model=waveglow", "data.mels=gta"],
            "name the acoustic model that predicts the mels, acoustic=CKPT",
        ),
        (["model=waveglow", "acoustic=a.ckpt"], "has no effect unless data.mels=gta"),
        (["acoustic=a.ckpt"], "acoustic=a.ckpt: is for a vocoder; add model=waveglow"),
        (["data.mels=gta"], "data.mels=gta: is for a vocoder; add model=waveglow"),
        (["data.mels=other"], "data.mels=other: it must be one of recordings, gta"),
        (["task=dump"], "task=dump: it must be one of train, dump_mels, align"),
        (["task=dump_mels"], "acoustic is required: add acoustic=CKPT"),
        (["task=dump_mels", "acoustic=x", "ckpt_path=last"], "ckpt_path has no meaning for"),
        (["task=dump_mels", "acoustic=nowhere.ckpt"], "nowhere.ckpt"),
    ],
)
def test_a_mistake_is_one_line(more, message, options, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, _, output = command("train", *options, *more)
    assert status == 2
    assert message in output
    assert output.count("\n") == 1


def test_the_command_leaves_no_run_behind(options, write_acoustic, command, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    status, output, _ = command("train", *options, "task=dump_mels", f"acoustic={write_acoustic()}")
    assert status == 0
    assert "mean distance to the recordings" in output
    assert not list((tmp_path / "here").iterdir())
    assert not (tmp_path / "log").exists()


def test_help_is_its_own(monkeypatch, capsys):
    from tts.commands import cli

    monkeypatch.setattr(sys, "argv", ["train.py", "task=dump_mels", "--help"])
    cli.train_command()
    output = capsys.readouterr().out
    assert output.startswith("Write the mels that an acoustic model predicts")
    assert "acoustic=CKPT" in output
