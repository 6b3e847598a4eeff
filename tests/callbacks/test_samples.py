import csv
import dataclasses
import logging
import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger

from tts.audio import read_wave
from tts.callbacks import EMA, LogSamples
from tts.callbacks.media import MediaItem
from tts.core.errors import InputError
from tts.loggers import FolderSink, TensorBoardSink
from tts.training.task_samples import TaskSamples

ITEMS = {
    "alignment_free_running.png",
    "alignment_teacher_forced.png",
    "audio_free_running.wav",
    "audio_target.wav",
    "audio_teacher_forced.wav",
    "gate_free_running.png",
    "mel.png",
}
FIRST = "utt2-00"


@pytest.fixture
def light(monkeypatch):
    """Make one short sound for each utterance, because drawing takes time."""

    def media_items(samples, index, mel, symbols, seed, vocoder):
        wave = samples.mels["free_running"][index].flatten() + 5
        yield MediaItem(f"audio_free_running/{samples.names[index]}", lambda: wave)

    monkeypatch.setattr("tts.callbacks.samples.media_items", media_items)


def files(folder):
    """Return the names of the files of each step."""
    return {
        path.name: {file.name for file in path.iterdir()}
        for path in sorted((folder / "samples").iterdir())
    }


def test_pictures_and_audible_sound_are_left(fit, tmp_path):
    fit([LogSamples(n_samples=1)], max_epochs=1)
    assert files(tmp_path) == {"step_000004": {f"{i[:-4]}_{FIRST}{i[-4:]}" for i in ITEMS}}
    path = tmp_path / "samples" / "step_000004" / f"audio_free_running_{FIRST}.wav"
    samples, rate = read_wave(path)
    assert rate == 8000
    assert samples.shape == (29 * 64,)
    assert np.abs(samples).max() > 1e-3


@pytest.mark.usefixtures("light")
def test_every_validation_shows_the_same_utterances(fit, tmp_path):
    fit([LogSamples(n_samples=2)])
    expected = {f"audio_free_running_{FIRST}.wav", "audio_free_running_utt2-01.wav"}
    assert files(tmp_path) == {"step_000004": expected, "step_000008": expected}


@pytest.mark.parametrize(("every", "steps"), [(1, [4, 8, 12]), (2, [8, 12]), (3, [12]), (9, [12])])
@pytest.mark.usefixtures("light")
def test_rhythm_and_the_end_of_the_run(fit, tmp_path, every, steps):
    fit([LogSamples(every_n_validations=every, n_samples=1)], max_epochs=3)
    assert list(files(tmp_path)) == [f"step_{step:06d}" for step in steps]


@pytest.mark.usefixtures("light")
def test_sanity_check_shows_nothing(fit, tmp_path):
    fit([LogSamples(n_samples=1)], num_sanity_val_steps=2, max_epochs=1)
    assert list(files(tmp_path)) == ["step_000004"]


@pytest.mark.usefixtures("light")
def test_health_reaches_the_loggers_and_the_attribute(fit, tmp_path):
    callback = LogSamples(n_samples=2)
    fit([callback], logger=CSVLogger(tmp_path, name="", version=""), max_epochs=1)
    with (tmp_path / "metrics.csv").open() as file:
        (row,) = [row for row in csv.DictReader(file) if row["val/loss"]]
    assert float(row["val/alignment_teacher_forced_follows_text"]) == 1.0
    assert float(row["val/alignment_free_running_follows_text"]) == 0.0
    assert float(row["val/alignment_free_running_coverage"]) == pytest.approx(7 / 12)
    assert callback.health["val/alignment_teacher_forced_sharpness"] == 1.0


@pytest.mark.usefixtures("light")
def test_health_of_the_end_reaches_the_loggers(fit, tmp_path):
    logger = CSVLogger(tmp_path, name="", version="")
    fit([LogSamples(every_n_validations=5, n_samples=1)], logger=logger)
    with (tmp_path / "metrics.csv").open() as file:
        rows = [r for r in csv.DictReader(file) if r["val/alignment_free_running_coverage"]]
    assert [row["step"] for row in rows] == ["7"]


def test_tensorboard_gets_the_same_media(fit, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    logger = TensorBoardLogger(tmp_path, name="", version="")
    fit([LogSamples(n_samples=1)], logger=logger, max_epochs=1)
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    expected = {f"{item[:-4]}/{FIRST}" for item in ITEMS}
    assert set(events.Tags()["images"]) | set(events.Tags()["audio"]) == expected
    assert [image.step for image in events.Images(f"mel/{FIRST}")] == [4]


@pytest.mark.usefixtures("light")
def test_training_does_not_notice(fit):
    def run(*callbacks):
        trainer = fit(callbacks)
        states = torch.rand(1), np.random.rand(), random.random()
        return trainer.lightning_module.state_dict(), states

    (without, states), (sampled, states_after) = run(), run(LogSamples())
    assert states_after == states
    assert all(torch.equal(sampled[name], value) for name, value in without.items())


@pytest.mark.usefixtures("light")
def test_modes_are_put_back(fit, toy_task):
    class Frozen(toy_task):
        def on_train_start(self):
            self.network[2].eval()

        def samples(self, batch, generator):
            self.modes_in_samples = {module.training for module in self.modules()}
            return super().samples(batch, generator)

        def on_train_end(self):
            self.modes = [module.training for module in self.network]

    task = Frozen()
    fit([LogSamples(every_n_validations=5)], task, limit_val_batches=1)
    assert task.modes_in_samples == {False}
    assert task.modes == [True, True, False]


@pytest.mark.usefixtures("light")
def test_same_seed_same_sound(fit, tmp_path):
    waves = {}
    for seed in (0, 0, 1):
        folder = tmp_path / f"{len(waves)}_{seed}"
        fit([LogSamples(n_samples=1, seed=seed, folder=folder)], max_epochs=1)
        path = folder / "step_000004" / f"audio_free_running_{FIRST}.wav"
        waves.setdefault(seed, []).append(path.read_bytes())
    assert waves[0][0] == waves[0][1] != waves[1][0]


@pytest.mark.usefixtures("light")
def test_failing_task_is_logged_and_training_continues(fit, toy_task, caplog):
    class Breaks(toy_task):
        def samples(self, batch, generator):
            raise RuntimeError("no samples today")

    with caplog.at_level(logging.WARNING, "tts"):
        trainer = fit([LogSamples()], Breaks())
    assert trainer.global_step == 8
    logged = [record.message for record in caplog.records if record.name.startswith("tts")]
    assert [message[:34] for message in logged] == [
        "samples of step 4: 1 failed, train",
        "samples of step 8: 1 failed, train",
    ]
    assert "no samples today" in caplog.text


def test_failed_item_does_not_take_the_others_along(fit, toy_task, tmp_path, caplog):
    class OneBadMel(toy_task):
        def samples(self, batch, generator):
            samples = super().samples(batch, generator)
            samples.mels["free_running"][0][:] = torch.nan
            return samples

    fit([LogSamples(n_samples=1)], OneBadMel(), max_epochs=1)
    written = files(tmp_path)["step_000004"]
    assert f"audio_target_{FIRST}.wav" in written
    assert f"audio_free_running_{FIRST}.wav" not in written
    assert "samples of step 4: 1 failed" in caplog.text


@pytest.mark.usefixtures("light")
def test_failing_sink_does_not_take_the_others_along(fit, tmp_path, caplog, monkeypatch):
    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(TensorBoardSink, "image", full)
    monkeypatch.setattr(TensorBoardSink, "audio", full)
    monkeypatch.setattr(
        "tts.callbacks.samples.sinks_for",
        lambda loggers, folder: [TensorBoardSink(None), FolderSink(folder)],
    )
    fit([LogSamples(n_samples=1)], max_epochs=1)
    assert files(tmp_path)["step_000004"] == {f"audio_free_running_{FIRST}.wav"}
    assert "1 failed" in caplog.text


def test_run_without_validation_says_why_there_are_no_samples(fit, tmp_path, caplog):
    fit([LogSamples()], limit_val_batches=0)
    assert "no validation batch" in caplog.text
    assert not (tmp_path / "samples").exists()


def test_vocoder_waves_are_written_directly(fit, toy_task, tmp_path):
    class Vocoder(toy_task):
        def samples(self, batch, generator):
            waves = {"target": [torch.full((640,), 0.25)], "inverse": [torch.full((640,), 3.0)]}
            return TaskSamples(["a"], mels={"target": [torch.zeros(8, 10)]}, waves=waves)

    fit([LogSamples(n_samples=1)], Vocoder(), max_epochs=1)
    assert files(tmp_path)["step_000004"] == {
        "audio_inverse_a.wav",
        "audio_target_a.wav",
        "mel_a.png",
    }
    target, _ = read_wave(tmp_path / "samples" / "step_000004" / "audio_target_a.wav")
    np.testing.assert_allclose(target, 0.25, atol=1e-4)


@pytest.mark.usefixtures("light")
def test_samples_are_those_of_the_averaged_weights(fit, toy_task):
    class Watched(toy_task):
        def samples(self, batch, generator):
            self.heard = self.network[0].weight.detach().clone()
            return super().samples(batch, generator)

    task = Watched()
    trainer = fit([LogSamples(every_n_validations=1), EMA(0.9)], task, max_epochs=1)
    assert torch.equal(task.heard, trainer.lightning_module.network[0].weight)


@pytest.mark.usefixtures("light")
def test_rhythm_survives_resuming(fit, tmp_path):
    first = fit([LogSamples(every_n_validations=2, folder=tmp_path / "a")], max_epochs=1)
    first.save_checkpoint(tmp_path / "half.ckpt")
    again = LogSamples(every_n_validations=2, folder=tmp_path / "samples")
    fit([again], max_epochs=3, ckpt_path=tmp_path / "half.ckpt")
    assert list(files(tmp_path)) == ["step_000008", "step_000012"]


def test_recording_is_written_once(fit, tmp_path):
    fit([LogSamples(n_samples=1)])
    target = f"audio_target_{FIRST}.wav"
    names_by_step = files(tmp_path)
    assert target in names_by_step["step_000004"]
    assert names_by_step["step_000008"] == names_by_step["step_000004"] - {target}


@pytest.mark.usefixtures("light")
def test_the_folder_of_the_files_is_logged_once(fit, tmp_path, caplog):
    with caplog.at_level(logging.INFO, "tts"):
        fit([LogSamples(n_samples=1)])
    logged = [r.message for r in caplog.records if r.name == "tts.callbacks.samples"]
    assert logged == [f"pictures and sound of samples: {tmp_path / 'samples'}"]


@pytest.mark.usefixtures("light")
def test_samples_that_take_long_are_logged_once(fit, caplog, monkeypatch):
    monkeypatch.setattr("tts.callbacks.samples._LONG_RUN", 0.0)
    monkeypatch.setattr("tts.callbacks.samples._MOST_OF_RUN", 1e-6)
    fit([LogSamples(n_samples=1)], max_epochs=3)
    logged = [r.message for r in caplog.records if "of the run so far" in r.message]
    assert len(logged) == 1
    assert "every_n_validations" in logged[0]


@pytest.mark.usefixtures("light")
def test_gate_and_time_are_scalars(fit, toy_task):
    class Late(toy_task):
        def samples(self, batch, generator):
            samples = super().samples(batch, generator)
            never = torch.zeros(12)
            return replace(samples, gates={**samples.gates, "teacher_forced": [never] * 2})

    callback = LogSamples(n_samples=2)
    fit([callback], Late(), max_epochs=1)
    # recordings of 12 frames; the free-running gate passes 0.5 at frame 15 of 0 to 29
    assert callback.health["val/gate_free_running_delay"] == 15 - 11
    assert callback.health["val/gate_free_running_fires"] == 1.0
    assert callback.health["val/gate_teacher_forced_delay"] == 12
    assert callback.health["val/gate_teacher_forced_fires"] == 0.0
    assert callback.health["val/samples_seconds"] > 0


@pytest.fixture
def waveglow(tmp_path, toy_data):
    """Write a tiny WaveGlow for the mels of the toy corpus."""
    from tts import pretrained
    from tts.models import WaveGlow

    sizes = {"n_mels": 8, "hop_length": 64, "win_length": 256, "n_flows": 2, "n_layers": 2}
    network = WaveGlow(**sizes, n_channels=8)
    path = tmp_path / "waveglow.safetensors"
    pretrained.save(network, path, description={"mel": toy_data.mel.to_dict()})
    return path


def test_named_vocoder_makes_the_sound(fit, waveglow, tmp_path):
    fit([LogSamples(n_samples=1, vocoder=waveglow)], max_epochs=1)
    path = tmp_path / "samples" / "step_000004" / f"audio_free_running_{FIRST}.wav"
    samples, _ = read_wave(path)
    assert samples.shape == (30 * 64,)  # Griffin-Lim's would be a hop shorter


@pytest.mark.parametrize(
    ("vocoder", "message"),
    [("gone.safetensors", "gone.safetensors"), ("other contract", "another mel contract: f_min")],
)
def test_vocoder_that_does_not_fit_is_refused_before_training(
    fit, toy_task, toy_data, waveglow, vocoder, message, monkeypatch
):
    class Never(toy_task):
        def training_step(self, batch, batch_idx):
            raise AssertionError

    if vocoder == "other contract":
        vocoder = waveglow
        monkeypatch.setattr(toy_data, "mel", dataclasses.replace(toy_data.mel, f_min=50.0))
    with pytest.raises(InputError, match=message):
        fit([LogSamples(n_samples=1, vocoder=vocoder)], Never())
