"""Checks that the page of an evaluation shows texts as text, never as markup."""

import re
from html import unescape
from urllib.parse import unquote

import numpy as np
import pytest

from tts.evaluation.clips import Clip, SampledAudio
from tts.evaluation.page import write_page
from tts.evaluation.results import Evaluation, JudgedSystem

EVIL = '<script>alert(\'"&")</script>'


def test_what_sentences_and_recognisers_say_is_escaped(tmp_path):
    clip = Clip("a", EVIL, SampledAudio(np.zeros(2000, np.float32), 22050))
    system = JudgedSystem("voice", [clip], [{}], transcripts=(f"heard {EVIL}",))
    write_page(Evaluation([], [system], {"dnsmos": EVIL}), tmp_path)
    page = (tmp_path / "index.html").read_text()
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 3
    assert "heard &lt;script" in page
    assert (tmp_path / "audio" / "voice" / "a.ogg").is_file()


@pytest.mark.parametrize("name", ["100%25 sure?#1", "a/b", """it's "x" & y""", "é"])
def test_the_page_finds_the_sound_of_any_name(tmp_path, name):
    clip = Clip(name, "text", SampledAudio(np.zeros(2000, np.float32), 22050))
    write_page(Evaluation([], [JudgedSystem("voice", [clip], [{}])], {}), tmp_path)
    source = re.search('src="([^"]*)"', (tmp_path / "index.html").read_text())[1]
    assert (tmp_path / unquote(unescape(source))).is_file()


def test_control_characters_and_names_that_are_not_utf_8_are_shown(tmp_path):
    clip = Clip("a", "b\x1b[31m\u202ec \udce9", SampledAudio(np.zeros(2000, np.float32), 22050))
    write_page(Evaluation([], [JudgedSystem("voice", [clip], [{}])], {}), tmp_path)
    assert r"b\x1b[31m\u202ec \udce9" in (tmp_path / "index.html").read_text()
