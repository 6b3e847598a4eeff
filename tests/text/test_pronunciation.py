"""``p_arpabet`` and a lexicon decide which words become letters and which become phones."""

import subprocess
import sys

import pytest

from tts.text import Tokenizer

pytest.importorskip("hibari")

TEXT = "The wind was cold and the voice of the river was heard in every house of the town."


def phonetic(p=1.0, **options):
    return Tokenizer(cleaner="english", p_arpabet=p, **options)


def share(tokenizer, ids):
    """Share of the words that are phones; no word here has both."""
    words = tokenizer.decode(ids).rstrip(".").split(" ")
    text = tokenizer.decode(ids)
    return text.count("{") / (
        text.count("{") + sum(word.isalpha() and word.islower() for word in words)
    )


def test_zero_is_letters():
    assert phonetic(0).encode(TEXT) == Tokenizer(cleaner="english").encode(TEXT)


def test_one_is_phones():
    tokenizer = phonetic()
    written = tokenizer.decode(tokenizer.encode("Dr. Smith, 2 cats!"))
    assert written == "{D AA1 K T ER0} {S M IH1 TH}, {T UW1} {K AE1 T S}!"


def test_phones_in_braces_stay_phones():
    tokenizer = phonetic()
    assert tokenizer.decode(tokenizer.encode("a {B} cat")) == "{AH0} {B} {K AE1 T}"


def test_lexicon_overrules_the_dictionary():
    tokenizer = phonetic(lexicon={"cat": "D AO1 G"})
    assert tokenizer.decode(tokenizer.encode("cats, cat")) == "{K AE1 T S}, {D AO1 G}"


def test_same_draw_gives_the_same_ids():
    assert phonetic(0.5).encode(TEXT, draw="1/2/a") == phonetic(0.5).encode(TEXT, draw="1/2/a")


def test_draws_differ_from_epoch_to_epoch():
    tokenizer = phonetic(0.5)
    assert len({tuple(tokenizer.encode(TEXT, draw=f"1/{epoch}/a")) for epoch in range(20)}) > 15


@pytest.mark.slow
def test_draw_is_the_same_in_another_process():
    code = (
        "from tts.text import Tokenizer; t = Tokenizer(cleaner='english', p_arpabet=0.5);"
        f"print(t.encode({TEXT!r}, draw='7/3/x'))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str(phonetic(0.5).encode(TEXT, draw="7/3/x"))


@pytest.mark.parametrize("p", [0.2, 0.8])
def test_share_of_phones_is_the_one_asked_for(p):
    tokenizer = phonetic(p)
    shares = [share(tokenizer, tokenizer.encode(TEXT, draw=i)) for i in range(200)]
    assert sum(shares) / len(shares) == pytest.approx(p, abs=0.05)


def test_without_a_draw_the_choice_is_fixed():
    assert phonetic(0.5).encode(TEXT) == phonetic(1).encode(TEXT)


@pytest.mark.parametrize("p", [0, 1])
def test_draw_has_no_effect_at_the_ends(p):
    assert phonetic(p).encode(TEXT, draw=1) == phonetic(p).encode(TEXT)


def test_draw_does_not_depend_on_what_was_read_before():
    tokenizer = phonetic(0.5)
    first = tokenizer.encode(TEXT, draw=5)
    tokenizer.encode("something else", draw=6)
    assert tokenizer.encode(TEXT, draw=5) == first


def test_description_keeps_share_and_lexicon(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("tacoglow  T AA1 K OW0 G L OW2\n")
    tokenizer = phonetic(0.25, lexicon=path)
    description = tokenizer.to_dict()
    path.unlink()
    again = Tokenizer.from_dict(description)
    assert again == tokenizer
    assert again.encode("tacoglow", draw=3) == tokenizer.encode("tacoglow", draw=3)
    assert description["lexicon"] == {"tacoglow": "T AA1 K OW0 G L OW2"}


def test_tokenizers_with_other_pronunciations_are_not_equal():
    assert len({phonetic(0), phonetic(0.5), phonetic(1), phonetic(1, lexicon={"a": "EY1"})}) == 4


def test_letters_do_not_load_the_dictionaries():
    unneeded = {"hibari", "tts.text.dictionary", "phonemizer", "torch", "onnxruntime"}
    code = (
        "import sys; from tts.text import Tokenizer;"
        "Tokenizer(cleaner='english').encode('Dr. Smith paid £5.');"
        f"sys.exit(' '.join({unneeded!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, stderr=subprocess.PIPE)
    assert done.stderr.decode().split() == []
