"""A warm start has the network and the tokenizer of its file, unless the command says otherwise."""

import re
import shlex

import pytest
import torch
from hydra import initialize_config_dir

from tests.support.paths import REPO
from tests.support.recordings import write_recording
from tests.support.runs import CPU, QUIET, TONES
from tts.commands.pretrained import main as pretrained_command
from tts.config import compose, conf_dir, resolved
from tts.core.errors import InputError
from tts.pretrained import load, save
from tts.pretrained.importers.nvidia_names import to_nvidia_state_dict
from tts.pretrained.importers.tables import ENGLISH
from tts.text import Tokenizer
from tts.training.source_differences import source_differences
from tts.training.source_options import take_options
from tts.training.warm_start import warm_start

PAGE = (REPO / "docs" / "checkpoints.md").read_text()
CHOICES = {"model": "tacotron2_compact", "tokenizer": "english"}


def documented(source):
    """Return the arguments of the page's command that begins with a published checkpoint."""
    (command,) = re.findall(rf"^ +(python train\.py .*init_from={source} .*)$", PAGE, re.M)
    return shlex.split(command)[2:]


@pytest.fixture
def taken(caplog):
    """Return a function that composes a configuration, changes it, and returns it and the log."""

    def take(*overrides, **choices):
        config = compose(["model=tacotron2_compact", *overrides])
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            lines = take_options(config, list(overrides), CHOICES | choices)
        return config, lines, caplog.text

    return take


def test_network_and_reading_come_from_the_file(taken):
    config, lines, log = taken("init_from=voice_acoustic")
    description = load("voice_acoustic").description
    network = {k: v for k, v in config.model.network.items() if k not in ("_target_", "runner")}
    assert network == {k: description["network_config"][k] for k in network}
    assert (config.tokenizer.p_arpabet, config.tokenizer.symbols) == (0.85, "english_148")
    assert "n_frames_per_step 3 -> 2" in log
    assert "pitch_bins 0 -> 48" in log
    assert "texts are read as for the file: p_arpabet 0.0 -> 0.85" in log
    again = compose(["model=tacotron2_compact", "init_from=voice_acoustic", *lines])
    assert resolved_parts(again) == resolved_parts(config)


def resolved_parts(config):
    values = resolved(config)
    return values["model"]["network"], values["tokenizer"]


def test_what_the_user_sets_stays(taken):
    config, lines, _ = taken(
        "init_from=voice_acoustic", "model.network.n_frames_per_step=3", "tokenizer.p_arpabet=0.0"
    )
    assert config.model.network.n_frames_per_step == 3
    assert config.model.network.pitch_bins == 48
    assert config.tokenizer.p_arpabet == 0.0
    assert not [line for line in lines if "n_frames" in line or "p_arpabet" in line]


def test_a_chosen_tokenizer_stays(taken):
    config, _, _ = taken("init_from=voice_acoustic", "tokenizer=english")
    assert config.tokenizer.p_arpabet == 0.0
    config, _, _ = taken("init_from=voice_acoustic", "tokenizer=nvidia", tokenizer="nvidia")
    assert (config.tokenizer.cleaner, config.tokenizer.p_arpabet) == ("english_cleaners", 0.0)


def test_what_an_experiment_sets_stays(taken):
    config, lines, _ = taken(
        "experiment=voice_acoustic", "init_from=voice_acoustic", tokenizer="english_phonemes"
    )
    assert config.model.network.prenet_dropout == 0.25
    assert lines == []
    config, _, _ = taken("experiment=demo", "init_from=voice_acoustic")
    assert config.model.network.decoder_rnn_dim == 256
    assert config.model.network.pitch_bins == 48


def test_symbols_of_no_known_table_are_taken_one_by_one(taken, small_tacotron2, tmp_path):
    symbols = ["_", " ", "a", "'", '"', ",", "$", "{", "}", "\\", "ä"]
    network = type(small_tacotron2)(small_tacotron2.config, n_symbols=len(symbols))
    tokenizer = {"symbols": symbols, "cleaner": "unicode_cleaners"}
    save(network, tmp_path / "x", description={"tokenizer": tokenizer})
    config, lines, log = taken(f"init_from={tmp_path}/x")
    assert list(config.tokenizer.symbols) == symbols
    assert config.model.network.n_symbols == len(symbols)
    assert "symbols english_148 -> 11 symbols" in log
    again = compose(["model=tacotron2_compact", *lines])
    assert list(again.tokenizer.symbols) == symbols


def test_a_file_without_a_tokenizer_leaves_that_of_the_command(taken, small_tacotron2, tmp_path):
    save(small_tacotron2, tmp_path / "x")
    config, _, _ = taken(f"init_from={tmp_path}/x")
    assert (config.tokenizer.symbols, config.tokenizer.cleaner) == ("english_148", "english")
    assert config.model.network.decoder_rnn_dim == small_tacotron2.config.decoder_rnn_dim


def test_a_network_of_nvidias_code_is_trained_on_without_masks(taken, small_tacotron2, tmp_path):
    weights = to_nvidia_state_dict(small_tacotron2)
    torch.save({"iteration": 5, "state_dict": weights}, tmp_path / "x")
    config, lines, log = taken(f"init_from={tmp_path}/x", "model=tacotron2", model="tacotron2")
    assert config.model.network.mask_convolutions is False
    assert "++model.network.mask_convolutions=false" in lines
    assert "mask_convolutions true -> false" in log
    # speech is computed with masks, so that a batch sounds as each of its texts alone
    assert load(tmp_path / "x").config.mask_convolutions
    config, _, _ = taken(
        *(f"init_from={tmp_path}/x", "model=tacotron2", "model.network.mask_convolutions=true"),
        model="tacotron2",
    )
    assert config.model.network.mask_convolutions is True


def test_a_converted_network_keeps_the_masks_that_its_file_states(taken, small_tacotron2, tmp_path):
    for masks in (True, False):
        network = type(small_tacotron2)(small_tacotron2.config, mask_convolutions=masks)
        save(network, tmp_path / f"{masks}.pt")
        config, _, _ = taken(f"init_from={tmp_path}/{masks}.pt")
        assert config.model.network.mask_convolutions is masks


def test_nothing_is_said_of_masks_after_a_warm_start_from_nvidias_code(small_tacotron2, tmp_path):
    torch.save({"state_dict": to_nvidia_state_dict(small_tacotron2)}, tmp_path / "x")
    network = type(small_tacotron2)(small_tacotron2.config, mask_convolutions=False)
    report = warm_start(network, tmp_path / "x", symbols=ENGLISH)
    assert [line for line in source_differences(report, network, None) if "mask" in line] == []


def test_another_kind_of_network_is_one_line_that_names_the_model(taken):
    with pytest.raises(InputError, match=r"holds a WaveGlow, .* Tacotron2; add model=waveglow$"):
        taken("init_from=voice_vocoder")


def test_differences_that_remain_are_one_line_of_each_kind(small_tacotron2, tmp_path, caplog):
    told = {"tokenizer": {"symbols": list(ENGLISH), "cleaner": "english", "p_arpabet": 0.85}}
    theirs = type(small_tacotron2)(
        small_tacotron2.config, pitch_bins=4, n_frames_per_step=2, n_mels=40
    )
    save(theirs, tmp_path / "x", description=told)
    network = type(small_tacotron2)(
        small_tacotron2.config, n_frames_per_step=3, n_mels=40, postnet_embedding_dim=4, mel_std=2.0
    )
    report = warm_start(network, tmp_path / "x", symbols=ENGLISH)
    lines = list(source_differences(report, network, Tokenizer("english_148", "english")))
    kinds = [
        r"the network is another one: postnet_embedding_dim \d+ there, 4 here; mel_std 1.0 there",
        r"a decoder step predicts 2 frames there and 3 here",
        r"the pitch has 4 classes there and 0 here",
        r"texts are read in another way, .*: p_arpabet 0.85 there, 0.0 here",
        r"not initialised by the file: postnet\.convolutions$",
        r"left out, as this network has no such part: decoder\.pitch$",
    ]
    assert len(lines) == len(kinds)
    for line, kind in zip(lines, kinds, strict=True):
        assert re.match(kind, line), line


def test_nothing_is_said_where_nothing_differs(small_tacotron2, tmp_path):
    save(small_tacotron2, tmp_path / "x")
    report = warm_start(small_tacotron2, tmp_path / "x", symbols=ENGLISH)
    assert list(source_differences(report, small_tacotron2, None)) == []


def test_describe_prints_how_a_voice_reads_and_what_a_step_predicts(capsys):
    assert pretrained_command(["describe", "voice_acoustic"]) == 0
    out = capsys.readouterr().out
    assert "reading   cleaner=english p_arpabet=0.85 (85% of the words as phones)" in out
    assert "frames    2 in a decoder step (reduction factor)" in out
    assert "pitch     48 classes from 110 to 440 Hz" in out
    assert pretrained_command(["describe", "voice_vocoder"]) == 0
    assert "frames" not in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("source", ["voice_acoustic", "voice_vocoder"])
def test_the_documented_command_takes_over_every_weight(source, command, tmp_path):
    corpus = tmp_path / "MyVoice"
    for number in range(8):
        write_recording(corpus / "wavs" / f"clip{number}.wav", 1.2, 22050)
    rows = [f"clip{n}|This is sentence {n}.|This is sentence number {n}." for n in range(8)]
    (corpus / "metadata.csv").write_text("\n".join(rows) + "\n")
    arguments = [a.replace("/path/MyVoice", str(corpus)) for a in documented(source)]
    small = ["trainer.max_steps=2", "data.num_workers=0", "data.val_fraction=0.3", *CPU]
    small += (
        ["model.scheduler.warmup_steps=1", "model.lr=1e-5"] if source == "voice_vocoder" else []
    )
    folders = [f"paths.{name}_dir={tmp_path}/{name}" for name in ("data", "log", "cache")]
    status, out, err = command(
        "train", *arguments, *small, *QUIET, *folders, f"hydra.run.dir={tmp_path}/run"
    )
    assert status == 0, err
    table = [line for line in out.splitlines() if re.match(" +(skipped|initial) ", line)]
    assert table == []
    assert "not initialised" not in out
    theirs, ours = load(source), load(tmp_path / "run" / "checkpoints" / "last.ckpt")
    assert ours.config == theirs.config
    if source == "voice_acoustic":
        for name in ("symbols", "cleaner", "p_arpabet"):
            assert ours.description["tokenizer"][name] == theirs.description["tokenizer"][name]
    else:
        theirs.remove_weight_norm()
        ours.remove_weight_norm()
    trained = ours.state_dict()
    # two steps of Adam move no weight by much more than the rates of both
    for name, weight in theirs.state_dict().items():
        if weight.is_floating_point() and "running_" not in name:
            assert torch.allclose(trained[name], weight, atol=2e-3), name


@pytest.mark.slow
def test_a_run_resumes_with_what_it_took_over(command, tmp_path, small_tacotron2):
    save(small_tacotron2, tmp_path / "x")
    options = [*TONES, *CPU, *QUIET, "model=tacotron2_compact"]
    options += [f"paths.{name}_dir={tmp_path}/{name}" for name in ("data", "log")]
    options += [f"init_from={tmp_path}/x", "model.batch_size=4", f"hydra.run.dir={tmp_path}/run"]
    status, _, err = command("train", *options, "trainer.max_steps=1")
    assert status == 0, err
    (tmp_path / "x").unlink()
    status, out, err = command(
        "train", "ckpt_path=last", f"hydra.run.dir={tmp_path}/run", "trainer.max_steps=2"
    )
    assert status == 0, err
    assert "finished after 2 steps" in out
