"""A training needs nothing but a prepared folder."""

from __future__ import annotations

import shutil

import pytest
import torch

from tts.core.errors import InputError
from tts.data import (
    Filelist,
    LJSpeech,
    MelWaveDataModule,
    PreparedCorpus,
    Processing,
    TextMelDataModule,
)
from tts.text import Tokenizer


@pytest.fixture
def folder(write_corpus, mel, tmp_path):
    """Prepare a folder, and remove its recordings."""
    root = write_corpus("abcdefgh")
    options = {"prepared": tmp_path / "prepared", "processing": Processing(trim_db=30)}
    corpus = LJSpeech(root, val_fraction=0.3)
    TextMelDataModule(corpus, mel, Tokenizer(), tmp_path / "cache", **options).prepare_data()
    shutil.rmtree(root)
    return tmp_path / "prepared"


@pytest.fixture
def module(mel, tmp_path):
    def module(kind, folder, config=mel, **options):
        text = [options.pop("tokenizer", Tokenizer())] if kind is TextMelDataModule else []
        more = {} if kind is TextMelDataModule else {"segment_length": 2048}
        corpus = PreparedCorpus(folder)
        made = kind(corpus, config, *text, tmp_path / "other", batch_size=2, **more, **options)
        made.prepare_data()
        made.setup("fit")
        return made

    return module


@pytest.mark.parametrize("kind", [TextMelDataModule, MelWaveDataModule])
def test_training_needs_no_recordings(kind, folder, module):
    data = module(kind, folder)
    loaders = data.train_dataloader(), data.val_dataloader()
    used = {name for loader in loaders for batch in loader for name in batch.names}
    assert used == set("abcdefgh")


def test_batches_are_those_of_the_recordings(write_corpus, module, mel, tmp_path):
    corpus = LJSpeech(write_corpus("abcdefgh"))
    loaders = []
    for given in (None, tmp_path / "prepared"):
        data = TextMelDataModule(
            corpus, mel, Tokenizer(), tmp_path / "cache", batch_size=2, prepared=given
        )
        data.prepare_data()
        data.setup("fit")
        loaders.append(data.train_dataloader())
    loaders.append(module(TextMelDataModule, tmp_path / "prepared").train_dataloader())
    for one, other, third in zip(*loaders, strict=True):
        assert one.names == other.names == third.names
        assert torch.equal(one.mel, third.mel)
        assert torch.equal(one.text, third.text)


def test_it_is_called_what_it_was(folder, write_corpus):
    corpus = PreparedCorpus(folder)
    again = LJSpeech(write_corpus("abcdefgh"), val_fraction=0.3)
    assert (corpus.name, corpus.fingerprint()) == (again.name, again.fingerprint())
    split = {part: [u.id for u in members] for part, members in corpus.split().items()}
    assert split == {part: [u.id for u in members] for part, members in again.split().items()}
    assert [u.text for u in corpus.utterances()] == [u.text for u in again.utterances()]


def test_another_tokenizer_reads_the_texts_again(folder, module):
    other = Tokenizer(list("_ .abcdefghotn"), cleaner="basic_cleaners", on_unknown="ignore")
    data = module(TextMelDataModule, folder, tokenizer=other)
    batch = next(iter(data.train_dataloader()))
    text = other.decode(batch.text[0, : batch.text_lengths[0]].tolist())
    assert text == f"tet of {batch.names[0]}."


def test_a_folder_that_cannot_be_written_is_read(folder, module, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    before = {path.name for path in folder.iterdir()}
    other = Tokenizer(cleaner="basic_cleaners")
    assert next(iter(module(TextMelDataModule, folder, tokenizer=other).train_dataloader()))
    assert {path.name for path in folder.iterdir()} == before


def test_another_contract_is_refused(folder, module, mel):
    from dataclasses import replace

    with pytest.raises(InputError, match=r"other settings: f_max: 8000\.0 here, 7000\.0 there"):
        module(TextMelDataModule, folder, replace(mel, f_max=7000.0))


def test_other_processing_is_refused(folder, module):
    with pytest.raises(InputError, match="other settings: trim_db: 30 here, 50 there"):
        module(TextMelDataModule, folder, processing=Processing(trim_db=50))


def test_a_cache_without_samples_is_no_folder_for_a_vocoder(write_corpus, prepare, module):
    prepared = prepare(LJSpeech(write_corpus()))
    with pytest.raises(InputError, match=r"holds no samples; prepare it with data\.prepared="):
        module(MelWaveDataModule, prepared.folder)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (shutil.rmtree, "there is no such folder"),
        (lambda folder: (folder / "prepared.json").unlink(), "not a prepared folder"),
        (lambda folder: (folder / "mels-00000.float32").unlink(), "mels are damaged"),
        (lambda folder: shutil.rmtree(next(folder.glob("corpus-*"))), "holds 0 corpora"),
    ],
    ids=["gone", "header", "mels", "table"],
)
def test_a_folder_that_is_none_is_refused(folder, module, damage, message):
    damage(folder)
    with pytest.raises(InputError, match=message) as error:
        module(TextMelDataModule, folder)
    assert "\n" not in str(error.value)


def test_speakers_come_along(write_corpus, mel, module, tmp_path):
    root = write_corpus()
    lines = [
        f"wavs/{name}.wav|Text of {name}.|{who}" for name, who in zip("abcd", "9449", strict=True)
    ]
    (root / "train.txt").write_text("\n".join(lines))
    corpus = Filelist(root, "train.txt", val_fraction=0)
    options = {"prepared": tmp_path / "prepared"}
    TextMelDataModule(corpus, mel, Tokenizer(), tmp_path / "cache", **options).prepare_data()
    assert PreparedCorpus(tmp_path / "prepared").speakers == corpus.speakers == ("4", "9")
    speakers = {}
    for batch in module(TextMelDataModule, tmp_path / "prepared").train_dataloader():
        speakers.update(zip(batch.names, batch.speakers.tolist(), strict=True))
    assert speakers == {"wavs-a": 1, "wavs-b": 0, "wavs-c": 0, "wavs-d": 1}
