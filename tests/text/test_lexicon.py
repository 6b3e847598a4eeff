"""The user's lexicon: an error names every line that does not parse."""

import pytest

from tts.core.errors import InputError
from tts.text.lexicon import read_lexicon
from tts.text.symbols import ARPABET


@pytest.fixture
def lexicon(tmp_path):
    def write(content):
        path = tmp_path / "words.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_words_with_comments_and_empty_lines(lexicon):
    path = lexicon(
        "# names\n\nTacoglow  T AA1 K OW0 G L OW2 # ours\n;;; more\nco'op  K OW1 AA2 P\n"
    )
    assert dict(read_lexicon(path, ARPABET)) == {
        "tacoglow": ("T", "AA1", "K", "OW0", "G", "L", "OW2"),
        "co'op": ("K", "OW1", "AA2", "P"),
    }


def test_the_same_line_may_occur_twice(lexicon):
    assert len(read_lexicon(lexicon("a  EY1\na  EY1\n"), ARPABET)) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a  EY1\nword\n", r"words.txt:2: 'word' has no phones"),
        ("word  W ER1 QQ\n", r"words.txt:1: 'word' has an unknown phone 'QQ'$"),
        ("word  W er1 D\n", r"words.txt:1: 'word' has an unknown phone 'er1'; write 'ER1'"),
        (
            "c3po  S IY1\n",
            r"words.txt:1: 'c3po' is not one word of the letters a-z; numbers and hyphens are "
            r"replaced before words are looked up$",
        ),
        ("well-known  N OW1 N\n", r"words.txt:1: 'well-known' is not one word"),
        (
            "a  EY1\na  AH0\n",
            r"words.txt:2: 'a' has another pronunciation further up; keep one of them$",
        ),
        (b"\xff\xfe", r"words.txt: the lexicon is not UTF-8 at byte 0"),
    ],
)
def test_line_that_does_not_parse_is_named(lexicon, content, message):
    with pytest.raises(InputError, match=message):
        read_lexicon(lexicon(content), ARPABET)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none.txt: the lexicon cannot be read"):
        read_lexicon(tmp_path / "none.txt", ARPABET)


def test_entries_of_a_checkpoint_are_checked_too():
    with pytest.raises(InputError, match="lexicon entry 'word': 'word' has an unknown phone"):
        read_lexicon({"word": "XX"}, ARPABET)
