"""The benchmark of the service: its tables, and a tiny run with real servers."""

import json

import pytest

from bench.kills import JOBS, Damage, kill_workers, look_at_store
from bench.served import sentence, short_text, shuffled
from bench.service import (
    PARTS,
    Departure,
    Load,
    Memory,
    damage_table,
    departure_table,
    load_table,
    main,
    measure_departures,
    measure_load,
    measure_memory,
    memory_table,
    percentile,
    started_server,
)


def cells(line):
    return line.strip("| ").split(" | ")


def test_percentiles_are_values_that_were_measured():
    values = [0.4, 0.1, 0.3, 0.2]
    assert percentile(values, 0.5) == 0.2
    assert percentile(values, 0.95) == 0.4
    assert percentile([7.0], 0.5) == 7.0
    assert str(percentile([], 0.5)) == "nan"


def test_the_load_is_sound_over_time_and_refused_requests_are_counted():
    title, rule, *rows = load_table([Load(4, 8, [0.1, 0.2, 0.9], sound=9.0, wall=3.0, refused=1)])
    assert title.count("|") == rule.count("|")
    assert list(map(cells, rows)) == [["4", "8", "4", "0.20", "0.90", "3.0", "1"]]


def test_a_departure_is_told_by_its_worst_case():
    found = [
        Departure("before", 1, 2),
        Departure("after", 0, 5),
        Departure("after", 2, 1),
        Departure("after", 1, 9),
    ]
    assert list(map(cells, departure_table(found)[2:])) == [
        ["before the first sound", "1", "1", "2", "2"],
        ["after the first sound", "3", "2", "5", "9"],
    ]


def test_memory_is_in_megabytes():
    assert memory_table([Memory(100, 300 * 2**20)])[2:] == ["| 100 | 300 |"]


def test_faults_after_kills_are_listed_below_the_table():
    damage = Damage("worker", 2, hits=1, jobs=8, done=7, faults=["1 jobs failed (worker_lost)"])
    row, fault = damage_table([damage])[2:]
    assert cells(row) == ["worker", "2", "1", "8", "7", "0", "0", "1"]
    assert fault == "worker: 1 jobs failed (worker_lost)"


def test_the_texts_are_different():
    assert len(set(shuffled(1260, sentence))) == 1260
    assert len(set(shuffled(2070, short_text))) == 2070


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["lode"], "lode: there are load, batching"), (["--kills", "0"], "must be at least 1")],
)
def test_a_mistake_is_one_line_before_any_server_starts(capsys, arguments, words):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert words in capsys.readouterr().err.splitlines()[-1]


def test_the_figures_are_written_and_a_lost_job_is_told_by_the_status(
    tmp_path, capsys, monkeypatch
):
    damage = Damage("server", 1, jobs=4, done=3)
    monkeypatch.setitem(PARTS, "kills", lambda options: (["a table"], [damage]))
    file = tmp_path / "figures.json"
    assert main(["kills", "--json", str(file)]) == 1
    damage.done = 4
    assert main(["kills"]) == 0
    assert "a table" in capsys.readouterr().out.splitlines()
    assert json.loads(file.read_text())["kills"][0]["jobs"] == 4


@pytest.mark.slow
def test_load_departures_and_memory_are_measured():
    with started_server() as server:
        load = measure_load(server, 2, 2)
        departures = measure_departures(server, 2)
        memories = measure_memory(server, 4)
    assert load.refused == 0
    assert len(load.first) == 4
    assert 0 < min(load.first) <= max(load.first) <= load.wall
    assert load.sound > 4
    assert [each.moment for each in departures] == ["before", "after"]
    assert all(0 <= each.unheard <= min(2, each.steps) for each in departures)
    assert [each.requests for each in memories] == [1, 1, 2, 4]
    assert min(each.resident for each in memories) > 50e6


@pytest.mark.slow
def test_a_kill_of_a_worker_loses_nothing(tmp_path):
    damage = kill_workers(tmp_path, 1)
    assert damage.faults == []
    assert damage.twice == 0
    assert damage.done == damage.jobs == JOBS
    # what the look at the store would find
    row = next((tmp_path / "service" / "sound").rglob("*.flac"))
    row.write_bytes(b"")
    (tmp_path / "service" / "sound" / "stray").write_bytes(b"")
    look_at_store(damage, tmp_path)
    assert damage.leftovers == 1
    assert [fault.split(": ")[1] for fault in damage.faults] == ["another SHA-256"]
