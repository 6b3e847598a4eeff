"""Recordings of several channels are read as the user says, and very long ones are not decoded."""

from __future__ import annotations

import logging
import tracemalloc

import numpy as np
import pytest
import soundfile
import torch

from tests.support.recordings import RATE
from tts.audio import LogMel
from tts.config import compose, resolved
from tts.core.errors import InputError
from tts.data import JoinedCorpus, LJSpeech, Processing, TextMelDataModule, WebDataset
from tts.data.features import contract as contract_module
from tts.data.features.contract import Contract, compute_mel
from tts.data.loading.datamodules import MelWaveDataModule
from tts.text import Tokenizer

SOUND = {
    channel: 0.3 * np.sin(2 * np.pi * hertz * np.arange(RATE // 2) / RATE)
    for channel, hertz in (("left", 400), ("right", 900))
}
SOUND["mix"] = (SOUND["left"] + SOUND["right"]) / 2


@pytest.fixture
def stereo(write_corpus):
    """Write a corpus of four recordings, of which one has two channels."""
    root = write_corpus()
    path = root / "wavs" / "b.wav"
    soundfile.write(path, np.stack([SOUND["left"], SOUND["right"]], 1), RATE)
    return root


def test_two_channels_are_refused_with_the_option(stereo, prepare):
    message = r"metadata\.csv:2: .*b\.wav: 2 channels, expected 1; set data\.mono=mix"
    with pytest.raises(InputError, match=message):
        prepare(LJSpeech(stereo))


@pytest.mark.parametrize("mono", ["mix", "left", "right"])
def test_features_are_those_of_the_channel(stereo, prepare, mel, mono):
    processing = Processing(mono=mono)
    prepared = prepare(LJSpeech(stereo), waves=True, processing=processing)
    row = list(prepared.table.column("name")).index("b")
    # a file has 16 bits
    np.testing.assert_allclose(prepared.wave(row, 0, 9999), SOUND[mono][:9999], atol=1e-4)
    np.testing.assert_allclose(prepared.whole_wave(row), SOUND[mono], atol=1e-4)
    samples, _ = Contract(mel, processing).samples(stereo / "wavs" / "b.wav")
    expected = LogMel(mel)(torch.from_numpy(samples))[0]
    torch.testing.assert_close(prepared.mel(row), expected, rtol=0, atol=0)


def test_a_choice_of_channel_never_uses_features_of_another(stereo, mel, tmp_path):
    mels = {}
    for mono in ("left", "right", "mix", "left"):
        module = TextMelDataModule(
            LJSpeech(stereo), mel, Tokenizer(), tmp_path, processing=Processing(mono=mono)
        )
        module.prepare_data()
        name = list(module.opened.table.column("name")).index("b")
        found = module.opened.mel(name)
        assert torch.equal(found, mels.setdefault(mono, found))
    assert not torch.equal(mels["left"], mels["right"])
    assert not torch.equal(mels["left"], mels["mix"])


def test_a_segment_of_a_vocoder_is_of_the_channel(stereo, mel, tmp_path):
    options = {"segment_length": 9999, "batch_size": 1, "processing": Processing(mono="right")}
    corpus = LJSpeech(stereo, val_fraction=0.0)
    module = MelWaveDataModule(corpus, mel, tmp_path, **options)
    module.prepare_data()
    module.setup()
    batches = {batch.names[0]: batch.wave[0] for batch in module.train_dataloader()}
    spectrum = torch.fft.rfft(batches["b"]).abs()
    assert int(spectrum.argmax()) * RATE / 9999 == pytest.approx(900, abs=5)


def test_the_option_that_is_off_leaves_prepared_folders_valid(mel):
    assert "mono" not in Contract(mel).to_dict()["processing"]
    data = Contract(mel).to_dict()
    assert Contract.from_dict(data) == Contract(mel)
    left = Contract(mel, Processing(mono="left"))
    assert left.key() != Contract(mel).key()
    assert Contract.from_dict(left.to_dict()) == left
    assert Contract(mel).differences(left) == ["mono: None here, left there"]


@pytest.mark.parametrize(
    "options", [[], ["model=waveglow"], ["data=webdataset", "data.source=x"]], ids=str
)
def test_the_option_reaches_the_corpus_and_its_processing(options):
    config = resolved(compose([*options, "data.mono=left"]))
    assert config["model"]["datamodule"]["processing"]["mono"] == "left"
    converted = "data=webdataset" in options
    assert config["data"]["corpus"].get("mono") == ("left" if converted else None)


def test_another_value_is_one_line():
    with pytest.raises(InputError, match=r"data\.mono=both: it must be one of null, mix, left, r"):
        Processing(mono="both")


def test_a_converted_corpus_has_the_channel(stereo, tmp_path):
    from tests.support.shards import write_shard

    data = (stereo / "wavs" / "b.wav").read_bytes()
    write_shard(tmp_path / "a.tar", {"b.wav": data, "b.txt": b"Text."})
    for mono in (None, "left", "right"):
        corpus = WebDataset(tmp_path / f"made {mono}", tmp_path / "a.tar", mono=mono)
        corpus.prepare()
        samples, _ = soundfile.read(corpus.utterances()[0].wav)
        np.testing.assert_allclose(samples, SOUND[mono or "mix"], atol=1e-4)
    with pytest.raises(InputError, match="holds a corpus made with mono left; delete it"):
        WebDataset(tmp_path / "made left", tmp_path / "a.tar").prepare()
    WebDataset(tmp_path / "made None", tmp_path / "a.tar", mono="mix").prepare()


def test_copies_have_the_channel(stereo, tmp_path):
    part = LJSpeech(stereo, val_fraction=0.0)
    corpus = JoinedCorpus(tmp_path / "j", parts={"a": part}, copies={"a": [0.8]}, mono="right")
    corpus.prepare()
    samples, _ = soundfile.read(tmp_path / "j" / "wavs" / "a-b-800.wav")
    spectrum = np.abs(np.fft.rfft(samples))
    assert spectrum.argmax() * RATE / len(samples) == pytest.approx(720, abs=5)


@pytest.fixture
def bomb(write_corpus):
    """Write a corpus in which a file of some kilobytes holds twenty minutes of silence."""
    root = write_corpus()
    path = root / "wavs" / "b.wav"
    soundfile.write(path, np.zeros(1200 * RATE, np.int16), RATE, format="FLAC")
    assert path.stat().st_size < 10**6
    return root


@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_a_recording_far_above_the_limit_is_left_out_and_not_decoded(
    bomb, mel, tmp_path, caplog, on_error
):
    module = TextMelDataModule(
        LJSpeech(bomb), mel, Tokenizer(), tmp_path, max_seconds=10, on_error=on_error
    )
    tracemalloc.start()
    with caplog.at_level(logging.WARNING):
        module.prepare_data()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30e6  # the samples alone are 106 MB
    assert list(module.opened.table.column("name")) == ["a", "c", "d"]
    assert "b.wav: lasts 1200 s or longer, more than the 100 s that are read" in caplog.text


def test_a_limit_of_the_training_does_not_leave_out_validation(write_corpus, mel, tmp_path):
    corpus = LJSpeech(write_corpus(seconds=8), val_fraction=0.5)
    module = TextMelDataModule(corpus, mel, Tokenizer(), tmp_path, max_seconds=8.01)
    module.prepare_data()
    assert len(module.opened) == 4


def test_a_recording_of_hours_is_a_fault(bomb, mel, tmp_path, monkeypatch):
    path = bomb / "wavs" / "b.wav"
    soundfile.write(path, np.zeros(3601 * 1000, np.int16), 1000, format="FLAC")
    options = {"resample": True}
    with pytest.raises(
        InputError, match=r"metadata\.csv:2: .*b\.wav: lasts 1 h or longer, more th"
    ):
        TextMelDataModule(LJSpeech(bomb), mel, Tokenizer(), tmp_path, **options).prepare_data()
    module = TextMelDataModule(
        LJSpeech(bomb, on_error="skip"), mel, Tokenizer(), tmp_path, on_error="skip", **options
    )
    module.prepare_data()
    assert len(module.opened) == 3


@pytest.mark.parametrize("n_samples", [80 * 256, 80 * 256 + 1, 96 * 256 - 1, 100 * 256 + 17])
def test_a_long_mel_is_computed_in_pieces(mel, monkeypatch, n_samples):
    wave = (0.1 * np.random.default_rng(0).standard_normal(n_samples)).astype(np.float32)
    log_mel = LogMel(mel)
    whole = compute_mel(wave, log_mel)
    monkeypatch.setattr(contract_module, "_BLOCK", 16)
    pieces = compute_mel(wave, log_mel)
    assert pieces.shape == whole.shape
    np.testing.assert_allclose(pieces, whole, rtol=0, atol=2e-5)
