"""The statistics are those of the samples that a training reads, and become options for it."""

import sys
from collections import Counter

import matplotlib.image
import numpy as np
import pytest
import torch
import yaml
from omegaconf import OmegaConf

from tests.support.faulty_corpus import (
    N_CLIPS,
    RATE,
    be_brief,
    no_sound,
    other_rate,
    silence,
    silence_all,
    text_of,
    two_channels,
    whisper,
)
from tts.audio import LogMel, MelConfig, read_wave
from tts.commands import stats
from tts.commands.prepare import prepare_corpus
from tts.commands.stats import measure
from tts.config import compose, resolved
from tts.core.errors import InputError
from tts.data.stats import statistics as sums
from tts.data.stats.advice import pitch_range
from tts.text import Tokenizer


@pytest.fixture(scope="module")
def composed():
    """Return a configuration of each model, which takes time to compose."""
    return {m: compose(["data=ljspeech", f"model={m}"], "stats") for m in ("tacotron2", "waveglow")}


@pytest.fixture
def measured(composed, tmp_path, monkeypatch, capsys):
    """Return a function that gives the exit status, what was printed, and the statistics."""
    kept, measure_corpus = [], sums.measure_corpus

    def keep(*arguments):
        kept.append(measure_corpus(*arguments))
        return kept[-1]

    monkeypatch.setattr(sums, "measure_corpus", keep)

    def run(root, *options, model="tacotron2"):
        config = composed[model].copy()
        paths = [f"data.root={root}", f"paths.data_dir={tmp_path}/data", "output=null"]
        for option in [*paths, "pitch_clips=0", *options]:
            key, value = option.split("=")
            OmegaConf.update(config, key, yaml.safe_load(value))
        status = measure(resolved(config))
        return status, capsys.readouterr().out, kept[-1]

    return run


def test_the_figures_are_those_of_the_recordings(healthy, measured):
    status, printed, statistics = measured(healthy, "pitch_clips=2")
    log_mel = LogMel(MelConfig())
    waves = [torch.from_numpy(read_wave(path)[0]) for path in sorted(healthy.glob("wavs/*.wav"))]
    mels = torch.cat([log_mel(wave)[0] for wave in waves], 1).double()
    assert status == 0
    assert statistics.n_utterances == N_CLIPS
    assert statistics.hours * 3600 == pytest.approx(sum(map(len, waves)) / RATE)
    assert statistics.mel_mean == pytest.approx(float(mels.mean()))
    assert statistics.mel_std == pytest.approx(float(mels.std(correction=0)))
    assert statistics.band_means == pytest.approx(mels.mean(1).numpy())
    # the artificial voice speaks fifteen characters in a second, at 100 to 140 Hz
    assert np.median(statistics.paces) == pytest.approx(15, rel=0.1)
    assert 100 < np.median(statistics.pitch) < 140
    assert f"{N_CLIPS} utterances" in printed
    assert "left out" not in printed


def test_the_options_can_be_pasted(healthy, measured):
    _, printed, statistics = measured(healthy, "pitch_clips=2")
    (pasted,) = [line.split() for line in printed.splitlines() if "  model.network" in line]
    network = compose([*pasted, "data.root=x", "model.network.pitch_bins=8"]).model.network
    assert network.mel_mean == round(statistics.mel_mean, 2)
    assert network.mel_std == round(statistics.mel_std, 2)
    assert (network.pitch_low, network.pitch_high) == pitch_range(statistics)
    assert network.pitch_low <= statistics.pitch.min() * 1.1
    assert network.pitch_high >= statistics.pitch.max() / 1.1


def test_symbols_are_counted_as_they_are_read(healthy, measured):
    _, printed, statistics = measured(healthy)
    config = resolved(compose(["data.root=x"]))["tokenizer"]
    tokenizer = Tokenizer(**{key: config[key] for key in ("symbols", "cleaner", "p_arpabet")})
    wanted = Counter(i for n in range(N_CLIPS) for i in tokenizer.encode(text_of(n)))
    assert {symbol: n for symbol, n in statistics.symbols.items() if n} == {
        tokenizer.symbols[i]: n for i, n in wanted.items()
    }
    assert f"{len(wanted)} of {len(tokenizer.symbols) - 1} are used" in printed


def test_a_vocoder_has_neither_symbols_nor_the_options_of_tacotron2(healthy, measured):
    status, printed, statistics = measured(healthy, model="waveglow")
    assert status == 0
    assert not statistics.symbols
    assert "speaking rate" not in printed
    assert "model.network" not in printed


def test_pitch_is_not_measured_unless_asked_for(healthy, measured):
    _, printed, statistics = measured(healthy)
    assert "not measured" in printed
    assert pitch_range(statistics) is None
    assert "pitch_low" not in printed


def all_with_silence(corpus):
    for name in corpus.rows:
        corpus.change(name, lambda samples: np.concatenate([samples, silence(0.8)]))


@pytest.mark.parametrize(
    ("plant", "option"),
    [
        (all_with_silence, "data.trim_db=40"),
        (other_rate, "data.resample=true"),
        (two_channels, "data.mono=mix"),
    ],
)
def test_what_the_recordings_need_is_among_the_options(plant, option, corpus, measured):
    plain = measured(corpus.root)[1]
    assert option not in plain
    plant(corpus)
    assert option in measured(corpus.root)[1]
    assert option not in measured(corpus.root, option)[1]


def test_the_samples_are_those_of_the_training(corpus, measured):
    before = measured(corpus.root)[2]
    all_with_silence(corpus)
    padded = measured(corpus.root)[2]
    trim = ["data.trim_db=40", "data.lead_seconds=0", "data.tail_seconds=0"]
    trimmed = measured(corpus.root, *trim)[2]
    assert padded.mel_mean < before.mel_mean - 0.3
    assert trimmed.mel_mean == pytest.approx(before.mel_mean, abs=0.1)


@pytest.mark.parametrize("plant", [no_sound, silence_all, be_brief])
def test_what_cannot_be_used_is_left_out_and_counted(plant, corpus, measured):
    plant(corpus)
    options = ["data.min_seconds=0.7"] if plant is be_brief else []
    status, printed, statistics = measured(corpus.root, *options)
    assert (status, statistics.left_out, statistics.n_utterances) == (1, 1, N_CLIPS - 1)
    assert "1 left out" in printed
    assert "tts.data.doctor" in printed


def test_a_row_without_a_text_is_left_out(corpus, measured):
    corpus.say("clip-03", "")
    assert measured(corpus.root)[2].left_out == 1


def test_nothing_to_measure_is_one_line(corpus, measured):
    for name in corpus.rows:
        corpus.wav(name).write_bytes(b"no sound")
    with pytest.raises(InputError, match=r"none of 24 recordings can be used .*doctor"):
        measured(corpus.root)


def test_a_prepared_folder_is_refused(healthy, tmp_path):
    folder = tmp_path / "prepared"
    paths = [f"paths.data_dir={tmp_path}/data", f"data.prepared={folder}", "data.num_workers=0"]
    assert prepare_corpus(resolved(compose([f"data.root={healthy}", *paths]))) == 0
    config = compose(["data=prepared", f"data.root={folder}", *paths[:1], "output=null"], "stats")
    with pytest.raises(InputError, match="has no recordings to listen to; name the corpus"):
        measure(resolved(config))


def test_a_level_is_a_median(corpus, measured):
    before = np.sort(measured(corpus.root)[2].levels)
    whisper(corpus)
    after = measured(corpus.root)[2].levels
    assert np.median(after) == pytest.approx(np.median(before), abs=1)
    assert after.min() == pytest.approx(before[3] - 34, abs=3)


@pytest.mark.parametrize(
    ("option", "line"),
    [
        ("output=stats.jpg", "end the name in .png"),
        ("output=/proc/none/stats.png", "cannot be written"),
        ("silence_db=0", "silence_db=0: it must be"),
        ("pitch_clips=-1", "pitch_clips=-1: it must be"),
    ],
)
def test_mistakes_are_found_before_anything_is_heard(option, line, healthy, measured, monkeypatch):
    monkeypatch.setattr(sums, "measure_corpus", lambda *_: pytest.fail("heard"))
    with pytest.raises(InputError, match=line):
        measured(healthy, option)


def test_an_interruption_is_one_line(healthy, monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(sums, "measure_corpus", interrupt)
    monkeypatch.setattr(sys, "argv", ["stats", f"data.root={healthy}", "output=null"])
    with pytest.raises(SystemExit) as end:
        stats.main()
    assert end.value.code == 130
    assert capsys.readouterr().err.endswith("interrupted; nothing was written\n")


def test_the_picture_has_a_panel_for_each_figure(healthy, measured, tmp_path):
    picture = tmp_path / "made" / "stats.png"
    printed = measured(healthy, f"output={picture}", "pitch_clips=1")[1]
    assert f"see {picture}" in printed
    assert matplotlib.image.imread(picture).shape[1] > 1000
    small = tmp_path / "small.png"
    measured(healthy, f"output={small}", model="waveglow")
    assert matplotlib.image.imread(small).shape[0] < matplotlib.image.imread(picture).shape[0]


def test_a_sound_without_a_voice_has_no_pitch(corpus, measured):
    noise = np.random.default_rng(0)
    for name in corpus.rows:
        corpus.record(name, 0.1 * noise.standard_normal(RATE))
    _, printed, statistics = measured(corpus.root, "pitch_clips=1")
    assert statistics.voiced < 0.05
    assert not len(statistics.pitch) or "Hz" in printed


def test_help_names_the_options(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["stats", "--help"])
    stats.main()
    printed = capsys.readouterr().out
    assert "output=FILE.png" in printed
