"""A recording that is missing is named with the file that is there instead, and what to do."""

from __future__ import annotations

import re
import unicodedata

import pytest

from tests.support.recordings import write_recording
from tts.core.errors import InputError
from tts.data import CsvCorpus, Filelist, LJSpeech

NFC, NFD = (unicodedata.normalize(form, "caf\u00e9") for form in ("NFC", "NFD"))

# id in the table, file that is there, what the message says of it
LJSPEECH = [
    ("a.wav", "wavs/a.wav", "the ending is there twice; leave it out in the table"),
    ("a", "wavs/a.WAV", "its name has other capitals; rename the file, or change the table"),
    ("A", "wavs/a.wav", "its name has other capitals; rename the file, or change the table"),
    ("wavs/a", "wavs/a.wav", "wavs/ is added to the name of each recording; leave wavs/ out in"),
    ("wavs\\a", "wavs/a.wav", "write / for each backslash in the table"),
    ("x\\a", "wavs/x/a.wav", "write / for each backslash in the table"),
    ("X/a", "wavs/x/a.wav", "a folder has other capitals or another Unicode form; rename it"),
    (NFC, f"wavs/{NFD}.wav", "its name has decomposed (NFD) letters on the disk; rename the file"),
    (NFD, f"wavs/{NFC}.wav", "its name has composed letters on the disk; rename the file"),
    ("a", "wav/a.wav", "rename the folder wav to wavs, or change the table"),
    ("a", "wavs/a.flac", "its ending is another; rename the file, convert it, or read a table by"),
    ("a", "clips/deep/a.wav", "move the file, or change the table"),
    ("a", "a.wav", "move the file, or change the table"),
]


@pytest.mark.parametrize(("written", "there", "advice"), LJSPEECH)
def test_the_cause_of_a_missing_recording_is_named(tmp_path, written, there, advice):
    write_recording(tmp_path / "c" / there)
    (tmp_path / "c" / "wavs").mkdir(exist_ok=True)
    (tmp_path / "c" / "metadata.csv").write_text(f"{written}|Text.\n")
    with pytest.raises(InputError) as error:
        LJSpeech(tmp_path / "c").prepare()
    message = str(error.value)
    assert f"{written}.wav is missing, but {tmp_path}/c/{there} is there: {advice}" in message
    assert "\n" not in message


@pytest.mark.parametrize("name", [".wav", "x/.WAV", ".flac.wav", "..wav", ".wav.wav"])
def test_a_name_that_is_nothing_but_an_ending_is_a_fault_like_others(name, tmp_path):
    write_recording(tmp_path / "wavs" / "a.wav")
    (tmp_path / "table.csv").write_text(f"wav,text\n{name},Text.\n")
    with pytest.raises(InputError, match=rf"recording \S*{re.escape(name)} is missing; add it or"):
        CsvCorpus(tmp_path, "table.csv").prepare()


def test_nvidias_placeholder_is_replaced_by_the_folder_that_has_the_recording(tmp_path):
    write_recording(tmp_path / "LJSpeech-1.1" / "wavs" / "a.wav")
    (tmp_path / "list.txt").write_text("DUMMY/a.wav|Text.\n")
    folder = tmp_path / "LJSpeech-1.1" / "wavs"
    message = f"{folder}/a.wav is there: set data.wav_root={folder}, which replaces DUMMY/"
    with pytest.raises(InputError, match=message):
        Filelist(tmp_path, "list.txt").prepare()
    Filelist(tmp_path, "list.txt", wav_root=folder, val_fraction=0.0).prepare()


def test_a_table_with_another_folder_of_recordings_is_searched_there(tmp_path):
    for name in ("a.wav", "B.wav"):
        write_recording(tmp_path / "elsewhere" / name)
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "t.csv").write_text("wav,text\na.wav,One.\nb.wav,Two.\n")
    with pytest.raises(InputError, match=r"t\.csv:3: .*b\.wav is missing, but .*B\.wav is there"):
        CsvCorpus(tmp_path / "c", "t.csv", wav_root=tmp_path / "elsewhere").prepare()


@pytest.mark.parametrize("others", [["p226/1"], ["p226/1", "p227/1"], []])
def test_the_recording_of_another_row_is_not_offered(tmp_path, others):
    rows = [f"{name}.wav|Text of {name}." for name in others]
    for name in [*others, "p228/2"]:
        write_recording(tmp_path / f"{name}.wav")
    (tmp_path / "list.txt").write_text("\n".join(["p225/1.wav|Text.", *rows]))
    with pytest.raises(InputError, match=r"p225/1\.wav is missing; add it or remove the row"):
        Filelist(tmp_path, "list.txt").prepare()


def test_two_recordings_that_could_be_meant_are_not_offered(tmp_path):
    for name in ("x/a", "y/a"):
        write_recording(tmp_path / f"{name}.wav")
    (tmp_path / "list.txt").write_text("a.wav|Text.\n")
    with pytest.raises(InputError, match=r"a\.wav is missing; add it or remove the row"):
        Filelist(tmp_path, "list.txt").prepare()


def test_a_circle_of_links_does_not_hang_the_search(tmp_path):
    (tmp_path / "wavs").mkdir()
    (tmp_path / "wavs" / "loop").symlink_to(tmp_path)
    (tmp_path / "wavs" / "self.wav").symlink_to("self.wav")
    (tmp_path / "metadata.csv").write_text("a|Text.\nself|Text.\n")
    with pytest.raises(InputError, match=r"a\.wav is missing; add it"):
        LJSpeech(tmp_path).prepare()
