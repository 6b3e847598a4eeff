from __future__ import annotations

import pickle

import numpy as np
import pytest

from tts.core.errors import InputError
from tts.data import LJSpeech
from tts.data.features.tokens import make_tokens, tokenizer_key
from tts.text import Tokenizer


@pytest.fixture
def prepared(write_corpus, prepare):
    root = write_corpus()
    (root / "metadata.csv").write_text("a|One @ two.\nb|Good.\nc|!?\nd|One # two.\n")
    return prepare(LJSpeech(root))


def tokenizer(**options) -> Tokenizer:
    return Tokenizer(cleaner="basic_cleaners", **options)


def test_ids_are_those_of_the_texts(prepared):
    tokens = make_tokens(prepared, tokenizer(), "skip")
    for row, text in ((0, "one  two."), (1, "good."), (3, "one  two.")):
        assert tokenizer().decode(tokens[row].tolist()) == text
    assert tokens.lengths(np.array([1, 0])).tolist() == [5, 9]
    assert tokens.readable(np.arange(4)).tolist() == [0, 1, 3]


def test_a_text_that_cannot_be_read_is_named(prepared):
    tokens = make_tokens(prepared, tokenizer(), "skip")
    (fault,) = tokens.unreadable
    assert fault.startswith("metadata.csv:3: text '!?': nothing in it can be pronounced")
    with pytest.raises(InputError, match=r"metadata\.csv:3"):
        make_tokens(prepared, tokenizer(), "raise")


def test_characters_without_a_symbol_are_counted(prepared):
    tokens = make_tokens(prepared, tokenizer(), "skip")
    report = "not in the symbol table: '@' x1, '#' x1; first in metadata.csv:1"
    assert tokens.report(tokenizer()) == report
    assert tokens.report(tokenizer(on_unknown="ignore")) == ""
    with pytest.raises(InputError, match="'@' x1"):
        tokens.report(tokenizer(on_unknown="raise"))


def test_texts_are_read_once(prepared, monkeypatch):
    make_tokens(prepared, tokenizer(), "skip")
    monkeypatch.setattr(Tokenizer, "read", lambda *_: pytest.fail("read again"))
    assert make_tokens(prepared, tokenizer(on_unknown="ignore"), "skip")[1].tolist()


def test_every_tokenizer_has_a_key_of_its_own():
    others = {
        "cleaner": Tokenizer(cleaner="english"),
        "p_arpabet": Tokenizer(cleaner="basic_cleaners", p_arpabet=0.5),
        "symbols": Tokenizer(list("_ .adegnotw"), cleaner="basic_cleaners"),
    }
    own = tokenizer_key(tokenizer())
    assert [name for name, other in others.items() if tokenizer_key(other) == own] == []


def test_another_release_of_the_front_end_reads_again(monkeypatch):
    before = tokenizer_key(tokenizer())
    monkeypatch.setattr("tts.data.features.tokens._front_end", lambda: "another")
    assert tokenizer_key(tokenizer()) != before


def test_damaged_ids_are_named(prepared):
    tokens = make_tokens(prepared, tokenizer(), "skip")
    path = tokens._shards.path(0)
    path.write_bytes(bytes(len(path.read_bytes())))
    with pytest.raises(InputError, match=r"symbol ids are damaged; delete tokens-"):
        make_tokens(prepared, tokenizer(), "skip")[0]


def test_a_worker_opens_the_files_itself(prepared):
    tokens = make_tokens(prepared, tokenizer(), "skip")
    expected = tokens[0].tolist()
    copied = pickle.dumps(tokens)
    assert len(copied) < 2000
    assert pickle.loads(copied)[0].tolist() == expected
