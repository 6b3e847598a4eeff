from __future__ import annotations

import logging
import math
from types import SimpleNamespace

import pytest
import torch
from pytorch_lightning import LightningModule, Trainer

from tts.core.errors import InputError
from tts.data import LJSpeech, MelWaveDataModule, TextMelDataModule
from tts.data.features import extract
from tts.text import Tokenizer


@pytest.fixture
def text_mel(tones, mel, tmp_path):
    """Make a prepared module; the cache is shared between calls of one test."""

    def make(corpus=tones, tokenizer=None, **options):
        options = {"batch_size": 2, **options}
        module = TextMelDataModule(
            corpus, mel, tokenizer or Tokenizer(), tmp_path / "cache", **options
        )
        module.prepare_data()
        module.setup("fit")
        return module

    return make


@pytest.fixture
def mel_wave(tones, mel, tmp_path):
    def make(corpus=tones, **options):
        options = {"batch_size": 2, "segment_length": 2048, **options}
        module = MelWaveDataModule(corpus, mel, tmp_path / "cache", **options)
        module.prepare_data()
        module.setup("fit")
        return module

    return make


def tensors(*batches):
    return zip(*([x for x in batch if torch.is_tensor(x)] for batch in batches), strict=True)


def names(loader):
    return sorted(name for batch in loader for name in batch.names)


def part(corpus, name):
    return sorted(utterance.id for utterance in corpus.split()[name])


@pytest.mark.parametrize("num_workers", [0, 2])
def test_text_and_mels_come_in_batches(text_mel, tones, mel, num_workers):
    module = text_mel(num_workers=num_workers)
    batch = next(iter(module.train_dataloader()))
    assert batch.text.shape == (2, batch.text_lengths.max())
    assert batch.mel.shape == (2, mel.n_mels, batch.mel_lengths.max())
    texts = {utterance.id: utterance.text for utterance in tones.utterances()}
    length = batch.text_lengths[0]
    text = module.tokenizer.decode(batch.text[0, :length].tolist())
    assert text == texts[batch.names[0]].lower()


@pytest.mark.parametrize("num_workers", [0, 2])
def test_segments_come_in_batches(mel_wave, mel, num_workers):
    batch = next(iter(mel_wave(num_workers=num_workers).train_dataloader()))
    assert batch.wave.shape == (2, 2048)
    assert batch.mel.shape == (2, mel.n_mels, mel.n_frames(2048))


@pytest.mark.parametrize("fixture", ["text_mel", "mel_wave"])
def test_validation_has_every_utterance_once(fixture, request, tones):
    module = request.getfixturevalue(fixture)(val_batch_size=1)
    assert names(module.val_dataloader()) == part(tones, "val")


@pytest.mark.parametrize("fixture", ["text_mel", "mel_wave"])
def test_training_has_every_utterance(fixture, request, tones):
    module = request.getfixturevalue(fixture)()
    assert sorted(set(names(module.train_dataloader()))) == part(tones, "train")


@pytest.mark.parametrize("fixture", ["text_mel", "mel_wave"])
def test_workers_change_nothing(fixture, request):
    make = request.getfixturevalue(fixture)
    alone, helped = (make(num_workers=n).train_dataloader() for n in (0, 2))
    for epoch in range(2):
        for loader in (alone, helped):
            loader.batch_sampler.sampler.set_epoch(epoch)
        for one, other in zip(alone, helped, strict=True):
            assert one.names == other.names
            assert all(torch.equal(a, b) for a, b in tensors(one, other))


def test_segments_are_new_each_epoch(mel_wave):
    loader = mel_wave(num_workers=1, batch_size=8).train_dataloader()
    waves = []
    for epoch in range(2):
        loader.batch_sampler.sampler.set_epoch(epoch)
        waves.append(
            {n: w for batch in loader for n, w in zip(batch.names, batch.wave, strict=True)}
        )
    assert any(not torch.equal(waves[0][name], waves[1][name]) for name in waves[0])


def test_passes_over_a_loader_leave_the_global_generator_alone(text_mel):
    loader = text_mel().train_dataloader()
    before = torch.get_rng_state()
    list(loader)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("fixture", ["text_mel", "mel_wave"])
def test_each_rank_has_its_share(fixture, request, tones):
    make = request.getfixturevalue(fixture)
    alone = [sorted(batch.names) for batch in make(batch_size=4).train_dataloader()]
    shares = []
    for rank in range(2):
        module = make(batch_size=2)
        module.trainer = SimpleNamespace(
            global_rank=rank,
            world_size=2,
            overfit_batches=0,
            strategy=SimpleNamespace(root_device=torch.device("cpu")),
        )
        shares.append([batch.names for batch in module.train_dataloader()])
    assert [sorted(one + other) for one, other in zip(*shares, strict=True)] == alone


def test_mels_are_computed_once(text_mel, monkeypatch):
    text_mel()
    monkeypatch.setattr(extract, "compute_mel", lambda *_: pytest.fail("computed again"))
    text_mel()


def test_setup_is_done_once(text_mel):
    module = text_mel()
    datasets = module._datasets
    module.setup("test")
    assert module._datasets is datasets


def test_nothing_to_test_on_is_an_empty_list(text_mel, caplog):
    assert text_mel().test_dataloader() == []
    assert "no utterances for 'test'" in caplog.text


def test_length_limits_concern_training_only(text_mel, tones, caplog):
    caplog.set_level(logging.INFO)
    prepared = text_mel()._prepared
    longest = prepared.seconds(prepared.part("train")).max()
    module = text_mel(max_seconds=longest - 0.01)
    assert 0 < len(set(names(module.train_dataloader()))) < len(part(tones, "train"))
    assert names(module.val_dataloader()) == part(tones, "val")
    assert "too short or too long" in caplog.text


def test_limits_that_leave_nothing_are_refused(text_mel):
    with pytest.raises(InputError, match=r"min_seconds=99, data\.max_seconds=None: none of"):
        text_mel(min_seconds=99)


@pytest.mark.parametrize("fixture", ["text_mel", "mel_wave"])
def test_another_rate_is_refused(fixture, request, write_corpus):
    corpus = LJSpeech(write_corpus(rate=16000))
    with pytest.raises(InputError, match="16000 Hz, expected 22050 Hz"):
        request.getfixturevalue(fixture)(corpus)


@pytest.mark.parametrize("fixture", ["text_mel", "mel_wave"])
def test_another_rate_is_resampled_by_choice(fixture, request, write_corpus, caplog):
    corpus = LJSpeech(write_corpus(rate=16000))
    module = request.getfixturevalue(fixture)(corpus, resample=True)
    assert len(list(module.train_dataloader())) == 2
    messages = [r.message for r in caplog.records if "resampling" in r.message]
    assert messages == ["resampling to 22050 Hz: 4 of 4 recordings (4 at 16000 Hz)"]


@pytest.mark.parametrize("fixture", ["text_mel", "mel_wave"])
def test_by_choice_training_leaves_damaged_recordings_out(fixture, request, write_corpus, caplog):
    root = write_corpus("abcdefgh")
    (root / "wavs" / "c.wav").write_bytes(b"not sound")
    module = request.getfixturevalue(fixture)(LJSpeech(root), on_error="skip")
    loaders = module.train_dataloader(), module.val_dataloader()
    used = {name for loader in loaders for name in names(loader)}
    assert used == set("abdefgh")
    messages = [r.message for r in caplog.records if "left out" in r.message]
    assert len(messages) == 1
    assert messages[0].startswith("left out, 1 of 8 that cannot be read: metadata.csv:3:")


def test_batches_of_frames_keep_to_the_budget(text_mel, caplog):
    caplog.set_level(logging.INFO)
    module = text_mel(batch_size=None, frames_per_batch=400)
    sizes = [batch.mel.shape[0] * batch.mel.shape[2] for batch in module.train_dataloader()]
    assert max(sizes) <= 400
    assert "of up to 400 frames in an epoch" in caplog.text
    assert sum(len(batch.names) for batch in module.val_dataloader()) == 2


def test_an_utterance_beyond_the_budget_is_named(text_mel, write_corpus):
    module = text_mel(LJSpeech(write_corpus("ab", folder="two")), frames_per_batch=20)
    with pytest.raises(InputError, match=r"^[ab] has \d+ frames, more than data\.frames_per_batch"):
        module.train_dataloader()


def test_segments_have_no_budget_of_frames(mel_wave, caplog):
    module = mel_wave(frames_per_batch=400)
    assert "frames_per_batch does not apply to segments" in caplog.text
    assert len(next(iter(module.train_dataloader())).names) == 2
    with pytest.raises(InputError, match=r"data\.batch_size=null"):
        mel_wave(batch_size=None, frames_per_batch=400)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": None}, "set data.frames_per_batch"),
        ({"on_error": "x"}, "data.on_error=x: it must be one of raise, skip"),
    ],
)
def test_impossible_options_are_refused(options, message, text_mel):
    with pytest.raises(InputError, match=message):
        text_mel(**options)


def with_texts(root, *texts):
    rows = [f"{name}|{text}" for name, text in zip("abcd", texts, strict=True)]
    (root / "metadata.csv").write_text("\n".join(rows), encoding="utf-8")
    return LJSpeech(root)


def test_unknown_characters_are_reported_in_one_line(text_mel, write_corpus, caplog):
    texts = ("fine", "50% of it", "a @ b % c", "fine")
    text_mel(with_texts(write_corpus(), *texts), Tokenizer(cleaner="basic_cleaners"))
    reports = [r.message for r in caplog.records if "symbol table" in r.message]
    assert len(reports) == 1
    assert "'%' x2" in reports[0]
    assert "'@' x1" in reports[0]
    assert "first in metadata.csv:2" in reports[0]


def test_unknown_characters_can_be_refused(text_mel, write_corpus):
    corpus = with_texts(write_corpus(), "fine", "a @ b", "fine", "fine")
    with pytest.raises(InputError, match=r"'@' x1; first in metadata\.csv:2") as error:
        text_mel(corpus, Tokenizer(cleaner="basic_cleaners", on_unknown="raise"))
    assert "\n" not in str(error.value)


def test_unknown_characters_can_be_ignored(text_mel, write_corpus, caplog):
    corpus = with_texts(write_corpus(), "fine", "a @ b", "fine", "fine")
    text_mel(corpus, Tokenizer(cleaner="basic_cleaners", on_unknown="ignore"))
    assert "symbol table" not in caplog.text


def test_an_unknown_phone_is_refused(text_mel, write_corpus):
    corpus = with_texts(write_corpus(), "fine", "say {QQ}", "fine", "fine")
    with pytest.raises(InputError, match=r"'\{QQ\}' x1; first in metadata\.csv:2"):
        text_mel(corpus)


def test_text_that_cannot_be_pronounced_names_its_row(text_mel, write_corpus):
    corpus = with_texts(write_corpus(), "fine", "fine", "!?", "fine")
    with pytest.raises(InputError, match=r"metadata\.csv:3: .*nothing in it can be pronounced"):
        text_mel(corpus)


def test_a_segment_too_short_for_a_frame_is_refused(mel_wave):
    with pytest.raises(InputError, match=r"segment_length=100: must be at least"):
        mel_wave(segment_length=100)


class Recorder(LightningModule):
    """Keeps the utterances of every training step."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.epochs: list[list[tuple[str, ...]]] = []

    def on_train_epoch_start(self) -> None:
        self.epochs.append([])

    def training_step(self, batch, _):
        self.epochs[-1].append(batch.names)
        return self.weight.sum()

    def validation_step(self, batch, _):
        assert batch.mel.isfinite().all()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def quietly(test):
    """Ignore advice of Lightning, and its use of what torch 2.13 deprecates."""
    for message in ("does not have many workers", "treespec, LeafSpec", "across ranks is zero"):
        test = pytest.mark.filterwarnings(f"ignore:.*{message}")(test)
    return test


@pytest.fixture
def fit(tmp_path):
    def fit(module, **options):
        recorder = Recorder()
        quiet = ("logger", "enable_progress_bar", "enable_model_summary", "enable_checkpointing")
        trainer = Trainer(
            accelerator="cpu",
            devices=1,
            max_epochs=3,
            use_distributed_sampler=False,
            default_root_dir=tmp_path,
            **dict.fromkeys(quiet, False),
            **options,
        )
        trainer.fit(recorder, datamodule=module)
        return recorder.epochs

    return fit


@quietly
def test_the_trainer_shuffles_each_epoch(text_mel, fit, tones):
    epochs = fit(text_mel())
    assert len({tuple(epoch) for epoch in epochs}) == 3
    steps = math.ceil(len(part(tones, "train")) / 2)
    assert [len(epoch) for epoch in epochs] == [steps] * 3


@quietly
def test_the_trainer_goes_without_validation(write_corpus, text_mel, fit):
    corpus = LJSpeech(write_corpus(), val_fraction=0)
    assert len(fit(text_mel(corpus))) == 3


@quietly
def test_the_trainer_can_overfit_one_batch(text_mel, fit):
    epochs = fit(text_mel(), overfit_batches=1)
    assert len(epochs) == 3
    assert epochs == [epochs[0]] * 3
