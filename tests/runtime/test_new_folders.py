"""Folders of runs: each run has its own, and a run that is refused leaves none."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from hydra import compose, initialize_config_dir
from hydra.core import utils as hydra_utils

from tests.support.runs import CPU, QUIET, TINY_TACOTRON2, TONES
from tts.config import conf_dir, register_resolvers
from tts.config.claim_folder import ClaimFolder
from tts.runtime import new_folders
from tts.runtime.new_folders import claim_folder, note_folder, remove_traces


@pytest.fixture(autouse=True)
def _no_folders(monkeypatch):
    monkeypatch.setattr(new_folders, "_new_folders", {})


@pytest.fixture
def same_second(monkeypatch):
    """Stop the clock that names folders."""
    clock = SimpleNamespace(now=lambda: SimpleNamespace(strftime=lambda _: "noon"))
    monkeypatch.setattr(hydra_utils, "datetime", clock)


def test_claimed_folders_are_different(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: claim_folder(tmp_path / "logs" / "noon"), range(8)))
    names = {"noon", *(f"noon_{number}" for number in range(2, 9))}
    assert {folder.name for folder in folders} == names


@pytest.mark.usefixtures("same_second")
def test_runs_of_the_same_second_have_folders_of_their_own(tmp_path):
    hydra_utils.setup_globals()
    register_resolvers()
    found = []
    for kind, options in (("run", []), ("sweep", []), ("run", ["ckpt_path=last"])):
        for _ in range(2):
            with initialize_config_dir(str(conf_dir()), version_base="1.3"):
                given = [f"paths.log_dir={tmp_path}/${{x}}".replace("${", "\\${"), *options]
                config = compose("train", [*given, "data.root=x"], return_hydra_config=True)
            if kind == "run":
                ClaimFolder().on_run_start(config)
            else:
                ClaimFolder().on_multirun_start(config)
            found.append(config.hydra[kind].dir.rpartition("/")[2])
    assert found == ["noon", "noon_2", "sweep_noon", "sweep_noon_2", "noon", "noon"]
    assert (tmp_path / "${x}" / "tacotron2_ljspeech" / "noon_2").is_dir()


def test_traces_of_a_refused_run_are_removed_and_nothing_else(tmp_path):
    refused = claim_folder(tmp_path / "logs" / "voice" / "noon")
    (refused / ".hydra").mkdir()
    (refused / ".hydra" / "overrides.yaml").write_text("[]")
    (refused / "config.yaml").write_text("a: 1")
    begun = claim_folder(tmp_path / "runs" / "noon")
    (begun / "metrics.csv").write_text("step\n1\n")
    (tmp_path / "mine").mkdir()
    note_folder(tmp_path / "mine")
    note_folder(tmp_path / "mine" / "own" / "folder")
    (tmp_path / "mine" / "own" / "folder").mkdir(parents=True)
    remove_traces()
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")} == {
        *("runs", "runs/noon", "runs/noon/metrics.csv"),
        "mine",
    }


REFUSED = {
    "no corpus": [*CPU, *TINY_TACOTRON2, "data.root=/nowhere"],
    "no number": ["data.root=x", "model.lr=fast"],
    "no checkpoint": ["data.root=x", "ckpt_path=gone.ckpt"],
    "no run": ["ckpt_path=last"],
    "no metric": [*CPU, *TONES, *TINY_TACOTRON2, *QUIET, "monitor=val/los"],
    "no metric, many loggers": [*TONES, *TINY_TACOTRON2, "monitor=val/los", "logger=all"],
    "no metric in a sweep": ["-m", *TONES, *TINY_TACOTRON2, "monitor=val/los", "seed=1,2"],
    "a folder of one's own": ["data.root=x", "hydra.run.dir={folder}/a/b", "model.lr=fast"],
    "a sweep of nothing": ["-m", "sweep=optuna"],
    "a sweep that is not there": ["-m", "sweep.resume={folder}/gone", "model.lr=1,2"],
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_command_leaves_no_folder(case, command, tmp_path):
    arguments = [argument.format(folder=tmp_path) for argument in REFUSED[case]]
    status, _, err = command(
        "train", *arguments, f"paths.log_dir={tmp_path}/log", f"paths.data_dir={tmp_path}/data"
    )
    assert status == 2, err
    assert [path.name for path in tmp_path.iterdir() if path.name != "data"] == []


@pytest.mark.slow
@pytest.mark.usefixtures("same_second")
def test_two_trainings_of_the_same_second_keep_their_results(command, tmp_path):
    options = [*CPU, *TONES, *TINY_TACOTRON2, *QUIET, "trainer.max_steps=1", "name=voice"]
    paths = [f"paths.log_dir={tmp_path}/log", f"paths.data_dir={tmp_path}/data"]
    for _ in range(2):
        status, _, err = command("train", *options, *paths)
        assert status == 0, err
    folders = sorted((tmp_path / "log" / "voice").iterdir())
    assert [folder.name for folder in folders] == ["noon", "noon_2"]
    for folder in folders:
        assert (folder / "checkpoints" / "last.ckpt").is_file()
        assert (folder / ".hydra" / "overrides.yaml").is_file()
