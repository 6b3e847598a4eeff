"""Reads tables of any kind: columns, delimiters, quotes, headers, encodings, speakers."""

from __future__ import annotations

import csv

import pytest

from tts.core.errors import InputError
from tts.data import CsvCorpus, Filelist, TextFiles

NAMES = ["a", "b", "c", "d"]


@pytest.fixture
def recordings(write_corpus):
    root = write_corpus(NAMES)
    (root / "metadata.csv").unlink()
    return root


def write_table(root, rows, **dialect):
    with (root / "table.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, **dialect).writerows(rows)


def table(root, file="table.csv", **options):
    return CsvCorpus(root, file, wav_root="wavs", **options)


def texts(corpus):
    return {utterance.id: utterance.text for utterance in corpus.utterances()}


SPOKEN = {name: f'"Yes", said {name}; no, never.' for name in NAMES}
ROWS = [("id", "path", "sentence"), *((n, f"{n}.wav", text) for n, text in SPOKEN.items())]
COLUMNS = {"wav": "path", "text": "sentence"}


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_quoted_table_is_read_and_its_delimiter_found(recordings, delimiter):
    write_table(recordings, ROWS, delimiter=delimiter)
    assert texts(table(recordings, columns=COLUMNS)) == SPOKEN


@pytest.mark.parametrize("delimiter", ["\t", "|"])
def test_quotation_marks_are_text_in_tables_by_tab(recordings, delimiter):
    lines = "\n".join(delimiter.join(row) for row in ROWS)
    (recordings / "table.csv").write_text(lines)
    assert texts(table(recordings, columns=COLUMNS)) == SPOKEN


def test_a_quote_that_is_never_closed_does_no_harm_in_a_table_by_tab(recordings):
    (recordings / "table.csv").write_text('wav\ttext\na\t"Yes, he said.\nb\tNo.\nc\tNo.\n')
    assert texts(table(recordings))["a"] == '"Yes, he said.'


def test_a_quote_that_is_never_closed_is_named_in_a_quoted_table(recordings):
    (recordings / "table.csv").write_text('wav,text,by\na,"Yes.,me\nb,No.,me\nc,No.,me\n')
    message = r"table\.csv:2: a quotation mark opens here and is never closed; .*data\.quoted=false"
    with pytest.raises(InputError, match=message):
        table(recordings).prepare()


UNBALANCED = {
    "recordings first": 'wav,text\na.wav,"Yes, he said.\nb.wav,No.\nc.wav,Never."\nd.wav,No.\n',
    "recordings last": 'text,wav\n"Yes, he said.,a.wav\nNo.,b.wav\nNever.",c.wav\nNo.,d.wav\n',
    "names without an ending": 'wav,text\na,"Yes, he said.\nb,No.\nc,Never."\nd,No.\n',
    "old line ends": 'wav,text\ra.wav,"Yes, he said.\rb.wav,No.\rc.wav,Never."\rd.wav,No.\r',
    "semicolons": 'wav;text\na.wav;"Yes; he said.\nb.wav;No; no.\nc.wav;Never."\nd.wav;No.\n',
    "another field wrong": 'wav,text,by\na.wav,"Yes.,x\nb.wav,No.",x\nc.wav,No.,x\nd.wav,No.,x\n',
}


@pytest.mark.parametrize("content", UNBALANCED.values(), ids=UNBALANCED)
@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_a_quote_that_another_text_closes_does_not_merge_rows(recordings, content, on_error):
    (recordings / "table.csv").write_text(content, newline="")
    with pytest.raises(
        InputError, match=r"table\.csv:2: a quotation mark opens here and is closed"
    ):
        table(recordings, on_error=on_error).prepare()


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_a_quote_in_the_last_row_is_found(recordings, end):
    (recordings / "table.csv").write_text(f'wav,text\na,Yes.\nb,"No.{end}', newline="")
    with pytest.raises(InputError, match=r"table\.csv:3: a quotation mark opens here and is never"):
        table(recordings).prepare()


def test_a_text_of_several_lines_is_still_one_text(recordings):
    text = 'Roses, red.\nViolets, "blue".\nShe, he said, is\nhere, not in b.wav'
    write_table(recordings, [("wav", "text"), ("a", text), ("b", "No.")])
    assert texts(table(recordings))["a"] == " ".join(text.split())


def test_columns_are_counted_where_there_is_no_header(recordings):
    write_table(recordings, ROWS[1:])
    assert texts(table(recordings, columns={"wav": 2, "text": 3})) == SPOKEN


def test_a_header_may_be_left_out_of_account(recordings):
    write_table(recordings, ROWS)
    assert texts(table(recordings, columns={"wav": 2, "text": 3}, header=True)) == SPOKEN


def test_names_without_ending_are_wavs(recordings):
    write_table(recordings, [("wav", "text"), *SPOKEN.items()])
    assert texts(table(recordings)) == SPOKEN


def test_a_byte_order_mark_is_no_part_of_the_first_column(recordings):
    rows = "".join(f"{name},Text.\n" for name in NAMES)
    (recordings / "table.csv").write_bytes(b"\xef\xbb\xbfwav,text\n" + rows.encode())
    assert len(texts(table(recordings))) == 4


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_another_encoding_can_be_named(recordings, encoding):
    (recordings / "table.csv").write_text("wav,text\na,Käse.\nb,Öl.\n", encoding=encoding)
    with pytest.raises(InputError, match=rf"not UTF-8.*iconv -f {encoding} "):
        table(recordings).prepare()
    assert texts(table(recordings, encoding=encoding))["a"] == "Käse."


def test_a_header_in_another_encoding_is_named_also_when_rows_are_skipped(recordings):
    (recordings / "table.csv").write_bytes("wav,text,größe\na,Yes.,1\n".encode("cp1252"))
    with pytest.raises(InputError, match=r"table\.csv:1: not UTF-8.*or set data\.encoding"):
        table(recordings, on_error="skip").prepare()


def test_a_line_break_in_a_field_is_a_space_and_lines_are_counted(recordings):
    rows = [("wav", "text"), ("a", "Two\nlines."), ("b", "One."), ("lost", "None.")]
    write_table(recordings, rows)
    with pytest.raises(InputError, match=r"table\.csv:5: recording .*lost\.wav is missing"):
        table(recordings).prepare()
    assert texts(table(recordings, on_error="skip"))["a"] == "Two lines."


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"columns": {"wav": "path", "text": "said"}},
            r"data\.columns\.text=said: no such column in .* has id, path, sentence",
        ),
        ({"columns": {"wav": 9, "text": 3}}, r"data\.columns\.wav=9: .* has 3 columns"),
        (
            {"columns": {"txt": "said"}},
            r"data\.columns\.txt: the columns are wav, text and speaker",
        ),
        ({"columns": COLUMNS, "delimiter": ";"}, r"no such column in .* has id,path,sentence"),
        ({"columns": COLUMNS, "delimiter": "::"}, r"data\.delimiter='::': must be one character"),
        ({"columns": COLUMNS, "encoding": "klingon"}, r"data\.encoding=klingon: there is no such"),
        ({"columns": {"wav": "path", "text": "id"}, "file": "gone.csv"}, r"gone\.csv: there is no"),
        ({"columns": {"wav": "sentence", "text": "path"}}, r"table\.csv:2: the text is 'a\.wav'"),
    ],
)
def test_a_table_unlike_its_options_is_one_line(recordings, options, message):
    write_table(recordings, ROWS)
    with pytest.raises(InputError, match=message) as error:
        table(recordings, **options).prepare()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"), [("", "it is empty"), ("a\nb\n", "not a table by")]
)
def test_no_table_is_named(recordings, content, message):
    (recordings / "table.csv").write_text(content)
    with pytest.raises(InputError, match=message):
        table(recordings).prepare()


def test_speakers_are_numbered_by_name(recordings):
    names = dict(zip(NAMES, ("zoe", "amy", "zoe", "Bob"), strict=True))
    write_table(
        recordings, [("wav", "text", "who"), *((n, "Yes.", who) for n, who in names.items())]
    )
    corpus = table(recordings, columns={"speaker": "who"}, n_speakers=3)
    corpus.prepare()
    assert corpus.speakers == ("Bob", "amy", "zoe")
    assert {u.id: corpus.speakers[u.speaker] for u in corpus.utterances()} == names


@pytest.fixture
def spoken_by(recordings):
    """Write a filelist with the named speakers."""

    def write(*names):
        rows = zip(NAMES, names, strict=True)
        lines = [f"wavs/{name}.wav|Yes.|{speaker}\n" for name, speaker in rows]
        (recordings / "train.txt").write_text("".join(lines))
        return recordings

    return write


def test_filelists_have_speakers_in_a_third_column_numbers_by_size(spoken_by):
    corpus = Filelist(spoken_by("10", "9", "103", "9"), "train.txt")
    assert corpus.speakers == ("9", "10", "103")
    assert [u.speaker for u in corpus.utterances()] == [1, 0, 2, 0]


def test_a_filelist_without_speakers_has_none(spoken_by):
    root = spoken_by("", "", "", "")
    assert Filelist(root, "train.txt", n_speakers=1).speakers == ()


def test_a_row_without_a_speaker_among_others_is_a_fault(spoken_by):
    with pytest.raises(InputError, match=r"train\.txt:2: 'wavs-b' has no speaker, other rows have"):
        Filelist(spoken_by("x", "", "y", "y"), "train.txt").prepare()


def test_another_number_of_speakers_is_refused(spoken_by):
    message = (
        r"data\.n_speakers=1: .* has 3 speaker\(s\); set data\.n_speakers=3, "
        "or choose some with"
    )
    with pytest.raises(InputError, match=message):
        Filelist(spoken_by("x", "y", "z", "z"), "train.txt", n_speakers=1).prepare()


def test_speakers_can_be_chosen(spoken_by):
    root = spoken_by("1", "2", "3", "3")
    corpus = Filelist(root, "train.txt", n_speakers=2, only_speakers=[1, 3])
    assert corpus.speakers == ("1", "3")
    assert [u.speaker for u in corpus.utterances()] == [0, 1, 1]


def test_a_speaker_who_is_not_there_is_named(spoken_by):
    root = spoken_by("x", "y", "z", "z")
    with pytest.raises(InputError, match=r"there is no 'w' in .*; there are x, y, z"):
        Filelist(root, "train.txt", only_speakers=["w"]).prepare()


def test_who_speaks_is_part_of_the_fingerprint(spoken_by):
    one = Filelist(spoken_by("x", "y", "y", "y"), "train.txt").fingerprint()
    assert Filelist(spoken_by("x", "x", "y", "y"), "train.txt").fingerprint() != one


@pytest.mark.parametrize("ending", [".txt", ".lab"])
def test_a_text_next_to_each_recording_is_enough(recordings, ending):
    for name in NAMES:
        (recordings / "wavs" / f"{name}{ending}").write_text(f" Text of\n{name}. ")
    corpus = TextFiles(recordings)
    assert texts(corpus) == {f"wavs-{name}": f"Text of {name}." for name in NAMES}
    assert corpus.utterances()[0].where == f"wavs/a{ending}"


def test_a_folder_without_recordings_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no recordings with texts in it; set data\.root"):
        TextFiles(tmp_path).prepare()


def test_a_recording_without_a_text_is_named(recordings):
    with pytest.raises(InputError, match=r"wavs/a\.wav: no a\.txt next to it.*and 3 more"):
        TextFiles(recordings).prepare()


def test_the_first_folder_may_be_the_speaker(recordings):
    (recordings / "wavs" / "a.txt").write_text("Yes.")
    for name in NAMES[1:]:
        folder = recordings / "other" / "deep"
        folder.mkdir(parents=True, exist_ok=True)
        (recordings / "wavs" / f"{name}.wav").rename(folder / f"{name}.wav")
        (folder / f"{name}.txt").write_text("No.")
    corpus = TextFiles(recordings, speaker="folder")
    assert corpus.speakers == ("other", "wavs")
    assert texts(corpus).keys() == {"wavs-a", "other-deep-b", "other-deep-c", "other-deep-d"}
