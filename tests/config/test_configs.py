"""Every option of every group is composed and built; every experiment takes a step."""

import inspect
from dataclasses import asdict

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from tests.support.paths import REPO
from tests.support.runs import TONES
from tts.audio import MelConfig, Output
from tts.audio.processing import Processing
from tts.callbacks import EMA, DeterminantGuard, DiagonalGuard, DivergenceGuard
from tts.config import compose, conf_dir, flattened, resolved
from tts.config.schema import check_training
from tts.inference import Options
from tts.models import Tacotron2, Tacotron2Config, WaveGlow, WaveGlowConfig
from tts.training import Tacotron2LossOptions, WaveGlowLossOptions

CONF = conf_dir()
# options that start with _ are parts of others
OPTIONS = sorted(
    str(path.relative_to(CONF).with_suffix(""))
    for path in CONF.rglob("*/*.yaml")
    if not path.name.startswith("_") and "hydra" not in path.parts
)
EXPERIMENTS = [option for option in OPTIONS if option.startswith("experiment/")]
# groups that others choose, and that are not typed on the command line
CHOSEN_BY_OTHERS = ("loss",)
NEEDED = {
    "data/csv": ["data.file=table.csv"],
    "data/filelist": ["data.train=train.txt"],
    "data/joined": [
        "data.n_speakers=1",
        "data.parts={a:{_target_:tts.data.LJSpeech,root:somewhere}}",
    ],
    "data/huggingface": ["data.source=somebody/speech"],
    "data/webdataset": ["data.source=shards"],
    "scheduler/warmup_cosine": ["trainer.max_steps=2000"],
}
ROOT = "data.root=somewhere"


def overrides_for(option):
    group, name = option.rsplit("/", 1)
    if group in CHOSEN_BY_OTHERS:
        return [f"model={name}", ROOT]
    prefix = "+" if group == "local" else ""
    return [f"{prefix}{group}={name}", ROOT, *NEEDED.get(option, [])]


@pytest.mark.slow
@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_is_composed_and_built(option, tmp_path):
    # the networks at a size that is built in no time, the rest as it is
    small = [f"paths.output_dir={tmp_path}", f"paths.data_dir={tmp_path}/data"]
    cfg = compose([*overrides_for(option), *small])
    config = resolved(cfg)
    for node in (config["audio"], config["tokenizer"], config["loss"], config["data"]["corpus"]):
        instantiate(node, _convert_="all")
    for group in ("callbacks", "logger"):
        for node in config[group].values():
            instantiate(node, _convert_="all")
    if option.startswith("model/") or option.startswith("experiment/"):
        network = instantiate(config["model"]["network"], _convert_="all")
        assert isinstance(network, (Tacotron2, WaveGlow))
    else:
        import torch

        parameters = [torch.nn.Parameter(torch.zeros(1))]
        optimizer = instantiate(config["model"]["optimizer"], _convert_="all")(iter(parameters))
        if config["model"]["scheduler"]:
            instantiate(config["model"]["scheduler"], _convert_="all")(optimizer)


def test_there_are_options_to_test():
    assert len(OPTIONS) > 20
    assert len(EXPERIMENTS) >= 1


@pytest.mark.parametrize("option", EXPERIMENTS)
def test_experiments_are_short(option):
    lines = (CONF / f"{option}.yaml").read_text().splitlines()
    assert len([line for line in lines if line.strip() and "#" not in line]) <= 45


@pytest.mark.parametrize("symbols", ["english_148", "[_,a,b]"])
def test_vocabulary_size_follows_the_symbols(symbols):
    config = resolved(compose([f"tokenizer.symbols={symbols}", ROOT]))
    tokenizer = instantiate(config["tokenizer"])
    assert config["model"]["network"]["n_symbols"] == len(tokenizer.symbols)


@pytest.mark.parametrize("model", ["tacotron2_compact", "waveglow_compact"])
def test_the_preset_for_laptops_changes_what_surrounds_the_steps_and_nothing_else(model):
    chosen = [f"model={model}", *TONES[:2]]
    plain, laptop = (
        flattened(resolved(compose([*chosen, *more]))) for more in ([], ["hardware=laptop"])
    )
    check_training(resolved(compose([*chosen, "hardware=laptop"])))
    assert {key: laptop[key] for key in laptop if laptop[key] != plain[key]} == {
        "trainer.num_sanity_val_steps": 0,
        "trainer.check_val_every_n_epoch": 2,
        "data.num_workers": 1,
        "model.datamodule.num_workers": 1,
        "callbacks.samples.every_n_validations": 5,
        "callbacks.samples.n_samples": 1,
    }
    assert laptop.keys() == plain.keys()


def test_a_choice_of_ones_own_comes_before_the_preset_for_laptops():
    laptop = [*TONES[:2], "hardware=laptop"]
    assert compose([*laptop, "callbacks=none"]).callbacks == {}
    assert compose([*laptop, "callbacks=ema"]).callbacks.samples.n_samples == 2
    assert compose([*laptop, "debug=default"]).callbacks == {}
    assert compose([*laptop, "data.num_workers=0"]).data.num_workers == 0
    assert compose([*laptop, "experiment=demo"]).trainer.check_val_every_n_epoch == 14


def test_the_mel_contract_is_stated_once():
    config = resolved(compose([ROOT, "model=waveglow", "audio.hop_length=128"]))
    assert config["model"]["network"]["hop_length"] == 128
    assert config["model"]["datamodule"]["mel"]["hop_length"] == 128


@pytest.mark.parametrize(
    ("key", "owner", "overrides"),
    [
        ("model.network", Tacotron2Config, []),
        ("model.network", WaveGlowConfig, ["model=waveglow"]),
        ("audio", MelConfig, []),
        ("loss", Tacotron2LossOptions, []),
        ("loss", WaveGlowLossOptions, ["model=waveglow"]),
        ("model.datamodule.processing", Processing, []),
        ("callbacks.guard", DivergenceGuard, []),
        ("callbacks.diagonal", DiagonalGuard, []),
        ("callbacks.determinant", DeterminantGuard, []),
        ("callbacks.ema", EMA, ["callbacks=ema"]),
    ],
)
def test_conf_repeats_no_other_default_than_that_of_the_class(key, owner, overrides):
    section = OmegaConf.select(compose([*overrides, ROOT]), key)
    shown = {name: value for name, value in section.items() if name != "_target_"}
    parameters = inspect.signature(owner).parameters
    assert shown == {name: parameters[name].default for name in shown}


def test_conf_shows_the_defaults_of_speech():
    config = resolved(compose([], "synthesize"))
    options, output = asdict(Options()), asdict(Output())
    assert config["pauses"] == options.pop("pauses")
    assert {name: config[name] for name in options} == options
    # files have a margin that samples in memory do not need
    assert {name: config[name] for name in output} == {**output, "margin": 0.1}


def test_conf_is_found_in_the_checkout():
    assert REPO / "conf" == CONF


def test_a_trainer_file_of_ones_own_comes_before_what_the_network_sets(tmp_path):
    (tmp_path / "trainer").mkdir()
    (tmp_path / "trainer" / "mine.yaml").write_text(
        "defaults: [default]\nmax_epochs: 7\ngradient_clip_val: 0.5\n"
    )
    search = f"hydra.searchpath=[file://{tmp_path}]"
    for model in ("tacotron2", "waveglow", "waveglow_compact"):
        trainer = compose([search, "trainer=mine", f"model={model}", "data.root=x"]).trainer
        assert (trainer.max_epochs, trainer.gradient_clip_val) == (7, 0.5)
