"""Runs each network once with all loggers, and reads back everything in docs/dashboards.md."""

import csv
import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import yaml

from tests.support.paths import REPO
from tests.support.runs import TINY_TACOTRON2, TINY_WAVEGLOW, run
from tts.core.errors import InputError
from tts.loggers.builders import last_wandb_id, tensorboard_logger, wandb_logger
from tts.loggers.csv_logger import CSVLogger

DOCS = (REPO / "docs" / "dashboards.md").read_text()
ROWS = re.findall(r"^\| `([a-z]+/[^`]+|epoch)` \| ([^|]+) \|", DOCS, re.M)
NETWORKS = {"tacotron2": ("T2", TINY_TACOTRON2), "waveglow": ("WG", TINY_WAVEGLOW)}
PARTS = {
    "tacotron2": ["embedding", "encoder", "decoder", "postnet"],
    "waveglow": ["upsample", "envelope", "flows"],
}
KINDS = ["teacher_forced", "free_running"]
PICTURES = {
    "tacotron2": [f"{what}_{kind}" for what in ("alignment", "gate") for kind in KINDS] + ["mel"],
    "waveglow": ["mel"],
}
SOUNDS = {
    "tacotron2": [f"audio_{kind}" for kind in ("target", *KINDS)],
    "waveglow": ["audio_target", "audio_inverse"],
}
ONCE = "audio_target"
STEPS = [2, 4]  # of the two validations


def expand(name, network):
    """Return the names that a name with braces stands for."""
    return [
        name.replace("{kind}", kind).replace("{part}", part)
        for kind, part in itertools.product(
            KINDS if "{kind}" in name else [""], PARTS[network] if "{part}" in name else [""]
        )
    ]


def documented(network):
    """Return the scalars that each run of this network logs on a CPU, and those it may log."""
    always, sometimes = set(), set()
    for name, where in ROWS:
        only, *condition = where.split("; ")
        if only in ("both", NETWORKS[network][0]):
            (sometimes if condition else always).update(expand(name, network))
    return always, sometimes


def read_csv(folder):
    with (folder / "metrics.csv").open() as file:
        return [
            {name: float(value) for name, value in row.items() if value}
            for row in csv.DictReader(file)
        ]


def read_tensorboard(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    everything = dict.fromkeys(("scalars", "images", "audio", "tensors"), 0)
    return EventAccumulator(str(folder / "tensorboard"), everything).Reload()


def read_wandb(folder):
    (path,) = (folder / "wandb").glob("offline-run-*/*.wandb")
    command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(path)]
    lines = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=120, cwd=folder
    ).stdout.splitlines()
    records = [json.loads(line) for line in lines]
    return SimpleNamespace(
        history=[r["history"]["item"] for r in records if r["type"] == "history"],
        config=[r["config"]["update"] for r in records if r["type"] == "config"],
        artifacts=[r["artifact"] for r in records if r["type"] == "artifact"],
        folder=path.parent,
    )


@pytest.fixture(scope="module", params=NETWORKS)
def logged(request, tmp_path_factory):
    """Train two epochs with a validation after each, and read all logs back."""
    pytest.importorskip("tensorboard")
    folder = tmp_path_factory.mktemp(request.param)
    options = ["logger=all", "trainer.max_epochs=2", "trainer.log_every_n_steps=1"]
    options += ["callbacks.samples.n_samples=1", "logger.wandb.log_model=true"]
    with pytest.MonkeyPatch.context() as patch:
        # artifacts wait here for `wandb sync`
        patch.setenv("WANDB_DATA_DIR", str(folder / "waiting"))
        patch.setenv("WANDB_CACHE_DIR", str(folder / "cache"))
        run(folder, *NETWORKS[request.param][1], *options)
    output = folder / "output"
    return SimpleNamespace(
        network=request.param,
        folder=output,
        csv=read_csv(output),
        tensorboard=read_tensorboard(output),
        wandb=read_wandb(output),
    )


def scalars(logged, logger):
    """Return ``{name: {step: value}}`` of one logger."""
    actual = {}
    if logger == "tensorboard":
        for name in logged.tensorboard.Tags()["scalars"]:
            actual[name] = {e.step: e.value for e in logged.tensorboard.Scalars(name)}
        return actual
    rows = logged.csv if logger == "csv" else logged.wandb.history
    for row in rows:
        step = int(row["step" if logger == "csv" else "trainer/global_step"])
        for name, value in row.items():
            # leave out W&B's own names, and those of pictures and sound (TAG._type, ...)
            if not name.startswith("_") and "." not in name:
                actual.setdefault(name, {})[step] = value
    actual.pop("step", None)
    actual.pop("trainer/global_step", None)
    return actual


@pytest.mark.slow
@pytest.mark.parametrize("logger", ["csv", "tensorboard", "wandb"])
def test_every_scalar_of_the_page_is_logged_and_no_other(logged, logger):
    always, sometimes = documented(logged.network)
    names = set(scalars(logged, logger))
    assert always - names == set()
    assert names - always - sometimes == set()


@pytest.mark.parametrize("logger", ["tensorboard", "wandb"])
def test_all_loggers_have_the_same_values(logged, logger):
    def rounded(values):
        return {
            name: {step: pytest.approx(value, rel=1e-5, abs=1e-9) for step, value in steps.items()}
            for name, steps in values.items()
        }

    assert scalars(logged, logger) == rounded(scalars(logged, "csv"))


def test_training_scalars_come_with_every_step_and_the_others_with_validations(logged):
    actual = scalars(logged, "csv")
    assert all(list(actual[name]) == [0, 1, 2, 3] for name in actual if name.startswith("train/"))
    assert all(list(actual[name]) == [1, 3] for name in actual if name.startswith("val/"))


def test_values_mean_what_the_page_says(logged):
    last = {name: list(values.values())[-1] for name, values in scalars(logged, "csv").items()}
    parts = [last[f"train/gradient_norm_{part}"] for part in PARTS[logged.network]]
    assert sum(norm**2 for norm in parts) ** 0.5 == pytest.approx(last["train/gradient_norm"])
    assert 0.05 < last["train/memory_process_gb"] < 64
    assert 0 <= last["train/data_wait"] < 1
    assert last["train/steps_per_second"] > 0
    work = "frames" if logged.network == "tacotron2" else "samples"
    counts = list(scalars(logged, "csv")[f"train/{work}_seen"].values())
    # two passes over the same corpus
    assert counts == sorted(counts)
    assert counts[3] == 2 * counts[1]
    if logged.network == "tacotron2":
        assert 0 <= last["train/padding"] < 0.9


def tags(logged, kinds, step):
    """Return the expected tags of a validation; only the first has the recording."""
    return {f"{kind}/tones-00003" for kind in kinds if not (kind == ONCE and step != STEPS[0])}


@pytest.mark.parametrize("step", STEPS)
def test_tensorboard_has_every_picture_and_sound(logged, step):
    events = logged.tensorboard
    actual = {}
    for what, read in (("images", events.Images), ("audio", events.Audio)):
        actual[what] = {tag for tag in events.Tags()[what] if step in {e.step for e in read(tag)}}
    assert actual["images"] == tags(logged, PICTURES[logged.network], step)
    assert actual["audio"] == tags(logged, SOUNDS[logged.network], step)


@pytest.mark.parametrize("step", STEPS)
def test_wandb_has_every_picture_and_sound(logged, step):
    actual = {"images/separated": set(), "audio": set()}
    for row in logged.wandb.history:
        for name, value in row.items():
            if name.endswith("._type") and row["trainer/global_step"] == step:
                actual[value].add(name.removesuffix("._type"))
    assert actual["images/separated"] == tags(logged, PICTURES[logged.network], step)
    assert actual["audio"] == tags(logged, SOUNDS[logged.network], step)
    files = list((logged.wandb.folder / "files" / "media").rglob("*.*"))
    assert {path.suffix for path in files} == {".png", ".wav"}
    assert all(path.stat().st_size > 100 for path in files)


@pytest.mark.parametrize("step", STEPS)
def test_folder_has_every_picture_and_sound(logged, step):
    actual = {path.name for path in (logged.folder / "samples" / f"step_{step:06d}").iterdir()}
    endings = {**dict.fromkeys(PICTURES[logged.network], "png")}
    endings |= dict.fromkeys(SOUNDS[logged.network], "wav")
    expected = tags(logged, endings, step)
    assert actual == {f"{t.replace('/', '_')}.{endings[t.split('/')[0]]}" for t in expected}


def facts(logged, logger):
    """Return configuration and facts of one logger."""
    if logger == "wandb":
        (config,) = [update for update in logged.wandb.config if "facts" in update]
        return config
    if logger == "csv":
        return yaml.safe_load((logged.folder / "hparams.yaml").read_text())
    (event,) = logged.tensorboard.Tensors("config/text_summary")
    text = event.tensor_proto.string_val[0].decode()
    return yaml.safe_load(text.removeprefix("```yaml\n").removesuffix("```"))


@pytest.mark.parametrize("logger", ["csv", "tensorboard", "wandb"])
def test_every_logger_has_configuration_and_facts(logged, logger):
    shown = facts(logged, logger)
    assert shown["model"]["name"] == f"{logged.network}_compact"
    assert shown["data"]["corpus"]["engine"] == "tones"
    known = shown["facts"]
    assert re.fullmatch(r"[0-9a-f]{12}", known["corpus_fingerprint"])
    assert known["parameters"] > 1000
    assert known["torch"] == torch.__version__
    assert {"git", "python", "numpy", "tacoglow", "device", "processes"} <= known.keys()
    assert known == json.loads((logged.folder / "facts.json").read_text())


def test_fingerprint_is_that_of_the_corpus(logged):
    from tts.data import SyntheticCorpus

    corpus = facts(logged, "csv")["data"]["corpus"]
    options = {name: value for name, value in corpus.items() if name != "_target_"}
    assert facts(logged, "csv")["facts"]["corpus_fingerprint"] == (
        SyntheticCorpus(**options).fingerprint()
    )


def test_tensorboard_compares_runs_by_the_monitored_metric(logged):
    hparams = logged.tensorboard.summary_metadata["_hparams_/experiment"]
    assert b"val/loss" in hparams.plugin_data.content
    assert b"model/network/" in hparams.plugin_data.content


def test_checkpoints_are_artifacts_offline(logged):
    artifacts = logged.wandb.artifacts
    names = {json.loads(artifact["metadata"])["original_filename"] for artifact in artifacts}
    assert "last.ckpt" in names
    assert any(name.startswith("step_") for name in names)
    assert {"latest", "best"} <= {alias for a in artifacts for alias in a["aliases"]}
    assert all(Path(a["manifest"]["contents"][0]["local_path"]).is_file() for a in artifacts)


def test_page_has_a_row_for_each_scalar_once():
    names = [name for name, _ in ROWS]
    assert len(names) > 40
    assert len(set(names)) == len(names)


@pytest.mark.slow
def test_resumed_run_continues_its_curves(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    options = [*TINY_TACOTRON2, "logger=tensorboard", "trainer.log_every_n_steps=1"]
    options += ["callbacks.samples=null"]
    run(tmp_path, *options, "trainer.max_epochs=3")
    first = read_csv(tmp_path / "output")
    checkpoint = sorted((tmp_path / "output" / "checkpoints").glob("step_*.ckpt"))[1]
    assert checkpoint.name == "step_0000004.ckpt"
    run(tmp_path, *options, "trainer.max_epochs=4", f"ckpt_path={checkpoint}")
    rows = read_csv(tmp_path / "output")
    steps = [(int(row["step"]), "val/loss" in row) for row in rows]
    assert steps == [(n, val) for n in range(8) for val in ([False, True] if n % 2 else [False])]
    assert rows[:6] == first[:6]
    events = EventAccumulator(str(tmp_path / "output" / "tensorboard"), {"scalars": 0}).Reload()
    assert [e.step for e in events.Scalars("val/loss")] == [1, 3, 5, 7]
    counts = [row["train/frames_seen"] for row in rows if "train/frames_seen" in row]
    assert counts[7] == pytest.approx(2 * counts[3])


def test_csv_keeps_every_row_whatever_comes_late(tmp_path):
    logger = CSVLogger(tmp_path, name="", version="")
    logger.log_metrics({"a": 1.0, "epoch": 0}, step=0)
    logger.log_metrics({"a": 2.0, "b": float("nan")}, step=1)
    logger.log_metrics({"c": 3.0}, step=1)
    text = (tmp_path / "metrics.csv").read_text()
    assert text.splitlines() == ["step,epoch,a,b,c", "0,0,1.0,,", "1,,2.0,nan,", "1,,,,3.0"]
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.csv"]


def test_csv_is_there_at_once(tmp_path):
    logger = CSVLogger(tmp_path, name="", version="")
    for step in range(3):
        logger.log_metrics({"a": 1.0}, step=step)
        assert len((tmp_path / "metrics.csv").read_text().splitlines()) == step + 2


def test_csv_continues_after_a_kill(tmp_path):
    first = CSVLogger(tmp_path, name="", version="")
    for step in range(5):
        first.log_metrics({"a": step, "b": 2 * step}, step=step)
    whole = (tmp_path / "metrics.csv").read_text()
    (tmp_path / "metrics.csv").write_text(whole[:-3])  # in the middle of the last row
    again = CSVLogger(tmp_path, name="", version="")
    again.rewind(3)
    again.log_metrics({"a": 30, "c": 1}, step=3)
    rows = read_csv(tmp_path)
    assert [row["a"] for row in rows] == [0, 1, 2, 30]
    assert rows[3] == {"step": 3, "a": 30, "c": 1}


def test_new_run_in_an_old_folder_begins_new_curves(tmp_path):
    CSVLogger(tmp_path, name="", version="").log_metrics({"a": 1}, step=5)
    again = CSVLogger(tmp_path, name="", version="")
    again.rewind(0)
    again.log_metrics({"a": 2}, step=0)
    assert [row["a"] for row in read_csv(tmp_path)] == [2]


def test_wandb_continues_the_run_of_its_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "x" * 40)
    monkeypatch.delenv("WANDB_MODE")
    for name in ("run-20260102_030405-old1", "run-20260203_040506-new2", "offline-run-2-x"):
        (tmp_path / "wandb" / name).mkdir(parents=True)
    assert last_wandb_id(tmp_path) == "new2"
    ids = [
        wandb_logger(str(tmp_path), project="p", resumes=resumes, offline=offline).version
        for resumes, offline in [("last.ckpt", None), (None, None), ("last.ckpt", True)]
    ]
    assert ids == ["new2", None, None]


def test_tensorboard_that_is_not_there_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(InputError, match=r"pip install 'tacoglow\[tensorboard\]'"):
        tensorboard_logger(save_dir="unused")
