"""Faulty rows: one line stops, or they are left out, counted and listed."""

from __future__ import annotations

import pytest

from tts.core.errors import InputError
from tts.data import Filelist, LJSpeech


@pytest.fixture
def faulty(write_corpus):
    """Four good rows; after them a duplicate, an empty text, a missing file, a field too many."""
    root = write_corpus()
    with (root / "metadata.csv").open("ab") as file:
        file.write(b"a|x|Again.\nb2||\nlost|x|Lost.\na2|x|y|z\n\nd2|x|K\xe4se\n")
    return root


def test_the_first_fault_stops_and_the_others_are_counted(faulty):
    more = r"\(and 4 more; data\.on_error=skip leaves such rows out\)$"
    message = rf"metadata\.csv:5: 'a' stands in metadata\.csv:1.* {more}"
    with pytest.raises(InputError, match=message) as error:
        LJSpeech(faulty).prepare()
    assert "\n" not in str(error.value)


def test_a_single_fault_has_no_company(write_corpus):
    root = write_corpus()
    (root / "wavs" / "b.wav").unlink()
    with pytest.raises(InputError, match=r"b\.wav is missing; add it or remove the row$"):
        LJSpeech(root).utterances()


def test_faulty_rows_are_left_out_and_listed(faulty):
    corpus = LJSpeech(faulty, on_error="skip")
    assert [u.id for u in corpus.utterances()] == ["a", "b", "c", "d"]
    assert corpus.utterances()[0].text == "Text of a."
    assert [fault.split(": ")[0] for fault in corpus.faults()] == [
        f"metadata.csv:{line}" for line in (5, 6, 7, 8, 10)
    ]


def test_what_is_left_out_is_logged_once_with_the_first_few(faulty, caplog):
    LJSpeech(faulty, on_error="skip").prepare()
    (message,) = [record.getMessage() for record in caplog.records]
    assert "left out 5 row(s): metadata.csv:5: 'a' stands in" in message
    assert "metadata.csv:7: recording" in message
    assert "metadata.csv:8" not in message
    assert message.endswith("; ...")


def test_a_clean_corpus_has_no_faults(write_corpus, caplog):
    corpus = LJSpeech(write_corpus(), on_error="skip")
    corpus.prepare()
    assert corpus.faults() == []
    assert caplog.records == []


def test_nothing_left_is_refused(write_corpus):
    root = write_corpus()
    for path in (root / "wavs").iterdir():
        path.unlink()
    with pytest.raises(InputError, match=r"no row can be used, first metadata\.csv:1: .*missing"):
        LJSpeech(root, on_error="skip").prepare()


def test_validated_rows_that_are_trained_on_are_left_out(write_corpus):
    root = write_corpus()
    (root / "train.txt").write_text("wavs/a.wav|A.\nwavs/b.wav|B.\n")
    (root / "val.txt").write_text("wavs/b.wav|B.\nwavs/c.wav|C.\n")
    corpus = Filelist(root, "train.txt", "val.txt", on_error="skip")
    split = corpus.split()
    assert [u.id for u in split["train"]] == ["wavs-a", "wavs-b"]
    assert [u.id for u in split["val"]] == ["wavs-c"]
    assert len(corpus.faults()) == 1


@pytest.mark.parametrize("text", ["wavs/a.wav", "A.FLAC"])
def test_a_path_in_the_place_of_a_text_is_a_fault(write_corpus, text):
    root = write_corpus(["a"])
    (root / "train.txt").write_text(f"wavs/a.wav|{text}\n")
    with pytest.raises(
        InputError, match=r"train\.txt:1: the text is .*; are the columns in another"
    ):
        Filelist(root, "train.txt").prepare()
