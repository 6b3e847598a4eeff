from __future__ import annotations

import numpy as np
import pytest
import soundfile
import torch

from tts.audio import LogMel
from tts.core.errors import InputError
from tts.data import LJSpeech, MelWaveDataset, TextMelDataset
from tts.data.features.tokens import make_tokens
from tts.data.loading.datasets import MelWaveItem, TextMelItem, collate_mel_wave, collate_text_mel
from tts.data.loading.fallbacks import FallbackDataset
from tts.text import Tokenizer


@pytest.fixture
def text_mel(write_corpus, prepare):
    """Return a function that makes a dataset of some rows."""

    def make(rows, reading=None):
        prepared = prepare(LJSpeech(write_corpus()))
        tokens = make_tokens(prepared, Tokenizer(), "raise")
        return TextMelDataset(prepared, np.array(rows), tokens, reading)

    return make


def test_text_and_mel_belong_together(text_mel):
    dataset = text_mel([1, 0])
    assert len(dataset) == 2
    assert [dataset[i].name for i in range(2)] == ["b", "a"]
    assert Tokenizer().decode(dataset[0].text.tolist()) == "text of b."
    assert dataset[0].text.dtype == torch.int64
    assert torch.equal(dataset[0].mel, dataset.prepared.mel(1))
    assert dataset.lengths.tolist() == [dataset[i].mel.shape[1] for i in range(2)]
    assert dataset.text_lengths.tolist() == [10, 10]


def test_collate_pads_texts_and_mels_with_zeros():
    items = [
        TextMelItem("a", torch.tensor([5, 6]), torch.full((3, 4), -1.0)),
        TextMelItem("b", torch.tensor([7, 8, 9]), torch.full((3, 2), -2.0)),
    ]
    batch = collate_text_mel(items)
    assert batch.text.tolist() == [[5, 6, 0], [7, 8, 9]]
    assert batch.text.dtype == torch.int64
    assert (batch.text_lengths.tolist(), batch.mel_lengths.tolist()) == ([2, 3], [4, 2])
    assert batch.mel_lengths.dtype == torch.int64
    assert batch.mel.shape == (2, 3, 4)
    assert batch.mel[1, 0].tolist() == [-2, -2, 0, 0]
    assert batch.names == ("a", "b")


def test_collate_stacks_segments():
    items = [MelWaveItem(name, torch.ones(3, 4), torch.ones(900)) for name in "ab"]
    batch = collate_mel_wave(items)
    assert (batch.mel.shape, batch.wave.shape) == ((2, 3, 4), (2, 900))
    assert batch.names == ("a", "b")


@pytest.fixture
def make(write_corpus, prepare):
    def make(segment_length=2000, rate=22050, **options):
        prepared = prepare(LJSpeech(write_corpus(rate=rate)), mels=False, resample=True)
        return MelWaveDataset(prepared, np.arange(4), segment_length, **options)

    return make


def test_a_segment_is_cut_from_its_recording(make):
    dataset = make()
    item = dataset[(0, 1)]
    samples, _ = soundfile.read(dataset.prepared.sources[1].wav, dtype="float32")
    windows = np.lib.stride_tricks.sliding_window_view(samples, 2000)
    assert item.name == "b"
    assert (windows == item.wave.numpy()).all(1).any()


def test_the_mel_is_that_of_the_segment_alone(make, mel):
    item = make()[(0, 1)]
    torch.testing.assert_close(item.mel, LogMel(mel)(item.wave)[0])
    assert item.mel.shape == (mel.n_mels, mel.n_frames(2000))


def test_segments_differ_between_epochs_and_items(make):
    dataset = make()
    starts = [dataset._start(epoch, index, 10**6) for epoch in range(3) for index in range(3)]
    assert len(set(starts)) == 9


def test_segments_depend_on_seed_epoch_and_index_only(make):
    first, second = make(seed=5), make(seed=5)
    wanted = first[(2, 3)].wave
    second[(0, 0)], second[(2, 1)]
    torch.manual_seed(99)
    assert torch.equal(second[(2, 3)].wave, wanted)
    assert not torch.equal(make(seed=6)[(2, 3)].wave, wanted)


def test_drawing_a_segment_leaves_the_global_generators_alone(make):
    dataset = make()
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()
    dataset[(0, 0)]
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == np.random.get_state()[1].tolist()


def test_every_start_is_possible(make):
    dataset = make()
    assert {dataset._start(epoch, 0, 3) for epoch in range(100)} == {0, 1, 2, 3}


def test_evaluation_takes_the_middle_every_time(make):
    dataset = make(random=False)
    samples, _ = soundfile.read(dataset.prepared.sources[0].wav, dtype="float32")
    start = (len(samples) - 2000) // 2
    for epoch in (0, 1):
        np.testing.assert_array_equal(dataset[(epoch, 0)].wave, samples[start : start + 2000])


def test_a_short_recording_is_padded_on_the_right(make):
    dataset = make(segment_length=20000)
    samples, _ = soundfile.read(dataset.prepared.sources[0].wav, dtype="float32")
    wave = dataset[(0, 0)].wave
    assert wave.shape == (20000,)
    np.testing.assert_array_equal(wave[: len(samples)], samples)
    assert not wave[len(samples) :].any()


def test_other_rates_are_resampled(make):
    item = make(rate=44100)[(0, 0)]
    assert item.wave.shape == (2000,)
    # 220 Hz at the new rate: the spectrum's peak stays where it was
    peak = torch.fft.rfft(item.wave)
    assert peak.abs().argmax().item() * 22050 / 2000 == pytest.approx(220, abs=12)


def test_a_missing_recording_is_replaced_by_a_fallback(make):
    dataset = make()
    whole = [dataset[(3, index)] for index in range(4)]
    dataset.prepared.sources[1].wav.unlink()
    items = [FallbackDataset(dataset)[(3, index)] for index in range(4)]
    assert [item.name for item in items] == ["a", "c", "c", "d"]
    assert torch.equal(items[1].wave, whole[2].wave)
    assert [len(item.skipped) for item in items] == [0, 1, 0, 0]
    assert "b.wav: cannot be read any more (it is gone)" in items[1].skipped[0]


def test_tolerance_ends_when_nothing_can_be_read(make):
    dataset = make()
    for utterance in dataset.prepared.sources:
        utterance.wav.unlink()
    with pytest.raises(
        InputError,
        match=r"a\.wav: .*; the 3 utterances that could replace it cannot be read either$",
    ):
        FallbackDataset(dataset)[(0, 0)]


def test_a_text_is_replaced_by_one_whose_mel_is_just_shorter(text_mel):
    dataset = text_mel([0, 1, 2, 3])  # each longer than the one before
    assert list(dataset.fallbacks((7, 2))) == [(7, 2), (7, 1), (7, 0), (7, 3)]
    assert list(dataset.fallbacks((7, 0))) == [(7, 0), (7, 1), (7, 2), (7, 3)]


def test_speakers_go_with_their_utterances():
    items = [TextMelItem(name, torch.ones(2), torch.ones(3, 4), speaker=7) for name in "ab"]
    batch = collate_text_mel([items[0], items[1]._replace(speaker=2)])
    assert batch.speakers.tolist() == [7, 2]
    assert batch.speakers.dtype == torch.int64


def test_a_batch_says_what_others_stand_in_for():
    items = [TextMelItem(name, torch.ones(2), torch.ones(3, 4)) for name in "ab"]
    batch = collate_text_mel([items[0]._replace(skipped=("c is gone",)), items[1]])
    assert batch.skipped == ("c is gone",)


def test_a_recording_that_vanished_is_named(make):
    dataset = make()
    dataset.prepared.sources[0].wav.unlink()
    with pytest.raises(InputError, match=r"a\.wav: cannot be read any more") as error:
        dataset[(0, 0)]
    assert "\n" not in str(error.value)


def test_texts_are_read_again_in_every_epoch(text_mel):
    class Reading:
        def __call__(self, epoch, index):
            return [epoch, index]

    dataset = text_mel([0, 1, 2, 3], Reading())
    assert dataset[(3, 1)].text.tolist() == [3, 1]
    assert dataset[2].text.tolist() == [0, 2]
    assert dataset.text_lengths.tolist() == [10] * 4
