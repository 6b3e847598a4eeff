import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger, WandbLogger

from tts.audio import read_wave
from tts.audio.plots.figures import figure_to_image, gate_figure
from tts.loggers import FolderSink, TensorBoardSink, WandbSink, sinks_for

TAG = "gate_free_running/LJ001-0001 é"


@pytest.fixture
def picture():
    return figure_to_image(gate_figure(np.linspace(0, 1, 20), 15, "a title"))


@pytest.fixture
def wave():
    return torch.sin(torch.arange(800) * 0.3) * 0.5


@pytest.fixture
def wandb_logger(tmp_path, monkeypatch):
    import wandb

    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    yield WandbLogger(save_dir=tmp_path, offline=True, project="test")
    wandb.finish()


def test_folder_holds_picture_and_sound_of_a_step(tmp_path, picture, wave):
    from matplotlib.image import imread

    sink = FolderSink(tmp_path / "samples")
    sink.image(TAG, picture, 123)
    sink.audio("audio_target/LJ001-0001", wave, 8000, 123)
    folder = tmp_path / "samples" / "step_000123"
    assert sorted(path.name for path in folder.iterdir()) == [
        "audio_target_LJ001-0001.wav",
        "gate_free_running_LJ001-0001_.png",
    ]
    written = imread(folder / "gate_free_running_LJ001-0001_.png")
    np.testing.assert_array_equal((written * 255).round(), picture)
    samples, rate = read_wave(folder / "audio_target_LJ001-0001.wav")
    assert rate == 8000
    np.testing.assert_allclose(samples, wave, atol=1 / 32768)


@pytest.mark.parametrize("tag", ["../../escape", "/etc/passwd", "a b\\c:d"])
def test_no_name_leaves_the_folder(tmp_path, picture, tag):
    FolderSink(tmp_path / "samples").image(tag, picture, 1)
    (written,) = (tmp_path / "samples" / "step_000001").iterdir()
    assert written.suffix == ".png"


def test_tensorboard_reads_back_picture_and_sound(tmp_path, picture, wave):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    logger = TensorBoardLogger(tmp_path, name="", version="")
    sink = TensorBoardSink(logger)
    sink.image(TAG, picture, 7)
    sink.audio("audio_target/LJ001-0001", wave, 8000, 7)
    logger.finalize("success")
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    (image,) = events.Images(TAG)
    (audio,) = events.Audio("audio_target/LJ001-0001")
    assert (image.step, image.width) == (7, 1100)
    assert (audio.step, audio.sample_rate, audio.length_frames) == (7, 8000, 800)


@pytest.mark.slow
def test_wandb_keeps_picture_and_sound_offline(tmp_path, wandb_logger, picture, wave):
    sink = WandbSink(wandb_logger)
    sink.image(TAG, picture, 7)
    sink.audio("audio_target/LJ001-0001", wave, 8000, 7)
    wandb_logger.experiment.finish()
    (run,) = (tmp_path / "wandb").glob("offline-run-*/*.wandb")
    media = {path.suffix for path in (run.parent / "files" / "media").rglob("*") if path.is_file()}
    assert media == {".png", ".wav"}
    command = [sys.executable, "-m", "wandb", "leet", "inspect", "--summary", "--json", str(run)]
    inspected = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert TAG in json.dumps(json.loads(inspected.stdout), ensure_ascii=False)
    assert "audio_target/LJ001-0001" in inspected.stdout


def test_every_run_has_the_folder_and_csv_nothing_else(tmp_path):
    (sink,) = sinks_for([CSVLogger(tmp_path)], tmp_path / "samples")
    assert isinstance(sink, FolderSink)


def test_each_logger_that_can_gets_a_sink(tmp_path, wandb_logger):
    loggers = [CSVLogger(tmp_path), wandb_logger, TensorBoardLogger(tmp_path)]
    kinds = [type(sink) for sink in sinks_for(loggers, tmp_path)]
    assert kinds == [FolderSink, WandbSink, TensorBoardSink]


def test_runs_without_tensorboard_and_wandb_do_not_need_them(tmp_path, monkeypatch, picture):
    for name in ("wandb", "tensorboard", "torch.utils.tensorboard"):
        monkeypatch.setitem(sys.modules, name, None)  # importing it raises
    for sink in sinks_for([CSVLogger(tmp_path)], tmp_path):
        sink.image("a", picture, 1)
