"""Shows how a text will be read, in Python and by the command."""

import pytest

from tts.commands.text import main
from tts.text import Tokenizer
from tts.text.preview import preview

TEXT = "Dr. Smith paid £5 & 😀"


def test_preview_of_letters():
    result = preview(TEXT, Tokenizer(cleaner="english"))
    assert result.cleaned == "doctor smith paid five pounds and"
    assert result.symbols[:3] == ("d", "o", "c")
    assert result.unknown == {"😀": 1}


def test_preview_logs_nothing(caplog):
    preview(TEXT, Tokenizer())
    assert caplog.messages == []


def test_preview_of_phones():
    pytest.importorskip("hibari")
    result = preview("Dr. {B}, no", Tokenizer(cleaner="english", p_arpabet=1))
    assert result.cleaned == "doctor {B}, no"
    assert result.words == (("doctor", "D AA1 K T ER0"), ("no", "N OW1"))
    assert result.symbols == ("@D", "@AA1", "@K", "@T", "@ER0", " ", "@B", ",", " ", "@N", "@OW1")


def test_preview_of_an_empty_text():
    assert preview("", Tokenizer()).symbols == ()


def test_command_prints_words_symbols_and_losses(capsys):
    assert main([TEXT, "tokenizer=english"]) == 0
    printed = capsys.readouterr().out
    assert "read as  doctor smith paid five pounds and\n" in printed
    assert "symbols  33: d o c t o r" in printed
    assert "left out '😀' x1" in printed


def test_equals_sign_in_a_text_is_no_override(capsys):
    assert main(["a = b", "tokenizer.cleaner=basic_cleaners"]) == 0
    assert "read as  a  b" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a", "tokenizer=klingon"], "klingon"),
        (["a", "tokenizer.cleaner=french"], "cleaner 'french' does not exist"),
        (["a", "tokenizer.p_arpabet=2"], "it must be between 0 and 1"),
        (["a", "tokenizer.colour=red"], "colour"),
    ],
)
def test_mistake_is_one_line(arguments, message, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_without_a_text_the_usage_is_printed(capsys):
    assert main([]) == 2
    assert "python -m tts.text" in capsys.readouterr().out


@pytest.mark.parametrize("option", ["english", "english_phonemes", "nvidia", "ipa", "korean"])
def test_every_option_composes_and_builds(option):
    from hydra.utils import instantiate

    from tts.config import compose

    config = compose([f"tokenizer={option}"])
    assert instantiate(config.tokenizer).n_symbols == config.model.network.n_symbols
