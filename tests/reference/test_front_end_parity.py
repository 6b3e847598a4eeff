from __future__ import annotations

import sys

import pytest
import torch

from tests.support.paths import GOLDEN
from tts.audio import LogMel, MelConfig
from tts.text import Tokenizer

SENTENCES = [
    line
    for line in (GOLDEN / "ljspeech_200.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]


@pytest.fixture(scope="module")
def their_mel(packages):
    with packages.active():
        front_end = packages.module("tacotron2.layers").TacotronSTFT()

    def compute(wave: torch.Tensor) -> torch.Tensor:
        with packages.active():
            return front_end.mel_spectrogram(wave)

    return compute


@pytest.mark.parametrize("n_samples", [600, 4000, 22050])
def test_mel(their_mel, formula, n_samples):
    wave = formula.wave(n_samples)
    found = LogMel(MelConfig())(wave)
    torch.testing.assert_close(found, their_mel(wave), atol=1e-4, rtol=0)


@pytest.mark.parametrize("level", [0.0, 1e-5, 1e-3, 1.0])
def test_mel_of_faint_and_loud_noise(their_mel, formula, level):
    wave = level * formula.numbers("noise", 2, 6000)
    found = LogMel(MelConfig())(wave)
    torch.testing.assert_close(found, their_mel(wave), atol=1e-4, rtol=0)


def test_mel_of_other_sizes(packages, formula):
    wave = formula.wave(4000)
    with packages.active():
        front_end = packages.module("tacotron2.layers").TacotronSTFT(
            512, 128, 400, n_mel_channels=40, sampling_rate=16000, mel_fmin=50.0, mel_fmax=7000.0
        )
        expected = front_end.mel_spectrogram(wave)
    config = MelConfig(
        sample_rate=16000,
        n_fft=512,
        hop_length=128,
        win_length=400,
        n_mels=40,
        f_min=50.0,
        f_max=7000.0,
    )
    torch.testing.assert_close(LogMel(config)(wave), expected, atol=1e-4, rtol=0)


def test_there_are_200_different_sentences():
    assert len(set(SENTENCES)) == 200


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(on_unknown="ignore")


@pytest.mark.slow
def test_text_ids_of_200_sentences(packages, tokenizer):
    expected = packages.text_ids(*SENTENCES)
    different = [
        sentence
        for sentence, ids in zip(SENTENCES, expected, strict=True)
        if tokenizer.encode(sentence) != ids
    ]
    assert different == []


@pytest.mark.parametrize(
    "text",
    [
        "Turn left on {HH AW1 S T AH0 N} Street.",
        "{HH AH0 L OW1}",
        "It cost $1, $0.05, $2.50, $3,000,000.25 and £20.",
        "The 1st, 2nd, 3rd, 11th, 21st and 100th of 1000, 1001, 1100, 1999, 2000, 2001, 2010.",
        "0, 7, 13, 20, 42, 101, 999, 12345, 1,234,567, 3.14159, 0.5 and 007.",
        "Mrs. Mr. Dr. St. Co. Jr. Maj. Gen. Drs. Rev. Lt. Hon. Sgt. Capt. Esq. Ltd. Col. Ft. etc.",
        "na\u00efve caf\u00e9 \u2014 \u201cquoted\u201d \u2026 1\u00bd",
        "  spaces\tand\n  lines  ",
    ],
)
def test_text_ids_of_unusual_texts(packages, tokenizer, text):
    assert [tokenizer.encode(text)] == packages.text_ids(text)


def test_symbols_are_the_published_table(packages, tokenizer):
    assert list(tokenizer.symbols) == packages.symbols()


def test_nvidias_modules_do_not_stay_imported(packages):
    before = (list(sys.path), torch.Tensor.cuda, torch.cuda.FloatTensor)
    packages.tacotron2(
        symbols_embedding_dim=2,
        encoder_embedding_dim=2,
        attention_rnn_dim=2,
        decoder_rnn_dim=2,
        postnet_embedding_dim=2,
    )
    packages.text_ids("one")
    roots = {name.split(".")[0] for name in sys.modules}
    assert not roots & {"tacotron2", "waveglow", "tensorflow"}
    assert (list(sys.path), torch.Tensor.cuda, torch.cuda.FloatTensor) == before
    assert not hasattr(torch, "qr") or torch.qr is not torch.linalg.qr
