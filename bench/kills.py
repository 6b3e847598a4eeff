"""Kills servers of speech while they speak jobs, and looks whether anything was lost.

A job that loses three workers fails, because its text may be what ends them. So the next kill
waits until the jobs of the kill before the last one are done, and hits no job three times.
"""

from __future__ import annotations

import hashlib
import random
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.served import Server, put_job, wait_until

#: Jobs that are put before each kill, and the longest time until it, seconds.
JOBS, LONGEST = 4, 1.5
_SETTINGS = ("lease_seconds=2", "limits.batch=1000")
_FILE = "service/service.db"
_SOUND = "service/sound"


@dataclass
class Damage:
    """Holds what was found after kills.

    Attributes:
        what: what was killed.
        kills: how often.
        hits: kills that hit running jobs.
        jobs: jobs that were put into the queue.
        done: jobs that are done.
        twice: seconds of sound that were counted more than once.
        leftovers: files without a row, which the sweep of a process removes; parts of what is
            spoken are none, as they are kept for an hour for those who listen.
        faults: what is wrong, one line each.
    """

    what: str
    kills: int
    hits: int = 0
    jobs: int = 0
    done: int = 0
    twice: float = 0.0
    leftovers: int = 0
    faults: list[str] = field(default_factory=list)


def kill_servers(folder: Path, kills: int, seed: int = 0) -> Damage:
    """Kill the one server that answers and speaks."""
    damage = Damage("server", kills)

    def start() -> Server:
        return Server(folder, *_SETTINGS)

    with ExitStack() as stack:
        server = _kill_often(damage, folder, start, None, seed, stack)
        _finish(damage, folder, server)
    return damage


def kill_workers(folder: Path, kills: int, seed: int = 0) -> Damage:
    """Kill the worker of a server that only answers."""
    damage = Damage("worker", kills)

    def start() -> Server:
        return Server(folder, *_SETTINGS, role="worker")

    with ExitStack() as stack:
        api = stack.enter_context(Server(folder, *_SETTINGS, role="api"))
        worker = _kill_often(damage, folder, start, api, seed, stack)
        _finish(damage, folder, worker)
    return damage


def _kill_often(
    damage: Damage,
    folder: Path,
    start: Callable[[], Server],
    api: Server | None,
    seed: int,
    stack: ExitStack,
) -> Server:
    """Put jobs, kill and start again; return the last server, which runs on."""
    chance, rounds = random.Random(seed), [[], []]  # type: tuple[random.Random, list[list[str]]]
    running = stack.enter_context(start())
    for kill in range(damage.kills):
        texts = [f"Text {kill} of {number}. It is spoken once." for number in range(JOBS)]
        rounds.append([put_job(api or running, text) for text in texts])
        damage.jobs += JOBS
        wait_until(lambda: _all_ended(folder, rounds[-3]), "former jobs are done")
        wait_until(lambda: not _none_begun(folder, rounds[-1]), "a job is begun")
        time.sleep(chance.uniform(0, LONGEST))
        running.kill()
        damage.hits += "running" in _states(folder, rounds[-1] + rounds[-2])
        _look_at_database(damage, folder)
        running = stack.enter_context(start())
    return running


def _finish(damage: Damage, folder: Path, running: Server) -> None:
    """Wait until all jobs have ended, and look at everything."""
    ids = [row[0] for row in _query(folder, "SELECT id FROM job")]
    wait_until(lambda: _all_ended(folder, ids), "all jobs are done")
    if status := running.stop():
        damage.faults.append(f"exit status {status} after SIGTERM")
    _look_at_database(damage, folder)
    states = _query(folder, "SELECT state, error_code, COUNT(*) FROM job GROUP BY 1, 2")
    damage.done = sum(number for state, _, number in states if state == "done")
    damage.faults += [f"{n} jobs {state} ({code})" for state, code, n in states if state != "done"]
    ((counted,),) = _query(folder, "SELECT SUM(seconds) FROM usage")
    ((made, n_unspoken),) = _query(
        folder, "SELECT SUM(seconds), SUM(state != 'spoken') FROM utterance"
    )
    damage.twice = round(counted - made, 3) + 0.0  # no -0
    if n_unspoken:
        damage.faults.append(f"{n_unspoken} utterances without sound")
    look_at_store(damage, folder)


def _look_at_database(damage: Damage, folder: Path) -> None:
    for check in ("integrity_check", "foreign_key_check"):
        found = _query(folder, f"PRAGMA {check}")
        if found not in ([], [("ok",)]):
            damage.faults.append(f"{check}: {found[:3]}")


def look_at_store(damage: Damage, folder: Path) -> None:
    """Compare the files with their rows, before and after the sweep of a starting process."""
    from tts.serving.data.database import Database
    from tts.serving.store import SoundStore, rendition_name

    rows = _query(folder, "SELECT utterance_id, format, sample_rate, sha256 FROM rendition")
    if len(rows) != damage.jobs:
        damage.faults.append(f"{len(rows)} renditions of {damage.jobs} jobs")
    expected = {rendition_name(*row[:3]): row[3] for row in rows}
    unknown = _files(folder) - expected.keys()
    damage.leftovers = sum(not name.endswith(".part") for name in unknown)
    with closing(Database.open(f"sqlite:///{folder / _FILE}")) as database:
        # nobody writes any more, so that every file without a row is a leftover
        SoundStore.open(str(folder / _SOUND), database).sweep(abandoned_after=-60)
    for name in sorted(_files(folder) ^ expected.keys()):
        damage.faults.append(f"{name}: either file or row is missing")
    for name, digest in expected.items():
        path = folder / _SOUND / name
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            damage.faults.append(f"{name}: another SHA-256")


def _files(folder: Path) -> set[str]:
    root = folder / _SOUND
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def _states(folder: Path, ids: list[str]) -> list[str]:
    states = dict(_query(folder, "SELECT id, state FROM job"))
    return [states[job] for job in ids]


def _none_begun(folder: Path, ids: list[str]) -> bool:
    return set(_states(folder, ids)) <= {"queued"}


def _all_ended(folder: Path, ids: list[str]) -> bool:
    return not {"queued", "running"} & set(_states(folder, ids))


def _query(folder: Path, text: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / _FILE, timeout=30)) as database:
        return database.execute(text).fetchall()
