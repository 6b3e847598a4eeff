"""Checks that the page of an evaluation shows texts as text, never as markup."""

import numpy as np

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
