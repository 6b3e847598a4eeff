"""The table of languages is that of the docs; what is wrong or unmeasured is said at once."""

import importlib.util
import re

import pytest

from tests.support.paths import REPO
from tts.config import compose, conf_dir, resolved
from tts.core.errors import InputError
from tts.text import languages
from tts.text.languages import LANGUAGES, check_language
from tts.training.preflight import check_before_torch


@pytest.fixture(autouse=True)
def nothing_said():
    languages._check_espeak.cache_clear()


def ipa(language):
    return {"cleaner": "unicode_cleaners", "language": language}


def test_the_page_has_the_table_of_the_code():
    page = REPO / "docs" / "text.md"
    if not page.is_file():
        pytest.skip("docs/ is not part of the source distribution")
    text = page.read_text(encoding="utf-8").partition("## Languages\n")[2].partition("\n\nA")[0]
    rows = [line.strip("| ").split(" | ") for line in text.strip().splitlines()[2:]]
    expected = [
        [row.language, f"`{row.tokenizer.replace(', ', '`, `')}`", row.quality, row.measured]
        for row in LANGUAGES
    ]
    assert [[*row, ""][:4] for row in rows] == expected


def test_every_row_names_tokenizers_and_commands_that_exist():
    tokenizers = {path.stem for path in (conf_dir() / "tokenizer").glob("*.yaml")}
    for row in LANGUAGES:
        assert set(row.tokenizer.split(", ")) <= tokenizers
        assert bool(row.measured) == (row.quality != languages.NOT_MEASURED)
        for module in re.findall(r"python -m ([\w.]+)", row.measured):
            assert importlib.util.find_spec(module), module


def test_a_language_that_nobody_measured_is_named_once(caplog):
    for _ in range(2):
        check_language(ipa("de"))
    (message,) = caplog.messages
    assert message.startswith("tokenizer.language=de: nobody has measured")
    assert "\n" not in message


@pytest.mark.parametrize("language", ["en-us", "en-gb", None])
def test_english_and_texts_in_ipa_say_nothing(language, caplog):
    check_language(ipa(language))
    assert caplog.messages == []


def test_korean_by_espeak_is_refused_in_favour_of_the_korean_tokenizer():
    with pytest.raises(InputError, match=r"language=ko: eSpeak NG reads .* use tokenizer=korean$"):
        check_language(ipa("ko"))


def test_training_refuses_it_before_torch_and_a_resumed_run_does_not(tmp_path):
    data = ["data=synthetic", "data.engine=tones", f"paths.data_dir={tmp_path}"]
    korean = ["tokenizer=ipa", "tokenizer.language=ko", f"paths.cache_dir={tmp_path}"]
    config = resolved(compose([*data, *korean]))
    with pytest.raises(InputError, match="use tokenizer=korean"):
        check_before_torch(config)
    checkpoint = tmp_path / "last.ckpt"
    checkpoint.touch()
    check_before_torch(config | {"ckpt_path": str(checkpoint)})


def test_a_missing_package_is_found_before_torch(monkeypatch):
    monkeypatch.setattr(languages, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'tacoglow\[korean\]'"):
        check_language({"cleaner": "korean_pronounced"})
    check_language({"cleaner": "korean"})
