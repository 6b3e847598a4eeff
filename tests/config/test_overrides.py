"""The value that arrives is the value that was typed; sweeps and lists stay as they are."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import example, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from tts.config import compose, resolved
from tts.config.files import register_resolvers
from tts.config.overrides import load_overrides, save_overrides
from tts.config.quoting import quote_values
from tts.core.errors import InputError

TEXTS = [
    "hello world, I missed you so much",
    'He said: "no".',
    '"Hello" he said "bye"',
    "it's 5% (really) {HH AH0}",
    "[1, 2]",
    "123",
    "null",
    "???",
    " leading space",
    "two\nlines",
    "é ü …",
    "a=b # c",
    "${interpolation}",
    "${paths.data_dir}",
    "\\${escaped}",
    "backslash \\",
    '\\"',
    "a\\b",
]
PATHS = [
    "~/LJSpeech-1.1",
    "/tmp/café",
    "Grüße.wav",
    "runs/epoch=1-step=16.ckpt",
    "my (old) model.ckpt",
    "a'b.ckpt",
    "a & b; #1.txt",
    "/a b,/c:d",
    "/tmp/${x}/corpus",
    "/tmp/${x",
    "???",
    "2024",
    "1e3",
    "true",
    " x ",
    "C:\\data\\",
    "a\\,b",
    "[x]",
    "{x: 1}",
    "привет/世界",
]
#: Keys of the present table of training, of classes of a corpus, and keys of the two recipes.
TRAINING_KEYS = {
    "data.root": ["data=csv"],
    "data.file": ["data=csv"],
    "data.wav_root": ["data=csv"],
    "data.train": ["data=filelist"],
    "data.source": ["data=webdataset"],
    "data.prepared": [],
    "init_from": [],
    "name": [],
    "acoustic": ["model=waveglow"],
    "callbacks.samples.vocoder": [],
}
SPEAKING_KEYS = ("text_file", "book", "lexicon", "acoustic", "vocoder", "output")


def arriving(key, typed, others=(), config_name="train"):
    """Return what a command gets for a key, without composing its whole configuration."""
    *_, argument = quote_values([*others, f"{key}={typed}"], config_name)
    override = OverridesParser.create().parse_override(argument)
    assert not override.is_sweep_override()
    config = OmegaConf.create({"value": override.value()})
    return OmegaConf.to_container(config, resolve=True, throw_on_missing=True)["value"]


def test_every_path_of_a_training_arrives_as_it_was_typed():
    register_resolvers()
    typed = [(key, path) for key in TRAINING_KEYS for path in PATHS]
    arrived = {pair: arriving(*pair, TRAINING_KEYS[pair[0]]) for pair in typed}
    assert arrived == {pair: pair[1] for pair in typed}


def test_every_text_and_path_of_speech_arrives_as_it_was_typed():
    register_resolvers()
    typed = [("text", text) for text in TEXTS]
    typed += [(key, path) for key in SPEAKING_KEYS for path in PATHS]
    typed += [("speaker", "Zoë"), ("speaker", "Anne-Marie; #2"), ("device", "cuda:0")]
    arrived = {pair: arriving(*pair, config_name="synthesize") for pair in typed}
    assert arrived == {pair: pair[1] for pair in typed}


WORDS = st.text(
    st.one_of(
        st.sampled_from("ab1 ,;:=#&$(){}[]'\"\\/~.?*|<>^`!%@-_é世\n\t"),
        st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
    ),
    min_size=1,
    max_size=12,
)


def _is_quoted(typed):
    return len(typed) > 1 and typed[0] == typed[-1] and typed[0] in "'\""


@settings(max_examples=150)
@given(key=st.sampled_from(("text", *SPEAKING_KEYS)), typed=WORDS)
@example(key="book", typed="a\\\\${b}")
@example(key="book", typed="${")
@example(key="text", typed='\\\\"')
def test_the_value_that_arrives_is_the_value_typed(key, typed):
    register_resolvers()
    # quotes of Hydra's own around the whole value are Hydra's, and null is null
    if _is_quoted(typed) or (typed.strip().lower() == "null" and key != "text"):
        return
    assert arriving(key, typed, config_name="synthesize") == typed


OTHERS = {
    'text="hello, you"': "synthesize",
    "text='hello, you'": "synthesize",
    "text=": "synthesize",
    "speaker=103": "synthesize",
    "bits=16": "synthesize",
    "output=null": "synthesize",
    "trainer.devices=[0,1]": "train",
    "trainer.devices=2": "train",
    "trainer.gpus=2": "train",
    "model.optimizer.lr=1e-3": "train",
    "freeze=[encoder,decoder.gate]": "train",
    "data.root=${paths.data_dir}/x": "train",
    "data.root=${oc.env:HOME}/x": "train",
    "data.columns.text=2": "train",
    "data.parts={a: {root: x}}": "train",
    "init_from=null": "train",
    "model.lr=choice(1,2)": "train",
    "no.such.key=a,b": "train",
    "--cfg": "train",
    "-m": "train",
    "~logger": "train",
    "+trainer.fast_dev_run=true": "train",
}


def test_everything_else_stays_as_it_is():
    kept = {argument: quote_values([argument], name) for argument, name in OTHERS.items()}
    assert kept == {argument: [argument] for argument in OTHERS}


SWEEPS = {
    "acoustic=a.ckpt,b.ckpt": None,
    "model.optimizer.lr=1e-3,5e-4": None,
    "model.lr=tag(log,interval(1e-4,1e-2))": None,
    "model.batch_size=range(4,13,4)": None,
    "experiment=glob(*,exclude=voice*)": None,
    'data.root="/a b","/c:d"': None,
    "data.root=/é,/b": 'data.root="/é",/b',
    "data.root=~/a, ~/b": 'data.root="~/a","~/b"',
    "data.root=choice(/é,b)": 'data.root=choice("/é",b)',
    "data.root=~/a": 'data.root="~/a"',
    "init_from=a=1.ckpt,b=2.ckpt": 'init_from="a=1.ckpt","b=2.ckpt"',
    "freeze=[é],[encoder,ü]": 'freeze=["é"],[encoder,"ü"]',
}


def test_a_sweep_stays_a_sweep():
    quoted = {typed: quote_values([typed], multirun=True) for typed in SWEEPS}
    assert quoted == {typed: [wanted or typed] for typed, wanted in SWEEPS.items()}


def test_elements_of_lists_arrive_as_they_were_typed():
    symbols = '[_," ",ж,я,#,;,(]'
    tokenizer = ["tokenizer.cleaner=basic_cleaners", f"tokenizer.symbols={symbols}"]
    config = resolved(compose([*tokenizer, "data=folder", "data.only_speakers=[Zoë,103]"]))
    assert config["tokenizer"]["symbols"] == ["_", " ", "ж", "я", "#", ";", "("]
    assert config["data"]["only_speakers"] == ["Zoë", 103]
    config = resolved(compose(["data=csv", "data.file=x", "data.delimiter=;"]))
    assert config["data"]["delimiter"] == ";"


def test_an_interpolation_of_a_key_is_replaced_and_other_dollars_are_text(monkeypatch):
    monkeypatch.setenv("CORPORA", "/corpora")
    paths = {"data.root": "${oc.env:CORPORA}/é", "data.prepared": "${paths.data_dir}/${x}"}
    config = resolved(compose(["data=folder", *(f"{key}={path}" for key, path in paths.items())]))
    assert config["data"]["root"] == "/corpora/é"
    assert config["data"]["prepared"] == f"{config['paths']['data_dir']}/${{x}}"


def test_a_tilde_is_the_home_folder_in_paths_and_a_tilde_in_texts(monkeypatch):
    monkeypatch.setenv("HOME", "/home/zoë")
    config = resolved(compose(["data.root=~/LJSpeech-1.1", "epilogue=~/ bye", "name=~x"]))
    assert config["data"]["corpus"]["root"] == "/home/zoë/LJSpeech-1.1"
    assert (config["epilogue"], config["name"]) == ("~/ bye", "~x")


def test_options_of_a_run_are_kept_and_renamed(tmp_path):
    save_overrides(tmp_path, quote_values(["data.root=/é", "init_from=a=1.ckpt", "seed=2"]))
    loaded = load_overrides(tmp_path, ["seed=3"])
    assert loaded == ['data.root="/é"', 'init_from="a=1.ckpt"', "seed=3"]


def test_a_text_for_a_number_is_refused_by_what_the_number_may_be():
    from tts.config.schema import check_training

    config = resolved(compose(["data=synthetic", "model.optimizer.lr=1e-3;"]))
    with pytest.raises(
        InputError, match=r"model.optimizer.lr=1e-3;: it must be a number from 0 to"
    ):
        check_training(config)
