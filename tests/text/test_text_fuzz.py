"""Any Unicode string gives ids or an InputError, whatever the front end."""

import importlib.util

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tts.core.errors import InputError
from tts.text import CLEANERS, Tokenizer
from tts.text.preview import preview

FRONT_ENDS = {name: {"cleaner": name} for name in CLEANERS}
if importlib.util.find_spec("hibari"):
    FRONT_ENDS["phones"] = {"cleaner": "english", "p_arpabet": 1.0}
    FRONT_ENDS["mixed"] = {"cleaner": "english_cleaners", "p_arpabet": 0.5}
    LEXICON = {"a": "AH0", "ah": "AA1", "ah'": "AA1 N"}
    FRONT_ENDS["lexicon"] = {"cleaner": "english", "p_arpabet": 1.0, "lexicon": LEXICON}
if importlib.util.find_spec("phonemizer") and importlib.util.find_spec("espeakng_loader"):
    FRONT_ENDS["ipa"] = {"symbols": "ipa", "cleaner": "unicode_cleaners", "language": "en-us"}
    FRONT_ENDS["ipa_de"] = {"symbols": "ipa", "cleaner": "basic_cleaners", "language": "de"}
# File names and broken JSON contain lone surrogates.
TEXTS = st.text(st.characters(exclude_categories=[]), max_size=60) | st.text(
    "{}AH01 .,'-a£½é\n\u2028\x00", max_size=30
)


@pytest.mark.parametrize("front_end", FRONT_ENDS)
@pytest.mark.parametrize("policy", ["warn", "raise", "ignore"])
def test_text_gives_ids_or_an_input_error(front_end, policy):
    tokenizer = Tokenizer(on_unknown=policy, **FRONT_ENDS[front_end])

    @settings(max_examples=40)
    @given(TEXTS, st.integers() | st.none())
    def check(text, draw):
        try:
            ids = tokenizer.encode(text, draw=draw)
        except InputError as error:
            message, ids = str(error), [1]
        else:
            message = ""
        assert "\n" not in message
        assert ids
        assert all(0 < index < tokenizer.n_symbols for index in ids)

    check()


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_preview_shows_any_text(front_end):
    tokenizer = Tokenizer(**FRONT_ENDS[front_end])

    @settings(max_examples=40)
    @given(TEXTS)
    def check(text):
        result = preview(text, tokenizer)
        assert result.unknown == tokenizer.unknown(text)
        assert str(result).isprintable() or "\n" in str(result)

    check()
