"""Every mistake of a command is one line and status 2, and is found before torch is imported."""

import json
import subprocess
import sys

import pytest

from tests.support.complaints import complaints
from tests.support.paths import REPO
from tests.support.thorough import repeats
from tts.commands.command_line import hydra_arguments
from tts.commands.usage import option_groups
from tts.core.errors import InputError

TONES = ["data=synthetic", "data.engine=tones"]

#: Runs commands one after another in one process, and prints what each of them printed.
RUNNER = """
import contextlib, io, json, sys, traceback
from tts.commands import cli, doctor, export_webdataset, prepare, stats
from tts.core import output

MAINS = {
    "train": cli.train_command, "synthesize": cli.synthesize_command,
    "evaluate": cli.evaluate_command, "export": cli.export_command,
    "publish": cli.publish_command,
    "doctor": doctor.main, "stats": stats.main, "prepare": prepare.main,
    "export_webdataset": export_webdataset.main,
}
results = []
for name, *arguments in json.load(sys.stdin):
    sys.argv = [name, *arguments]
    out, err = io.StringIO(), io.StringIO()
    status = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            MAINS[name]()
        except SystemExit as end:
            status = end.code
        except BaseException:
            status = traceback.format_exc()[-400:]
    results.append([status, err.getvalue(), "torch" in sys.modules])
print(json.dumps(results))
"""


def run_all(commands, folder):
    """Return status, standard error and whether torch was imported, for each command."""
    run = subprocess.run(
        [sys.executable, "-c", RUNNER],
        cwd=folder,
        env={"PYTHONPATH": str(REPO), "PATH": "/usr/bin:/bin", "HOME": str(folder)},
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(run.stdout.splitlines()[-1])


def wrong(commands, results, expected=None, may_import_torch=False):
    """Return the commands that did not end in one line and status 2, and what they did."""
    found = {}
    for place, (command, (status, err, has_torch)) in enumerate(
        zip(commands, results, strict=True)
    ):
        lines = complaints(err).strip().splitlines()
        is_line = status == 2 and len(lines) == 1 and lines[0].startswith("error: ")
        has_words = expected is None or expected[place] in err
        if not is_line or not has_words or (has_torch and not may_import_torch):
            found[" ".join(command)] = (status, err[-300:], has_torch)
    return found


CHEAP = [
    (["train", "lr=1e-3"], "did you mean model.lr or model.optimizer.lr?"),
    (["train", "data=ljspeach"], "did you mean 'ljspeech'?"),
    (["train", "demo"], "did you mean experiment=demo?"),
    (["train", "--seed=3"], "write seed=3"),
    (["train", "--mutlirun"], "did you mean --multirun?"),
    (["train", "--cfg", "foo"], "invalid choice: 'foo'"),
    (["train", "-m", "--cfg", "job"], "give one of them at a time"),
    (["train", "café=1"], "no key has such a name"),
    (["train", "model=null"], "choose from tacotron2"),
    (["train", "~model"], "choose from tacotron2"),
    (["train", "~seed"], "write seed=VALUE"),
    (["train", "model=[tacotron2,waveglow]"], "give the name of one option"),
    (["train", *TONES, "loss.reduction=sum"], "loss.reduction=sum: it must be one of masked"),
    (["train", *TONES, "trainer.max_steps=0"], "trainer.max_steps=0: it must be 1 or more"),
    (["train", *TONES, "callbacks.ema.decay=1", "callbacks=ema"], "below 1"),
    (["train", *TONES, "data.val_fraction=2"], "data.val_fraction=2: it must be"),
    (["train", *TONES, "audio.hop_length=0"], "audio.hop_length=0"),
    (["train", *TONES, "model.network.prenet_dim=0"], "model.network.prenet_dim=0"),
    (["train", *TONES, "init_from=nothere.ckpt"], "init_from=nothere.ckpt: no such checkpoint"),
    (["train", *TONES, "init_from=voice_acustic"], "did you mean voice_acoustic?"),
    (["train", *TONES, "ckpt_path=gone.ckpt"], "ckpt_path=gone.ckpt: no such file"),
    (["train", *TONES, "tokenizer.lexicon=gone.txt"], "gone.txt: the lexicon cannot"),
    (["train", *TONES, "paths.cache_dir=/proc/none"], "paths.cache_dir=/proc/none"),
    (["train", "data.root=folx"], "folx: there is no such folder"),
    (["train", "data=csv", "data.root=.", "data.file=x.csv"], "x.csv: there is no such file"),
    (["train", "data=folder", "data.root=/a b#é"], "/a b#é: there is no such folder"),
    (["train", *TONES, "+model.max_epochs=3"], "write +trainer.max_epochs=3"),
    (["train", "-m", "model.lr=1,2", "data.root=folx"], "folx: there is no such folder"),
    (["train", "-m", *TONES, "model.lr=1,2", "seed=x"], "seed=x: it must be a whole number"),
    (["doctor", "data.root=folx"], "folx: there is no such folder"),
    (["stats", "data.root=folx"], "folx: there is no such folder"),
    (["stats", *TONES, "output=stats.jpg"], "end the name in .png"),
    (["prepare", *TONES, "loss.sigma=0", "model=waveglow"], "loss.sigma=0"),
    (["synthesize", "text=hello", "world"], 'text="hello world"'),
    (["synthesize", "hello", "world"], 'text="hello world"'),
    (["synthesize", "text="], "a text with at least one word"),
    (["synthesize", "text=hi", "acoustic=gone.ckpt"], "acoustic=gone.ckpt: no such checkpoint"),
    (["synthesize", "text=hi", "vocoder=voice_vocodr"], "did you mean voice_vocoder"),
    (["synthesize", "text=hi", "lexicon=gone.txt"], "gone.txt: the lexicon cannot be read"),
    (["synthesize", "text=hi", "max_chars=0"], "max_chars=0: it must be a whole number"),
    (["synthesize", "text=hi", "~guard"], "write guard=null"),
    (["evaluate", "acoustic=gone.ckpt"], "acoustic=gone.ckpt: no such checkpoint"),
    (["evaluate", "systems=[foo]"], "systems: there is no 'foo'"),
    (["export", "acoustic=gone.ckpt"], "acoustic=gone.ckpt: no such checkpoint"),
    (["publish", "run=voice_acoustic"], "to is required: add to=... to the command"),
    (["publish", "to=x"], "nothing to publish"),
    (["publish", "run=.", "to=x"], "has no last.ckpt"),
    (["publish", "run=voice_acoustic", "to=hf://x"], "write hf://OWNER/NAME"),
    (["synthesize", "text=hi", "acoustic=hf://x"], "write hf://OWNER/NAME"),
]


def test_cheap_mistakes_are_one_line_before_torch_is_imported(tmp_path):
    commands = [command for command, _ in CHEAP]
    results = run_all(commands, tmp_path)
    assert wrong(commands, results, [words for _, words in CHEAP]) == {}
    assert [path.name for path in tmp_path.iterdir() if path.name != "logs"] == []


FLAGS = [
    (["model=x", "-m", "model.lr=1,2"], ["model=x", "model.lr=1,2", "-m"]),
    (["--cfg", "job", "seed=3", "-p", "data"], ["seed=3", "--cfg", "job", "-p", "data"]),
    (["-sc", "install=bash"], ["install=bash", "-sc"]),
    (["seed=3", "--info", "seed=4"], ["seed=3", "seed=4", "--info"]),
    (["logger=null"], ["logger=none"]),
    (["~logger", "callbacks=null"], ["logger=none", "callbacks=none"]),
    (["experiment=null", "hardware=null", "~debug"], []),
    (["logger=[csv,tensorboard]"], ["logger=[csv,tensorboard]"]),
    (["~callbacks.progress"], ["~callbacks.progress"]),
    (["name=a;b", "-r"], ['name="a;b"', "-r"]),
]


def test_flags_stand_anywhere_and_groups_can_be_null():
    arranged = {str(typed): hydra_arguments(typed, "train") for typed, _ in FLAGS}
    assert arranged == {str(typed): wanted for typed, wanted in FLAGS}


def test_a_sweep_is_one_also_where_the_flag_is_in_the_middle():
    typed = ["data=csv", "-m", 'data.root="/a b","/c:d"', "data.file=/é,/b"]
    arranged = hydra_arguments(typed, "train")
    assert arranged == ["data=csv", 'data.root="/a b","/c:d"', 'data.file="/é",/b', "-m"]


@pytest.mark.parametrize("word", ["--foo", "-x", "--seed", "seed", "-"])
def test_a_word_that_is_no_option_is_refused(word):
    with pytest.raises(InputError):
        hydra_arguments([word], "train")


def _all_wrong_choices():
    """Yield a command for each group and each kind of value that is no name of an option."""
    for group in [*option_groups(), "paths", "hydra"]:
        values = ["unknown", "{a:1}", "3", "true", "[unknown]", "../x"]
        if group not in ("logger", "callbacks", "scheduler"):
            values += ["null"] if group not in ("experiment", "hardware", "debug") else []
        yield from (["train", f"{group}={value}"] for value in values)


SECTIONS = ["data", "model.network", "model.task", "trainer", "paths", "tokenizer", "loss", "audio"]
SCALARS = {
    "train": ["seed", "monitor", "freeze", "requeue_on", "trainer.devices", "model.lr"],
    "synthesize": ["text_file", "output", "seed", "pauses", "guard", "device", "bits", "sigma"],
    "evaluate": ["systems", "measures", "seed", "threads", "recordings"],
    "export": ["format", "opset", "precision"],
}


@pytest.mark.slow
@pytest.mark.parametrize("half", range(2))
def test_no_value_of_any_group_or_key_ends_in_a_trace(half, tmp_path):
    commands = list(_all_wrong_choices())
    commands += [["train", *TONES, f"{key}={value}"] for key in SECTIONS for value in ("3", "[1]")]
    for name, keys in SCALARS.items():
        base = {"train": TONES, "synthesize": ["text=hi"], "export": ["acoustic=voice_acoustic"]}
        for key in keys:
            commands += [
                [name, *base.get(name, []), f"{key}={value}"] for value in ("{a:1}", "[{}]")
            ]
    for name in ("doctor", "stats", "prepare"):
        commands += [[name, *TONES, option] for option in ("seed=x", "~seed", "model=x", "-m")]
    assert len(commands) > 120
    # a step of seven gives every group and key other values than its neighbour
    commands = commands[half :: repeats(7, 2)]
    # what is wrong in some of them only a network or a checkpoint can tell
    assert wrong(commands, run_all(commands, tmp_path), may_import_torch=True) == {}
