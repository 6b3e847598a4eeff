"""Korean is rendered, trained, aligned and spoken, without a corpus."""

import numpy as np
import pytest

from tests.support.runs import CPU, QUIET, TINY_TACOTRON2
from tts.align import align
from tts.config import compose, resolved
from tts.inference import Synthesizer
from tts.text.jamo import to_jamo
from tts.train import run_training


@pytest.mark.slow
def test_korean_is_rendered_trained_aligned_and_spoken(tmp_path):
    pytest.importorskip("espeakng_loader", reason="pip install 'tacoglow[espeak]'")
    given = [
        "data=synthetic_korean",
        "data.minutes=0.3",
        "data.val_fraction=0.2",
        "tokenizer=korean",
        *(f"paths.{name}_dir={tmp_path}/{name}" for name in ("data", "log", "output", "cache")),
        *TINY_TACOTRON2,
        *QUIET,
        *CPU,
        "model.batch_size=2",
        "trainer.max_steps=2",
    ]
    config = resolved(compose([*given, f"paths.output_dir={tmp_path}/run"]))
    assert np.isfinite(run_training(config, tmp_path / "run")["val/loss"])
    checkpoint = tmp_path / "run" / "checkpoints" / "last.ckpt"

    durations = [f"durations={tmp_path}/durations", f"acoustic={checkpoint}", "task=align"]
    assert align(resolved(compose([*given, *durations]))) == 0
    grids = sorted((tmp_path / "durations").glob("*.TextGrid"))
    assert len(grids) > 3
    assert f'text = "{to_jamo("다")[0]}"' in grids[0].read_text(encoding="utf-8")

    speech = Synthesizer.from_pretrained(checkpoint).speak("물 두 잔.", max_steps=10, guard=False)
    (part,) = speech.parts
    assert "".join(part.symbols) == to_jamo("물 두 잔.")
    assert [mark.text for mark in part.words] == ["물", "두", "잔"]
    assert len(speech.wave) > 0
