"""Measures rows of the benchmark, prints a table, and writes JSON and a chart.

    python -m bench                          # everything, about 15 minutes
    python -m bench mel decoder-step         # these two rows
    python -m bench --json out.json --chart docs/performance.png

Nothing else should run on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import commands
from bench.commands import Figure
from bench.measure import BenchError, Result, describe_machine, measure, measure_machine
from bench.rows import Row, table


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0 if every row could be measured, else 1 or 2."""
    rows, figures = table(), commands.figures()
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Compare the speed of this code with NVIDIA's."
    )
    names = ", ".join([*rows, *figures])
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"some of {names}; default: all")
    parser.add_argument("--json", type=Path, default=Path("bench.json"))
    parser.add_argument("--chart", type=Path, help="draw the ratios into this PNG file")
    options = parser.parse_args(arguments)
    if unknown := set(options.rows) - {*rows, *figures}:
        sys.stderr.write(f"error: no such row: {', '.join(sorted(unknown))}; choose from {names}\n")
        return 2
    chosen = options.rows or [*rows, *figures]
    machine = measure_machine()
    print(describe_machine(), *(describe_rates(machine.flops, machine.bytes)), sep="\n")
    results: dict[str, Result] = {}
    measured: dict[str, Figure] = {}
    try:
        if row_names := [name for name in chosen if name in rows]:
            print("", HEADER, sep="\n")
        for name in row_names:
            results[name] = measure(name, rows[name], machine)
            print(*table_lines(rows[name], results[name]), sep="\n", flush=True)
        if figure_names := [name for name in chosen if name in figures]:
            print("", commands.HEADER, sep="\n")
        for name in figure_names:
            measured[name] = figures[name]()
            print(measured[name].line(), flush=True)
    except BenchError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    write_json(options.json, machine, rows, results, measured)
    if options.chart:
        from bench.chart import draw

        draw(options.chart, rows, results)
    return 0


COLUMNS = (
    "what",
    "per",
    "implementation",
    "time, ms",
    "reference / this",
    "goal",
    "floor / this",
    "memory, MB",
)
HEADER = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|"


def table_lines(row: Row, result: Result) -> list[str]:
    """Return one line of Markdown for each implementation."""
    lines = []
    reference = result.seconds.get("reference")
    for name, seconds in result.seconds.items():
        ratio = "" if reference is None else f"{reference / seconds:.2f}"
        goal = f"{row.goal}" if row.goal and name == "ours" else ""
        share = "" if result.floor_seconds is None else f"{result.floor_seconds / seconds:.0%}"
        memory = f"{result.peak_bytes[name] / 2**20:.0f}"
        cells = [row.title, row.unit, name, f"{1000 * seconds:.3g}", ratio, goal, share, memory]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def describe_rates(flops: dict[int, float], read: dict[int, float]) -> list[str]:
    """Return the lines that state the measured rates of the machine, per number of threads."""
    return [
        f"{threads} thread(s): {flops[threads] / 1e9:.0f} GFLOP/s in a matrix product, "
        f"{read[threads] / 1e9:.1f} GB/s read from memory"
        for threads in flops
    ]


def write_json(
    path: Path,
    machine: Any,
    rows: dict[str, Row],
    results: dict[str, Result],
    figures: dict[str, Figure],
) -> None:
    """Write everything that the tables show, and the rates of the machine."""
    data = {
        "machine": describe_machine(),
        "rates": asdict(machine),
        "rows": {
            name: {"title": rows[name].title, "goal": rows[name].goal, **asdict(result)}
            for name, result in results.items()
        },
        "commands": {name: asdict(figure) for name, figure in figures.items()},
    }
    path.write_text(json.dumps(data, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
