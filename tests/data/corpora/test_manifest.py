from __future__ import annotations

from pathlib import Path

import pytest

from tts.core.errors import InputError
from tts.data.corpora import manifest


def read_metadata(path: Path) -> list[manifest.ManifestRow]:
    return strict(manifest.read_metadata, path)


def read_filelist(
    path: Path, root: Path, wav_root: Path | None = None
) -> list[manifest.ManifestRow]:
    return strict(manifest.read_filelist, path, root, wav_root)


def strict(read, *arguments) -> list[manifest.ManifestRow]:
    faults = []
    entries = read(*arguments, faults=faults)
    if faults:
        raise InputError("; ".join(faults))
    return entries


def write_metadata(root: Path, *rows: str, wavs: tuple[str, ...] = ("a", "b")) -> Path:
    (root / "wavs").mkdir()
    for name in wavs:
        (root / "wavs" / f"{name}.wav").touch()
    path = root / "metadata.csv"
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ("a|Dr. 5|Doctor five", "Doctor five"),
        ("a|Dr. 5|", "Dr. 5"),
        ("a|Dr. 5", "Dr. 5"),
        ("a | Dr. 5 | Doctor five ", "Doctor five"),
        ("a|x|Über café", "Über café"),
    ],
)
def test_metadata_uses_the_normalised_column_and_falls_back(tmp_path, row, text):
    (entry,) = read_metadata(write_metadata(tmp_path, row))
    assert (entry.id, entry.text) == ("a", text)
    assert entry.wav == str(tmp_path / "wavs" / "a.wav")


def test_places_count_blank_lines(tmp_path):
    path = write_metadata(tmp_path, "a|x|x", "", "b|x|x")
    assert [utterance.where for utterance in read_metadata(path)] == [
        "metadata.csv:1",
        "metadata.csv:3",
    ]


def test_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    path = write_metadata(tmp_path)
    path.write_bytes(b"\xef\xbb\xbfa|x|x\n")
    assert read_metadata(path)[0].id == "a"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "metadata.csv: it is empty"),
        (["", ""], "metadata.csv: it is empty"),
        (["a|x|x", "b"], "metadata.csv:2: 1 field"),
        (["a|x|x|x"], "metadata.csv:1: 4 field"),
        (["|x|x"], "metadata.csv:1: the first field is empty"),
        (["a||"], "metadata.csv:1: 'a' has no text"),
        (["a|x|x", "b|x|x", "a|y|y"], "metadata.csv:3: 'a' stands in metadata.csv:1 already"),
        (["a|a.wav"], "metadata.csv:1: the text is 'a.wav'; are the columns in another order"),
        (["a,x,x"], r"metadata.csv:1: 1 field.*separated by ','\? data=csv"),
        (["a\tx, x"], r"metadata.csv:1: 1 field.*separated by '\\t'\? data=csv"),
        (["a|0.5", "b|1", "c|7.25"], r"3 of 3 texts have no letter.*:1: '0\.5'; is the text in an"),
        (["a|x|x", "c|x|x"], r"metadata.csv:2: recording .*c\.wav is missing"),
    ],
)
def test_faulty_metadata_is_one_line_that_names_the_row(tmp_path, rows, message):
    with pytest.raises(InputError, match=message) as error:
        read_metadata(write_metadata(tmp_path, *rows))
    assert "\n" not in str(error.value)


def test_missing_metadata_is_named(tmp_path):
    with pytest.raises(InputError, match=r"metadata\.csv: there is no such file"):
        read_metadata(tmp_path / "metadata.csv")


def test_metadata_in_another_encoding_is_refused(tmp_path):
    path = write_metadata(tmp_path)
    path.write_bytes("a|Käse|Käse\n".encode("latin-1"))
    with pytest.raises(
        InputError, match=r"metadata\.csv:1: not UTF-8 \(byte 0xe4\).*iconv -f cp1252"
    ):
        read_metadata(path)


def test_utf_16_is_named(tmp_path):
    path = write_metadata(tmp_path)
    path.write_text("a|Käse|Käse\n", encoding="utf-16")
    with pytest.raises(InputError, match=r"probably UTF-16; save it as UTF-8 \(iconv -f utf-16"):
        read_metadata(path)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_end_in_any_way(tmp_path, ending):
    path = write_metadata(tmp_path)
    path.write_bytes(f"a|x\u2028y{ending}b|z{ending}".encode())
    assert [entry.text for entry in read_metadata(path)] == ["x\u2028y", "z"]


@pytest.fixture
def wavs(tmp_path):
    for name in ("x.wav", "one/x.wav", "two/x.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def write_list(folder: Path, *rows: str) -> Path:
    path = folder / "train.txt"
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


def test_filelist_resolves_paths_against_root(wavs):
    (utterance,) = read_filelist(write_list(wavs, "one/x.wav|Hello."), wavs)
    assert (utterance.wav, utterance.text) == (str(wavs / "one" / "x.wav"), "Hello.")
    assert utterance.where == "train.txt:1"


def test_filelist_names_tell_equal_stems_apart(wavs):
    found = read_filelist(write_list(wavs, "one/x.wav|Hello.", "two/x.wav|Hello."), wavs)
    assert [utterance.id for utterance in found] == ["one-x", "two-x"]


def test_filelist_takes_absolute_paths(wavs):
    (utterance,) = read_filelist(write_list(wavs, f"{wavs}/one/x.wav|Hello."), wavs)
    assert (utterance.id, utterance.wav) == ("one-x", str(wavs / "one" / "x.wav"))


def test_wav_root_takes_the_place_of_dummy(wavs):
    path = write_list(wavs, "DUMMY/x.wav|Hello.")
    (utterance,) = read_filelist(path, wavs, wavs / "two")
    assert (utterance.id, utterance.wav) == ("x", str(wavs / "two" / "x.wav"))


def test_dummy_without_wav_root_says_what_to_set(wavs):
    with pytest.raises(InputError, match=r"train\.txt:1: .*set data\.wav_root"):
        read_filelist(write_list(wavs, "DUMMY/x.wav|Hello."), wavs)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "it is empty"),
        (["x.wav"], "train.txt:1: 1 field"),
        (["x.wav|Hello.|3|4"], "train.txt:1: 4 field"),
        (["x.wav|"], "train.txt:1: 'x' has no text"),
        (["x.wav|Hello.", "./x.wav|Bye."], "train.txt:2: 'x' stands in train.txt:1 already"),
        (["y.wav|Hello."], "train.txt:1: recording .* is missing"),
    ],
)
def test_faulty_filelist_is_one_line_that_names_the_row(wavs, rows, message):
    with pytest.raises(InputError, match=message) as error:
        read_filelist(write_list(wavs, *rows), wavs)
    assert "\n" not in str(error.value)
