"""Any bytes as a manifest give rows, faults of one line each, or an InputError."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tts.core.errors import InputError
from tts.data import CsvCorpus, Filelist, LJSpeech
from tts.data.corpora.folder import TextFiles
from tts.data.corpora.splits import held_out_ids
from tts.text import Tokenizer

SETTINGS = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
# what rows are made of, and what is between them
PIECES = st.sampled_from(
    [
        *(
            b"a",
            b"b|",
            b"|",
            b",",
            b";",
            b"\t",
            b'"',
            b"\n",
            b"\r\n",
            b"\r",
            b"\0",
            b"wav",
            b"text",
        ),
        *(
            b"a.wav",
            b"/",
            b"..",
            b"DUMMY/a.wav",
            b"\xff\xfe",
            b"\xef\xbb\xbf",
            b"\xe9",
            b" ",
            b"A.",
        ),
        *("é\u2028".encode(), b"\x1c", b"~", b"speaker", b"1", b"x" * 300, b"\\", b"'"),
    ]
)
BYTES = st.lists(PIECES, max_size=30).map(b"".join) | st.binary(max_size=120)


@pytest.fixture
def folder(tmp_path):
    for name in ("a.wav", "wavs/a.wav", "wavs/b.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"RIFF")
    return tmp_path


def outcome(action):
    """Return the result, or None and the message of an InputError, which is one line."""
    try:
        result, message = action(), ""
    except InputError as error:
        result, message = None, str(error)
    assert "\n" not in message
    return result


def layouts(folder, on_error):
    options = {"on_error": on_error}
    columns = {"wav": "wav", "text": "text", "speaker": "speaker"}
    numbers = {"wav": 1, "text": 2}
    return {
        "ljspeech": LJSpeech(folder, **options),
        "filelist": Filelist(folder, "metadata.csv", **options),
        "filelist_twice": Filelist(
            folder, "metadata.csv", "metadata.csv", wav_root="wavs", **options
        ),
        "csv": CsvCorpus(folder, "metadata.csv", **options),
        "csv_speakers": CsvCorpus(folder, "metadata.csv", columns, **options),
        "csv_numbers": CsvCorpus(folder, "metadata.csv", numbers, **options),
        "csv_quoted": CsvCorpus(folder, "metadata.csv", numbers, "|", quoted=True, **options),
        "csv_ascii": CsvCorpus(folder, "metadata.csv", numbers, encoding="ascii", **options),
        "csv_utf16": CsvCorpus(folder, "metadata.csv", numbers, encoding="utf-16", **options),
        "csv_idna": CsvCorpus(folder, "metadata.csv", numbers, encoding="idna", **options),
        "csv_rot13": CsvCorpus(folder, "metadata.csv", numbers, encoding="rot13", **options),
    }


@pytest.mark.parametrize("on_error", ["raise", "skip"])
@pytest.mark.parametrize("layout", layouts("", "raise"))
def test_any_bytes_as_a_manifest(layout, on_error, folder):
    @SETTINGS
    @given(BYTES)
    @example(b'"a\na",')  # a line break in the name of a column
    @example(b"\0/b|a")  # a path that no file can have
    def check(data):
        (folder / "metadata.csv").write_bytes(data)
        corpus = layouts(folder, on_error)[layout]
        outcome(corpus.split)
        if (utterances := outcome(corpus.utterances)) is None:
            return
        faults = corpus.faults()
        assert corpus.fingerprint()
        assert utterances
        assert len({utterance.id for utterance in utterances}) == len(utterances)
        assert all(utterance.wav.exists() and utterance.text for utterance in utterances)
        assert all("\n" not in fault for fault in faults)
        for utterance in utterances:
            utterance.text.encode()
            utterance.where.encode()
        assert on_error == "skip" or not faults

    check()


@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_any_bytes_as_a_text_next_to_a_recording(on_error, folder):
    @SETTINGS
    @given(BYTES)
    def check(data):
        (folder / "wavs" / "a.txt").write_bytes(data)
        (folder / "wavs" / "b.txt").write_bytes(b"B.")
        utterances = outcome(TextFiles(folder / "wavs", on_error=on_error).utterances)
        assert {utterance.id for utterance in utterances or []} <= {"a", "b"}

    check()


def test_any_bytes_as_a_lexicon(tmp_path):

    @SETTINGS
    @given(BYTES | st.lists(st.sampled_from([b"word", b" AH0", b"\n", b"#", b"'s"])).map(b"".join))
    def check(data):
        (tmp_path / "lexicon").write_bytes(data)
        tokenizer = outcome(lambda: Tokenizer(p_arpabet=1.0, lexicon=tmp_path / "lexicon"))
        assert tokenizer is None or tokenizer.encode("A word.")

    check()


def test_any_bytes_as_a_list_of_what_is_held_out(tmp_path):
    @SETTINGS
    @given(BYTES)
    def check(data):
        (tmp_path / "ids").write_bytes(data)
        ids = outcome(lambda: held_out_ids(tmp_path / "ids"))
        assert all(isinstance(name, str) for name in ids or [])

    check()
