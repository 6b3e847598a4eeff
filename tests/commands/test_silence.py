"""Checks that no command is silent for long: it names what takes more than a second."""

import contextlib

import pytest

from tests.support.runs import QUIET, TINY_TACOTRON2, overrides
from tts.commands import pretrained, text
from tts.commands.doctor import main as doctor
from tts.commands.prepare import main as prepare
from tts.core import progress


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    """An activity is named at once, not after a second."""
    monkeypatch.setattr(progress, "FIRST_AFTER", 0.0)


def test_synthesis_names_loading_and_speaking(command, acoustic_file, vocoder_file, tmp_path):
    networks = [f"acoustic={acoustic_file()}", f"vocoder={vocoder_file()}", "device=cpu"]
    for output in (f"{tmp_path}/a.wav", f"{tmp_path}/b/"):
        status, _, err = command(
            "synthesize", *networks, "max_steps=12", "text=one", f"output={output}"
        )
        assert status == 0
        assert "loading " in err
        assert "speaking" in err
    _, _, err = command("synthesize", *networks, "text=one", "show=true")
    assert "reading with " in err


@pytest.mark.slow
@pytest.mark.parametrize("callbacks", [["callbacks=none"], QUIET])
def test_training_names_what_comes_before_its_own_lines(command, tmp_path, callbacks):
    options = overrides(tmp_path, *TINY_TACOTRON2, *callbacks, "trainer.max_epochs=1")
    status, out, err = command("train", *options, f"hydra.run.dir={tmp_path}/run")
    assert status == 0, err
    assert "preparing the training ..." in err
    names = ("training ...",) if callbacks == ["callbacks=none"] else ("sanity check", "first step")
    for name in names:
        assert name in err
    assert ("step 1/" in out) == (callbacks is QUIET)


def test_the_tools_name_their_work(acoustic_file, capsys, monkeypatch, tmp_path):
    assert pretrained.main(["describe", str(acoustic_file())]) == 0
    assert "working ..." in capsys.readouterr().err
    assert text.main(["Some text."]) == 0
    assert "reading ..." in capsys.readouterr().err
    options = overrides(tmp_path, *TINY_TACOTRON2, "tokenizer=english")
    for main in (prepare, doctor):
        output = [f"doctor.output={tmp_path}/doctor"] if main is doctor else []
        monkeypatch.setattr("sys.argv", ["x", *options, *output])
        with contextlib.suppress(SystemExit):
            main()
        err = capsys.readouterr().err
        assert any(word in err for word in ("working", "preparing", "listening", "reading")), err
