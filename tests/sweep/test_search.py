"""Search spaces as they are typed, grids, and resumed Optuna studies."""

import sqlite3
from contextlib import closing

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from tts.core.errors import InputError
from tts.sweep import GridSearch, OptunaSearch, TrialRecord, TrialState
from tts.sweep.space import distribution, split_overrides

RANDOM = {"_target_": "optuna.samplers.RandomSampler", "seed": 3}


def space(*arguments, configured=None):
    return split_overrides(configured or {}, arguments, OverridesParser.create())


def search(n_trials=4, **options):
    return OptunaSearch(n_trials, "min", RANDOM, **options)


def begun(folder, *arguments, records=None, **options):
    folder.mkdir(exist_ok=True)
    found = search(**options)
    found.begin(space(*arguments or ("lr=interval(0.0,1.0)",))[0], folder, records or {})
    return found


def ended(trial, folder, state=TrialState.COMPLETE, objective=1.0):
    return TrialRecord(trial.number, trial.parameters, str(folder), state, objective)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("x=1,2,4", CategoricalDistribution(["1", "2", "4"])),
        ("x=choice(adam,adamw)", CategoricalDistribution(["adam", "adamw"])),
        ("x=interval(0.5,2)", FloatDistribution(0.5, 2.0)),
        ("x=tag(log,interval(1e-5,1e-2))", FloatDistribution(1e-5, 1e-2, log=True)),
        ("x=int(interval(2,8))", IntDistribution(2, 8)),
        ("x=tag(log,int(interval(2,8)))", IntDistribution(2, 8, log=True)),
        ("x=range(4,13,4)", IntDistribution(4, 12, step=4)),
        ("x=range(0.0,0.5,0.25)", FloatDistribution(0.0, 0.25, step=0.25)),
    ],
)
def test_what_is_typed_becomes_a_distribution(typed, expected):
    searched, _ = space(typed)
    assert distribution("x", searched["x"]) == expected


@pytest.mark.parametrize("typed", ["x=interval(2.0,1.0)", "x=tag(log,interval(0.0,1.0))"])
def test_nothing_to_draw_from_is_one_line(typed):
    searched, _ = space(typed)
    with pytest.raises(InputError, match=r"^x=.*(low|value)"):
        distribution("x", searched["x"])


@pytest.mark.parametrize(
    ("typed", "searched", "fixed"),
    [
        ([], {"lr", "size"}, []),
        (["lr=0.1"], {"size"}, ["lr=0.1"]),
        (["lr=1,2", "seed=7"], {"lr", "size"}, ["seed=7"]),
    ],
)
def test_the_command_line_wins_over_the_configured_space(typed, searched, fixed):
    found = space(*typed, configured={"lr": "interval(0.0,1.0)", "size": "choice(1,2)"})
    assert (set(found[0]), found[1]) == (searched, fixed)


def test_a_grid_is_every_combination(tmp_path):
    grid = GridSearch()
    grid.begin(space("a=1,2", "b=range(0,3)")[0], tmp_path, {})
    trials = grid.ask(100)
    assert [tuple(trial.parameters.values()) for trial in trials] == [
        (a, b) for a in "12" for b in "012"
    ]
    assert [trial.number for trial in trials] == list(range(grid.total)) == list(range(6))


def test_a_grid_needs_single_values(tmp_path):
    with pytest.raises(InputError, match=r"a=interval\(0,1\): a grid"):
        GridSearch().begin(space("a=interval(0,1)")[0], tmp_path, {})


def test_a_resumed_grid_does_what_is_left(tmp_path):
    states = [TrialState.COMPLETE, TrialState.RUNNING, TrialState.FAILED]
    records = {n: TrialRecord(n, {"a": str(n)}, "", state) for n, state in enumerate(states)}
    grid = GridSearch()
    grid.begin(space("a=0,1,2,3")[0], tmp_path, records)
    assert [trial.number for trial in grid.ask(9)] == [1, 3]


def test_another_grid_is_not_resumed(tmp_path):
    grid = GridSearch()
    with pytest.raises(InputError, match="trial 0 was of another grid"):
        grid.begin(space("a=1,2")[0], tmp_path, {0: TrialRecord(0, {"a": "3"}, "")})


def test_suggestions_stay_within_the_space_and_number(tmp_path):
    found = begun(tmp_path, "lr=tag(log,interval(1e-4,1e-2))", "model=a,b", n_trials=3)
    trials = found.ask(2) + found.ask(2)
    assert [trial.number for trial in trials] == [0, 1, 2]
    assert found.ask(1) == []
    for trial in trials:
        assert 1e-4 <= float(trial.parameters["lr"]) <= 1e-2
        assert trial.parameters["model"] in "ab"


def test_a_study_outlives_its_sweep(tmp_path):
    first = begun(tmp_path)
    done, running = first.ask(2)
    first.tell(ended(done, tmp_path))
    second = begun(tmp_path)
    again, *new = second.ask(9)
    assert again == running
    assert [trial.number for trial in new] == [2, 3]
    assert new[0].parameters != done.parameters


def test_a_trial_that_ended_unheard_is_settled(tmp_path):
    (trial,) = begun(tmp_path).ask(1)
    second = begun(tmp_path, records={0: ended(trial, tmp_path, objective=0.25)})
    assert [t.number for t in second.ask(9)] == [1, 2, 3]
    assert second.study.best_value == 0.25


def test_a_resumed_sampler_does_not_suggest_the_same_again(tmp_path):
    first = begun(tmp_path, n_trials=2)
    before = [trial.parameters for trial in first.ask(2)]
    for number, parameters in enumerate(before):
        first.tell(TrialRecord(number, parameters, "", TrialState.COMPLETE, 1.0))
    after = [trial.parameters for trial in begun(tmp_path, n_trials=4).ask(2)]
    assert not [parameters for parameters in after if parameters in before]


def test_another_space_is_not_resumed(tmp_path):
    begun(tmp_path).ask(1)
    with pytest.raises(InputError, match="repeat the options"):
        begun(tmp_path, "lr=interval(0.0,2.0)")


@pytest.mark.parametrize("state", [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED])
def test_the_study_learns_how_a_trial_ended(state, tmp_path):
    found = begun(tmp_path)
    (trial,) = found.ask(1)
    objective = None if state is TrialState.FAILED else 2.0
    assert found.tell(ended(trial, tmp_path, state, objective)).state is state
    name = found.study.trials[0].state.name
    assert name == ("FAIL" if state is TrialState.FAILED else state.value)


def test_a_database_of_many_studies_needs_a_name(tmp_path):
    with pytest.raises(InputError, match=r"sweep\.study"):
        begun(tmp_path, storage=f"sqlite:///{tmp_path}/shared.db")


def test_two_machines_share_a_study(tmp_path):
    options = {"storage": f"sqlite:///{tmp_path}/shared.db", "study": "both"}
    one = begun(tmp_path / "one", **options)
    assert [trial.number for trial in one.ask(1)] == [0]
    two = begun(tmp_path / "two", **options)
    assert [trial.number for trial in two.ask(9)] == [1, 2, 3]


def test_a_journal_is_kept_like_a_database(tmp_path):
    (trial,) = begun(tmp_path, storage="journal").ask(1)
    assert begun(tmp_path, storage="journal").ask(1) == [trial]
    assert (tmp_path / "study.journal").is_file()


def test_a_database_out_of_reach_is_one_line(tmp_path):
    with pytest.raises(InputError, match=r"^sweep\.storage=nowhere:"):
        begun(tmp_path, storage="nowhere://here", study="any")


JOURNALS = {
    "garbage": b"\x00\xffgarbage\n",
    "another list": b"[1, 2]\n",
    "unknown operation": b'{"op_code": 99}\n',
    "deep nesting": b"[" * 100_000 + b"\n",
}
DATABASES = {"garbage": b"garbage" * 100, "cut": b"SQLite format 3\x00" + bytes(84)}


@pytest.mark.parametrize(
    ("storage", "file", "content"),
    [
        *(pytest.param("journal", "study.journal", c, id=n) for n, c in JOURNALS.items()),
        *(pytest.param(None, "study.db", c, id=f"db {n}") for n, c in DATABASES.items()),
    ],
)
def test_a_damaged_study_is_one_line(storage, file, content, tmp_path):
    (tmp_path / file).write_bytes(content)
    search = OptunaSearch(3, "min", RANDOM, storage=storage)
    with pytest.raises(InputError, match=rf"{file}: ") as error:
        search.begin(space("x=interval(0.0,1.0)")[0], tmp_path, {})
    assert "\n" not in str(error.value)


def test_a_journal_whose_last_line_was_cut_by_a_kill_goes_on(tmp_path):
    first = begun(tmp_path, storage="journal")
    first.tell(ended(first.ask(1)[0], tmp_path))
    journal = tmp_path / "study.journal"
    whole = journal.read_bytes()
    for cut in (1, 7, 40):
        journal.write_bytes(whole[:-cut])
        again = begun(tmp_path, storage="journal")
        assert again.ask(1)
        assert begun(tmp_path, storage="journal").ask(1)


def test_a_database_of_another_program_is_one_line(tmp_path):
    with closing(sqlite3.connect(tmp_path / "study.db")) as database:
        database.execute("create table studies (a int)")
        database.commit()
    search = OptunaSearch(3, "min", RANDOM)
    with pytest.raises(InputError, match=r"study\.db: .*another program"):
        search.begin(space("x=interval(0.0,1.0)")[0], tmp_path, {})


def test_a_study_of_the_other_direction_is_refused(tmp_path):
    space_ = space("x=interval(0.0,1.0)")[0]
    OptunaSearch(3, "min", RANDOM).begin(space_, tmp_path, {})
    with pytest.raises(InputError, match="direction minimize, and monitor_mode=max is another"):
        OptunaSearch(3, "max", RANDOM).begin(space_, tmp_path, {})
