"""Checks the commands: a mistake is one line and status 2; answers without torch come at once."""

import re
import subprocess
import sys

import pytest

from tests.support.paths import REPO
from tests.support.runs import CPU, QUIET, TINY_TACOTRON2, TONES


def paths(folder):
    return [f"paths.{name}_dir={folder}/{name}" for name in ("data", "log")]


BAD_TRAINING = {
    "misspelt override": (["model.optimzer.lr=1"], "did you mean 'optimizer'"),
    "unknown option": (["model=tacotron3"], "tacotron2"),
    "no grammar": (["model.lr=["], "model.lr=[: it must be a number"),
    "no root": (TINY_TACOTRON2, "data.download=true"),
    "root missing": (
        [*TINY_TACOTRON2, "data.root=/nowhere/LJSpeech-1.1"],
        "/nowhere/LJSpeech-1.1",
    ),
    "no metadata": ([*TINY_TACOTRON2, "data.root={folder}"], "metadata.csv"),
    "more GPUs than there are": ([*TONES, "trainer.gpus=4"], "4 GPUs, but"),
    "no such accelerator": (["data.root=x", "trainer.accelerator=abacus"], "abacus"),
    "no number of devices": (["data.root=x", "trainer.gpus=many"], "many"),
    "impossible size": (["data.root=x", "model.network.prenet_dim=0"], "prenet_dim"),
    "impossible mel": (["data.root=x", "audio.f_max=20000"], "f_max"),
    "no such symbols": (["data.root=x", "tokenizer.symbols=klingon"], "klingon"),
    "no such engine": (["data=synthetic", "data.engine=parrot"], "parrot"),
    "checkpoint missing": (["data.root=x", "ckpt_path=gone.ckpt"], "gone.ckpt"),
    "unknown loss option": ([*TONES, "loss.reduction=sum"], "reduction"),
    "no seed": ([*TONES, "seed=null"], "seed"),
    "no batch": ([*TONES, "data.batch_size=abc"], "data.batch_size"),
    "log folder": ([*TONES, "hydra.run.dir=/proc/none/run"], "/proc/none"),
    "no such precision": ([*TONES, "trainer.precision=5-bit"], "trainer"),
    "no such metric": ([*TONES, *TINY_TACOTRON2, *QUIET, "monitor=val/los"], "val/los"),
    "former key": (
        ["pretrained=waveglow_ljs_v3"],
        "pretrained=waveglow_ljs_v3: this option has another name now; "
        "write init_from=waveglow_ljs_v3",
    ),
    "not a number": ([*TONES, "model.lr=fast"], "model.lr=fast: it must be a number"),
}


@pytest.mark.parametrize("case", BAD_TRAINING)
def test_bad_training_command_is_one_line_and_saves_nothing(case, command, tmp_path, monkeypatch):
    monkeypatch.delenv("LJSPEECH_ROOT", raising=False)
    arguments, message = BAD_TRAINING[case]
    arguments = [argument.format(folder=tmp_path) for argument in arguments]
    status, _, err = command("train", *CPU, *arguments, *paths(tmp_path))
    last = err.strip().splitlines()[-1]
    assert status == 2
    assert last.startswith("error: ")
    assert message in last
    assert "Traceback" not in err
    assert not list(tmp_path.rglob("*.ckpt"))


BAD_SYNTHESIS = {
    "nothing to say": (["acoustic=x"], "text"),
    "no acoustic model": (["text=hello", "acoustic=null"], "acoustic"),
    "acoustic model missing": (["text=hello", "acoustic=gone.ckpt"], "gone.ckpt"),
    "not a checkpoint": (["text=hello", "acoustic={folder}/noise.ckpt"], "noise.ckpt"),
    "misspelt key": (["txt=hello"], "did you mean 'text'"),
    "output cannot be written": (
        ["text=hello", "acoustic=gone.ckpt", "output=/proc/none/a.wav"],
        "/proc/none/a.wav",
    ),
}


@pytest.mark.parametrize("case", BAD_SYNTHESIS)
def test_bad_synthesis_command_is_one_line(case, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "noise.ckpt").write_bytes(b"noise" * 100)
    arguments, message = BAD_SYNTHESIS[case]
    status, _, err = command("synthesize", *(a.format(folder=tmp_path) for a in arguments))
    assert status == 2
    assert err.startswith("error: ")
    assert len(err.strip().splitlines()) == 1
    assert message in err
    assert not list(tmp_path.rglob("*.wav"))


def test_from_training_to_speech(command, tmp_path):
    quiet = [o for o in QUIET if "samples" in o]
    options = [*TONES, *TINY_TACOTRON2, *quiet, *CPU, *paths(tmp_path), "trainer.max_epochs=1"]
    status, out, _ = command("train", *options, f"hydra.run.dir={tmp_path}/run")
    assert status == 0
    assert "last checkpoint" in out
    wav = tmp_path / "audio.wav"
    status, out, err = command(
        "synthesize",
        "text=hello world, I missed you so much",
        f"acoustic={tmp_path}/run/checkpoints/last.ckpt",
        f"output={wav}",
        "max_steps=30",
        "gate_threshold=0.99",
        "device=cpu",
    )
    assert (status, err) == (0, "")
    assert "synthetic corpus (tones)" in out
    assert "RTF" in out
    assert wav.stat().st_size > 1000


def test_a_sweep_has_a_folder_for_each_job(command, tmp_path):
    options = [*TONES, *TINY_TACOTRON2, *QUIET, *CPU, *paths(tmp_path), "trainer.max_epochs=1"]
    sweep = ["model.optimizer.lr=1e-3,5e-4", f"hydra.sweep.dir={tmp_path}/sweep"]
    status, _, err = command("train", "-m", *options, *sweep)
    assert status == 0, err
    for job in "01":
        assert (tmp_path / "sweep" / job / "checkpoints" / "last.ckpt").is_file()


def test_help_lists_groups_and_commands_without_torch():
    code = (
        "import sys; sys.argv = ['train.py', '--help']\n"
        "import runpy; runpy.run_path('train.py', run_name='__main__')\n"
        "sys.stdout.flush()\n"
        "assert 'torch' not in sys.modules and 'pytorch_lightning' not in sys.modules\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=True
    )
    for words in ("experiment=demo", "trainer.gpus=4", "model: ", "logger: ", "tacotron2_compact"):
        assert words in run.stdout


@pytest.mark.parametrize("name", ["train", "synthesize", "evaluate", "export", "serve"])
def test_help_shows_what_may_be_chosen_and_nothing_else(name, command):
    status, out, err = command(name, "--help")
    assert (status, err) == (0, "")
    assert not re.search(r"\$[A-Z]", out)
    assert not re.search(r"[:,] _\w+", out)
    assert "python " in out


def test_help_is_that_of_the_overrides(command):
    _, out, _ = command("synthesize", "seed=17", "--help")
    assert "seed: 17" in out
    status, _, err = command("synthesize", "sead=17", "--help")
    assert status == 2
    assert "did you mean 'seed'" in err


def test_importing_the_package_loads_nothing():
    code = "import sys, tts, tts.text, tts.core.errors; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=REPO, check=True)


def test_a_command_without_a_run_takes_flags_after_overrides(monkeypatch, capsys):
    from tts.commands.doctor import main

    monkeypatch.setattr(sys, "argv", ["doctor", "data.root=x", "--cfg", "job", "-p", "doctor"])
    main()
    out, err = capsys.readouterr()
    assert "n_shown: 3" in out
    assert err == ""
