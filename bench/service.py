"""Measures the speech service: real servers on free ports, with the voice of the package.

    python -m bench.service                       # all, less than ten minutes
    python -m bench.service load disconnect       # some parts
    python -m bench.service kills --kills 50      # the server 50 times, and a worker 50 times

The parts are ``load``, ``batching``, ``disconnect``, ``memory`` and ``kills``. Database and store
are temporary. Clients run on the same machine, so they take some of its time.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.kills import Damage, kill_servers, kill_workers
from bench.measure import BenchError, describe_machine
from bench.served import (
    Heard,
    Server,
    ask_for_speech,
    sentence,
    short_text,
    shuffled,
    speak,
    wait_until,
)

CLIENTS = (1, 4, 16)
#: Where memory is looked at, as shares of all requests.
LOOKS = (0.05, 0.25, 0.5, 1.0)
#: No limit of characters stands in the way.
_OPEN = ("limits.chars_per_minute=100000000", "limits.chars_per_day=100000000")
_STEPS = "tacoglow_decoder_steps_total"
_CANCELLED = 'tacoglow_failures_total{reason="cancelled"}'
_UNHEARD = f'{_STEPS}{{awaited="no"}}'
#: Seconds after which a decoder that goes on in vain has been found out.
_STILL = 1.0


@dataclass
class Load:
    """Holds what clients have heard that ask at the same time.

    Attributes:
        clients: their number; each asks for one sentence after the other.
        batch_size: of the server.
        first: times to the first sound, seconds.
        sound: length of all sound, seconds.
        wall: time from the first request to the last answer, seconds.
        refused: requests that got no sound.
    """

    clients: int
    batch_size: int
    first: list[float] = field(default_factory=list)
    sound: float = 0.0
    wall: float = 0.0
    refused: int = 0


@dataclass(frozen=True)
class Departure:
    """Holds what a decoder did after its client had left.

    Attributes:
        moment: when the client left: before or after the first sound.
        unheard: decoder steps that ended when the server knew that the client had left.
        steps: decoder steps since the last look at the metrics before the client left; those
            during the answer of the metrics, and until the message of the system, are included.
    """

    moment: str
    unheard: int
    steps: int


@dataclass(frozen=True)
class Memory:
    """Holds the memory of a server in RAM.

    Attributes:
        requests: number of requests until then.
        resident: bytes.
    """

    requests: int
    resident: int


def measure_load(server: Server, clients: int, sentences: int, batch_size: int = 8) -> Load:
    """Let clients ask a server of this batch size for different sentences at the same time."""
    load = Load(clients, batch_size)
    # two of them warm the server up
    texts = shuffled(clients * sentences + 2, sentence)
    for text in texts[-2:]:
        speak(server, text)
    begin = time.perf_counter()
    for heard in _at_once(clients, texts[:-2], lambda text: speak(server, text)):
        if heard is None:
            load.refused += 1
        else:
            load.first.append(heard.first)
            load.sound += heard.sound
    load.wall = time.perf_counter() - begin
    return load


def measure_departures(server: Server, repeats: int) -> list[Departure]:
    """Let clients leave while the decoder works for them, before and after the first sound."""
    found: list[Departure] = []
    chance = random.Random(0)
    speak(server, sentence(0))
    for number in range(repeats):
        moment = ("before", "after")[number % 2]
        text = " ".join(sentence(chance.randrange(1260)) for _ in range(40))
        found.append(_leave(server, f"Text {number}. {text}", moment, chance.uniform(0, 0.3)))
    return found


def _leave(server: Server, text: str, moment: str, pause: float) -> Departure:
    before, cancelled = server.metrics(_STEPS, _CANCELLED)
    connection = server.connect()
    ask_for_speech(connection, text)
    if moment == "after":
        connection.getresponse().read1(1 << 16)
    wait_until(lambda: server.metrics(_STEPS)[0] > before, "the decoder begins", 0.0)
    time.sleep(pause)
    last, unheard_before = server.metrics(_STEPS, _UNHEARD)
    # to close it would not be enough: the answer holds the socket as well
    connection.sock.shutdown(socket.SHUT_RDWR)
    connection.close()
    wait_until(lambda: server.metrics(_CANCELLED)[0] > cancelled, "the server notices")
    time.sleep(_STILL)
    steps, unheard = server.metrics(_STEPS, _UNHEARD)
    return Departure(moment, round(unheard - unheard_before), round(steps - last))


def measure_memory(server: Server, requests: int, clients: int = 2) -> list[Memory]:
    """Look at the memory of a server while it answers short requests."""
    texts, found, begin = shuffled(requests, short_text), [], 0
    for share in LOOKS:
        end = max(1, round(share * requests))
        list(_at_once(clients, texts[begin:end], lambda text: speak(server, text)))
        begin = end
        found.append(Memory(end, server.resident_bytes()))
    return found


@contextmanager
def started_server(*overrides: str) -> Iterator[Server]:
    """Give a server with a folder of its own, and end it."""
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder), *overrides) as server:
        yield server


def _at_once(
    clients: int, texts: Sequence[str], ask: Callable[[str], Heard | None]
) -> Iterator[Heard | None]:
    """Let clients ask for their shares of texts in threads; yield what they have heard."""
    answers: list[Heard | None] = []
    errors: list[Exception] = []

    def work(own: Sequence[str]) -> None:
        try:
            for text in own:
                answers.append(ask(text))
        except Exception as error:
            errors.append(error)

    threads = [
        threading.Thread(target=work, args=(texts[number::clients],)) for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise BenchError(f"a client: {errors[0]}")
    yield from answers


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that is not below a share of the values; NaN if there is none."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a table in Markdown."""
    lines = [f"| {' | '.join(cells)} |" for cells in (headings, *rows)]
    return [lines[0], "|---" * len(headings) + "|", *lines[1:]]


def load_table(loads: Sequence[Load]) -> list[str]:
    """Return the table of clients that ask at the same time."""
    headings = ("clients", "batch_size", "requests", "first sound p50, s", "p95, s",
                "seconds of sound per second", "refused")  # fmt: skip
    rows = [
        (
            str(load.clients),
            str(load.batch_size),
            str(len(load.first) + load.refused),
            f"{percentile(load.first, 0.5):.2f}",
            f"{percentile(load.first, 0.95):.2f}",
            f"{load.sound / load.wall:.1f}",
            str(load.refused),
        )
        for load in loads
    ]
    return table(headings, rows)


def departure_table(departures: Sequence[Departure]) -> list[str]:
    """Return the table of decoder steps after a client has left."""
    rows = []
    for moment in ("before", "after"):
        here = [each for each in departures if each.moment == moment]
        if here:
            steps = [each.steps for each in here]
            most = max(each.unheard for each in here)
            cells = (str(len(here)), str(most), f"{percentile(steps, 0.5):g}", str(max(steps)))
            rows.append((f"{moment} the first sound", *cells))
    headings = ("the client leaves", "times", "most steps after the server knows it",
                "steps after the last look, p50", "most")  # fmt: skip
    return table(headings, rows)


def memory_table(memories: Sequence[Memory]) -> list[str]:
    """Return the table of memory."""
    rows = [(str(each.requests), f"{each.resident / 2**20:.0f}") for each in memories]
    return table(("requests", "memory, MB"), rows)


def damage_table(damages: Sequence[Damage]) -> list[str]:
    """Return the table of what was found after kills, and the faults one by one."""
    headings = ("killed", "kills", "of these with running jobs", "jobs", "done",
                "seconds counted twice", "files without a row", "faults")  # fmt: skip
    rows = [
        (
            each.what,
            str(each.kills),
            str(each.hits),
            str(each.jobs),
            str(each.done),
            f"{each.twice:g}",
            str(each.leftovers),
            str(len(each.faults)),
        )
        for each in damages
    ]
    faults = [f"{each.what}: {fault}" for each in damages for fault in each.faults]
    return [*table(headings, rows), *faults]


def _load(options: argparse.Namespace) -> tuple[list[str], list[Any]]:
    return _loads([(clients, 8) for clients in options.clients], options.sentences)


def _batching(options: argparse.Namespace) -> tuple[list[str], list[Any]]:
    return _loads([(max(options.clients), size) for size in (1, 8)], options.sentences)


def _loads(cases: Sequence[tuple[int, int]], sentences: int) -> tuple[list[str], list[Any]]:
    """Measure numbers of clients and batch sizes, each with a server of its own."""
    loads = []
    for clients, size in cases:
        with started_server(*_OPEN, f"batch_size={size}") as server:
            loads.append(measure_load(server, clients, sentences, size))
    return load_table(loads), loads


def _disconnect(options: argparse.Namespace) -> tuple[list[str], list[Any]]:
    with started_server(*_OPEN) as server:
        departures = measure_departures(server, options.repeats)
    return departure_table(departures), departures


def _memory(options: argparse.Namespace) -> tuple[list[str], list[Any]]:
    with started_server(*_OPEN) as server:
        memories = measure_memory(server, options.requests)
    return memory_table(memories), memories


def _kills(options: argparse.Namespace) -> tuple[list[str], list[Any]]:
    damages = []
    for kill in (kill_servers, kill_workers):
        with tempfile.TemporaryDirectory() as folder:
            damages.append(kill(Path(folder), options.kills))
    return damage_table(damages), damages


PARTS = {
    "load": _load,
    "batching": _batching,
    "disconnect": _disconnect,
    "memory": _memory,
    "kills": _kills,
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0 if everything could be measured and nothing was lost, else 1."""
    parser = argparse.ArgumentParser(prog="python -m bench.service")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; default all")
    parser.add_argument("--clients", type=int, nargs="+", default=CLIENTS)
    parser.add_argument("--sentences", type=int, default=4, help="of each client")
    parser.add_argument("--repeats", type=int, default=10, help="how often a client leaves")
    parser.add_argument("--requests", type=int, default=2000, help="short ones, for the memory")
    parser.add_argument("--kills", type=int, default=5, help="of the server, and of a worker")
    parser.add_argument("--json", type=Path, help="write all figures to this file, too")
    options = parser.parse_args(arguments)
    if unknown := [part for part in options.parts if part not in PARTS]:
        parser.error(f"{unknown[0]}: there are {', '.join(PARTS)}")
    counts = (*options.clients, options.sentences, options.repeats, options.requests, options.kills)
    if min(counts) < 1:
        parser.error("all numbers must be at least 1")
    print(describe_machine())
    print(f"load of the machine before: {os.getloadavg()[0]:.1f}", flush=True)
    found: dict[str, Any] = {"machine": describe_machine(), "load": os.getloadavg()[0]}
    try:
        for part in options.parts or PARTS:
            begin = time.monotonic()
            lines, results = PARTS[part](options)
            print("", *lines, f"({part}: {time.monotonic() - begin:.0f} s)", sep="\n", flush=True)
            found[part] = [asdict(result) for result in results]
    except BenchError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    return int(
        any(each["faults"] or each["done"] < each["jobs"] for each in found.get("kills", ()))
    )


if __name__ == "__main__":
    sys.exit(main())
