"""A voice whose symbols are syllables is trained, exported and spoken."""

from functools import partial

import numpy as np
import pytest

from tests.support.exporting import options
from tests.support.runs import QUIET, TINY_TACOTRON2, run
from tts.inference import Synthesizer

SENTENCES = [
    "ni3 hao3 shi4 jie4 xue2",
    "hao3 hao3 xue2 xi2 ni3",
    "shi4 jie4 hao3 shi4 ni3",
    "xue2 xi2 hao3 shi4 jie4",
    "jie4 xi2 ni3 xue2 shi4",
    "xi2 xi2 hao3 jie4 ni3",
]
TABLE = ("_", " ", "ni3", "hao3", "shi4", "jie4", "xue2", "xi2")


@pytest.mark.slow
def test_syllables_are_trained_exported_and_spoken(tmp_path):
    pytest.importorskip("onnxruntime")
    from tts.export.recipe import export
    from tts.export.runtime import OnnxSynthesizer

    (tmp_path / "pinyin.txt").write_text("\n".join(SENTENCES))
    table = ",".join(f'"{symbol}"' for symbol in TABLE)
    run(
        tmp_path,
        *TINY_TACOTRON2,
        *QUIET,
        f"tokenizer.symbols=[{table}]",
        "tokenizer.cleaner=basic_cleaners",
        f"data.sentences={tmp_path}/pinyin.txt",
        "data.minutes=0.1",
        "data.val_fraction=0.2",
        "model.batch_size=2",
        "trainer.max_steps=2",
    )
    checkpoint = tmp_path / "output" / "checkpoints" / "last.ckpt"
    voice = Synthesizer.from_pretrained(checkpoint, "griffin_lim")
    speech = voice.speak("ni3 hao3, shi4jie4", max_steps=20, guard=False)
    (part,) = speech.parts
    assert part.symbols == ("ni3", " ", "hao3", " ", "shi4", "jie4")
    assert part.alignments.shape[1] == 6
    assert [mark.text for mark in part.words] == ["ni3", "hao3", "shi4jie4"]
    assert len(part.phones) == 6
    assert speech.figure().axes

    folder = export(options(f"acoustic={checkpoint}", f"output={tmp_path}/exported"))
    exported = OnnxSynthesizer(folder, threads=1)
    ids = exported.encode("ni3 hao3, shi4jie4")
    assert [TABLE[i] for i in ids] == list(part.symbols)
    masks = partial(exported.draw_masks, np.random.default_rng(0))
    assert exported.decode(ids, masks, max_steps=4).alignments.shape[1] == 6
