"""Runs the command that builds the pronunciation dictionary of the package."""

import lzma

import pytest

from tts.text.dictionary import parse_dictionary

pytest.importorskip("hibari")
build_dictionary = pytest.importorskip("bench.build_dictionary").build_dictionary


def test_the_built_dictionary_has_the_commonest_pronunciations_first(tmp_path):
    (tmp_path / "LICENSE").write_text("Copyright\n")
    source = tmp_path / "cmudict.dict"
    source.write_text("lead L EH1 D\nlead(2) L IY1 D # to lead\nzebra Z IY1 B R AH0\n")
    assert build_dictionary(source, tmp_path / "LICENSE", tmp_path / "made.xz") == 2
    text = lzma.decompress((tmp_path / "made.xz").read_bytes()).decode()
    assert text == "# Copyright\nlead L IY1 D\nlead L EH1 D\nzebra Z IY1 B R AH0\n"
    assert parse_dictionary(text.splitlines())["lead"] == (("L", "IY1", "D"), ("L", "EH1", "D"))
