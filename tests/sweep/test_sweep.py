"""Runs a sweep of trials that take no time: order, failures, interruptions, tables, resuming."""

import csv
import json

import pytest
from filelock import FileLock
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn, JobStatus

from tts.core.errors import InputError, RunStopped, TrainingError
from tts.sweep import GridSearch, Sweep, TrialRecord, TrialState
from tts.sweep.space import split_overrides
from tts.sweep.table import SweepTable, plain_table
from tts.sweep.trial_record import load_record


class Launcher:
    """Gives every trial the outcome that belongs to its value of ``x``."""

    def __init__(self, **outcomes):
        self.outcomes = outcomes
        self.launched = []

    def __call__(self, overrides, first):
        return [self._job(job) for job in overrides]

    def _job(self, overrides):
        options = dict(override.split("=", 1) for override in overrides)
        self.launched.append(options)
        folder = options["hydra.sweep.dir"].strip('"'), options["hydra.sweep.subdir"].strip("'")
        record = load_record(self.folder / folder[1])
        state, value = self.outcomes.get(options["x"], (TrialState.COMPLETE, float(options["x"])))
        if state is KeyboardInterrupt:
            raise KeyboardInterrupt
        reason = value if state is TrialState.FAILED else ""
        objective = value if state is TrialState.COMPLETE else None
        record = record.with_state(state, objective=objective, reason=reason, status=75)
        record.save()
        job = JobReturn(status=JobStatus.COMPLETED)
        job.return_value = record
        return job


@pytest.fixture
def sweep(tmp_path):
    """Make a sweep over x=3,1,2 with some outcomes."""

    def make(launcher=None, values="3,1,2", mode="min", **options):
        launcher = launcher or Launcher()
        launcher.folder = tmp_path / "sweep"
        space, fixed = split_overrides({}, [f"x={values}", "seed=7"], OverridesParser.create())
        results = SweepTable(launcher.folder, "val/loss", mode)
        return Sweep(launcher.folder, GridSearch(), space, fixed, launcher, results, **options)

    return make


FAILS = {"1": (TrialState.FAILED, "no such file")}


def states(records):
    return [(record.number, record.state.value) for record in records]


@pytest.mark.parametrize(("mode", "order"), [("min", [1, 2, 0]), ("max", [0, 2, 1])])
def test_the_best_is_first(mode, order, sweep):
    assert [record.number for record in sweep(mode=mode).run()] == order


def test_every_trial_gets_what_is_fixed_and_a_folder_of_its_own(sweep):
    launcher = Launcher()
    sweep(launcher).run()
    assert [job["seed"] for job in launcher.launched] == ["7"] * 3
    assert [job["hydra.sweep.subdir"] for job in launcher.launched] == ["'0'", "'1'", "'2'"]


@pytest.mark.parametrize("parallel", [1, 2])
def test_as_many_at_a_time_as_asked_for(parallel, sweep):
    batches = []
    launcher = Launcher()

    def launch(overrides, first):
        batches.append(len(overrides))
        return launcher(overrides, first)

    made = sweep(launcher, parallel=parallel)
    made.launch = launch
    made.run()
    assert batches == {1: [1, 1, 1], 2: [2, 1]}[parallel]


def test_a_failed_trial_does_not_end_the_sweep(sweep):
    made = sweep(Launcher(**FAILS))
    with pytest.raises(TrainingError, match="1 of 3 trials failed"):
        made.run()
    assert states(made.results.records) == [(2, "COMPLETE"), (0, "COMPLETE"), (1, "FAILED")]


def test_a_failed_trial_ends_the_sweep_with_on_failure_stop(sweep):
    made = sweep(Launcher(**FAILS), on_failure="stop")
    with pytest.raises(TrainingError, match="trial 1 failed: no such file"):
        made.run()
    assert states(made.results.records) == [(0, "COMPLETE"), (1, "FAILED")]


def test_failures_can_be_ignored(sweep):
    assert len(sweep(Launcher(**FAILS), on_failure="ignore").run()) == 3


def test_failures_of_all_cannot(sweep):
    fails = dict.fromkeys("123", (TrialState.FAILED, "why"))
    with pytest.raises(TrainingError, match="3 of 3"):
        sweep(Launcher(**fails), on_failure="ignore").run()


@pytest.mark.parametrize(
    ("outcome", "status"), [((TrialState.INTERRUPTED, None), 75), ((KeyboardInterrupt, None), 130)]
)
def test_an_interruption_ends_the_sweep_and_says_how_to_go_on(outcome, status, sweep):
    made = sweep(Launcher(**{"1": outcome}))
    with pytest.raises(RunStopped, match=r"sweep\.resume=") as stop:
        made.run()
    assert stop.value.status == status
    assert states(made.results.records)[0] == (0, "COMPLETE")


def test_a_resumed_sweep_keeps_what_is_finished(sweep):
    with pytest.raises(RunStopped):
        sweep(Launcher(**{"1": (TrialState.INTERRUPTED, None)})).run()
    launcher = Launcher()
    records = sweep(launcher).run()
    assert [job["x"] for job in launcher.launched] == ["1", "2"]
    assert states(records) == [(1, "COMPLETE"), (2, "COMPLETE"), (0, "COMPLETE")]


@pytest.mark.parametrize("has_checkpoint", [True, False])
def test_an_interrupted_trial_resumes_from_its_checkpoint(has_checkpoint, sweep, tmp_path):
    with pytest.raises(RunStopped):
        sweep(Launcher(**{"1": (TrialState.INTERRUPTED, None)})).run()
    left = tmp_path / "sweep" / "1" / "metrics.csv"
    left.touch()
    if has_checkpoint:
        (left.parent / "checkpoints").mkdir()
        (left.parent / "checkpoints" / "last.ckpt").touch()
    launcher = Launcher()
    sweep(launcher).run()
    assert ("ckpt_path" in launcher.launched[0]) is has_checkpoint
    assert left.exists() is has_checkpoint


@pytest.mark.parametrize("ended", [True, False])
def test_trials_whose_launcher_broke_down_are_accounted_for(ended, sweep, tmp_path):
    def launch(overrides, first):
        record = load_record(tmp_path / "sweep" / str(first))
        state = TrialState.COMPLETE if ended else TrialState.RUNNING
        record.with_state(state, objective=1.0 if ended else None).save()
        raise OSError("a worker was killed")

    made = sweep()
    made.launch = launch
    if ended:
        assert states(made.run()) == [(n, "COMPLETE") for n in range(3)]
    else:
        with pytest.raises(TrainingError, match="3 of 3"):
            made.run()
        assert "a worker was killed" in made.results.records[0].reason


def test_a_launcher_that_starts_nothing_ends_the_sweep(sweep):
    def launch(overrides, first):
        raise OSError("no sbatch here")

    made = sweep()
    made.launch = launch
    with pytest.raises(InputError, match=r"hydra\.launcher: no sbatch here"):
        made.run()


def test_two_sweeps_do_not_share_a_folder(sweep, tmp_path):
    (tmp_path / "sweep").mkdir()
    with (
        FileLock(tmp_path / "sweep" / ".lock"),
        pytest.raises(InputError, match="another sweep is running there; wait"),
    ):
        sweep().run()


def test_the_table_is_kept_in_files(sweep, tmp_path):
    with pytest.raises(TrainingError):
        sweep(Launcher(**FAILS)).run()
    with (tmp_path / "sweep" / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["trial"], r["x"], r["val/loss"], r["state"]) for r in rows] == [
        ("2", "2", "2.0", "COMPLETE"),
        ("0", "3", "3.0", "COMPLETE"),
        ("1", "1", "", "FAILED"),
    ]
    assert rows[-1]["reason"] == "no such file"
    summary = json.loads((tmp_path / "sweep" / "results.json").read_text())
    assert (summary["best"], summary["monitor"]) == (2, "val/loss")
    assert summary["trials"][0]["parameters"] == {"x": "2"}


def test_the_table_is_printed_and_names_the_best(sweep, capsys):
    with pytest.raises(TrainingError):
        sweep(Launcher(**FAILS)).run()
    table = capsys.readouterr().out.split("\n\n")[-1].splitlines()
    assert table[0].split() == ["trial", "x", "val/loss", "state", "seconds", "folder", "reason"]
    assert table[1].split()[:4] == ["2", "2", "2", "COMPLETE"]
    assert table[3].endswith("no such file")
    assert table[4] == "best: trial 2, x=2"


def test_long_reasons_are_cut_in_print_only(sweep, tmp_path, capsys):
    with pytest.raises(TrainingError):
        sweep(Launcher(**{"1": (TrialState.FAILED, "why " * 50)})).run()
    assert "why why…" in capsys.readouterr().out
    assert "why " * 50 in (tmp_path / "sweep" / "results.csv").read_text()


def test_columns_line_up():
    assert plain_table(["a", "long name"], [["12345", "1"], ["1", "2"]]) == (
        "a      long name\n12345  1\n1      2\n"
    )


def test_a_terminal_gets_a_ruled_table(sweep, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    sweep().run()
    assert "┃" in capsys.readouterr().out


def test_a_record_survives_its_file(tmp_path):
    record = TrialRecord(3, {"x": "1"}, str(tmp_path), TrialState.PRUNED, 0.5, 1.5)
    record.save()
    assert load_record(tmp_path) == record


@pytest.mark.parametrize("text", ["", "{", '{"number": 1}', "[]"])
def test_a_damaged_record_is_none(text, tmp_path):
    (tmp_path / "trial.json").write_text(text)
    assert load_record(tmp_path) is None


@pytest.mark.parametrize(
    "change",
    [
        *({"number": "../1"}, {"number": -1}, {"number": True}, {"parameters": {"a": 1}}),
        *({"parameters": [1]}, {"objective": "low"}, {"seconds": None}, {"status": "x"}),
        *({"state": "ODD"}, {"reason": 3}, {"more": 1}),
    ],
)
def test_a_record_that_no_sweep_has_written_is_none(change, tmp_path):
    record = TrialRecord(0, {"a": "1"}, str(tmp_path), TrialState.COMPLETE, 0.5)
    record.save()
    assert load_record(tmp_path) == record
    (tmp_path / "trial.json").write_text(json.dumps(record.to_dict() | change))
    assert load_record(tmp_path) is None
