import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from tts.config.overrides import quote_values

TEXTS = [
    "hello world, I missed you so much",
    'He said: "no".',
    '"Hello" he said "bye"',
    "it's 5% (really) {HH AH0}",
    "[1, 2]",
    "123",
    "null",
    " leading space",
    "two\nlines",
    "é ü …",
    "a=b # c",
    "${interpolation}",
    "\\${escaped}",
    "backslash \\",
    '\\"',
    "a\\b",
]


def as_hydra_reads(argument):
    override = OverridesParser.create().parse_override(argument)
    assert not override.is_sweep_override()
    return OmegaConf.create({"value": override.value()}).value


@pytest.mark.parametrize("text", TEXTS)
def test_text_arrives_as_it_was_typed(text):
    (argument,) = quote_values([f"text={text}"])
    assert as_hydra_reads(argument) == text


@pytest.mark.parametrize("key", ["acoustic", "ckpt_path", "data.root"])
@pytest.mark.parametrize("path", ["runs/epoch=1-step=16.ckpt", "my (old) model.ckpt", "a'b.ckpt"])
def test_path_arrives_as_it_was_typed(key, path):
    (argument,) = quote_values([f"{key}={path}"])
    assert as_hydra_reads(argument) == path


@pytest.mark.parametrize(
    "argument",
    [
        'text="hello, you"',
        "text='hello, you'",
        "acoustic=a.ckpt,b.ckpt",
        "model.optimizer.lr=1e-3,5e-4",
        "trainer.devices=[0,1]",
        "text=",
        "--cfg",
        "-m",
        "~logger",
    ],
)
def test_everything_else_stays_as_it_is(argument):
    assert quote_values([argument]) == [argument]
