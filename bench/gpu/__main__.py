"""Proves and measures the networks on an NVIDIA GPU, in at most eight minutes.

    python -m bench.gpu --json gpu.json           # everything, on the first GPU
    python -m bench.gpu parity waits              # these parts
    python -m bench.gpu --device cpu              # in small sizes: shows that the command works

It prints what must hold, and the speeds for docs/performance.md. A part that fails or takes too
long is reported in one line, and the others go on; the exit status is then 1. Nothing else should
run on the GPU meanwhile.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.gpu.parts import SECONDS
from bench.gpu.rows import PROOFS, ROWS, SPEEDS, Value, table
from bench.gpu.worker import start

#: Measures a part: its name, the device, whether small, and for how many seconds it may run.
Measure = Callable[[str, str, bool, float], Iterator[tuple[str, Value]]]


def main(arguments: list[str] | None = None, measure: Measure = start) -> int:
    """Run the command.

    Args:
        arguments: those of the command line.
        measure: measures a part; by default in a process of its own.

    Returns:
        0 if every part came to its end and no value is above its bound, 2 if the arguments are not
        right or there is no GPU, else 1.
    """
    parser = argparse.ArgumentParser(
        prog="python -m bench.gpu", description="Prove and measure the networks on a GPU."
    )
    names = ", ".join(SECONDS)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of {names}; default: all")
    parser.add_argument("--json", type=Path, help="write everything into this file as well")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N, or cpu with small sizes")
    parser.add_argument("--small", action="store_true", help="tiny networks, for a first try")
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - {*SECONDS}:
        return _refuse(f"no such part: {', '.join(sorted(unknown))}; choose from {names}")
    if options.json is not None and not options.json.parent.is_dir():
        return _refuse(f"--json: there is no folder {options.json.parent}")
    try:
        described = describe_device(options.device)
    except LookupError as error:
        return _refuse(str(error))
    print(described, flush=True)
    is_small = options.small or options.device == "cpu"
    results = Results({}, {}, {})
    for name in options.parts or SECONDS:
        # a small CPU may be busy with other work
        seconds = SECONDS[name] * (5 if options.device == "cpu" else 1)
        results.add(name, measure(name, options.device, is_small, seconds))
    for rows in (PROOFS, SPEEDS):
        print("", table(rows, results.found, not is_small), sep="\n")
    print("", *results.notes(), sep="\n")
    if options.json is not None:
        written = {"device": described, **results.plain()}
        options.json.write_text(json.dumps(written, indent=1) + "\n")
    return int(bool(results.failures or results.above()))


@dataclass
class Results:
    """Collects what the parts found.

    Attributes:
        found: values by "PART/NAME".
        failures: why a part did not come to its end, by its name.
        seconds: how long each part took.
    """

    found: dict[str, Value]
    failures: dict[str, str]
    seconds: dict[str, float]

    def add(self, name: str, values: Iterator[tuple[str, Value]]) -> None:
        """Take the values of a part, as far as it comes, and print a line about it."""
        begin = time.monotonic()
        try:
            for key, value in values:
                self.found[f"{name}/{key}"] = value
        except Exception as error:  # whatever it is, the other parts are measured
            self.failures[name] = " ".join(str(error).split()) or type(error).__name__
        self.seconds[name] = time.monotonic() - begin
        how = f"failed: {self.failures[name]}" if name in self.failures else "done"
        print(f"{name}: {how} ({self.seconds[name]:.0f} s)", flush=True)

    def above(self) -> list[str]:
        """Return the keys of the values that are above their bounds."""
        return [key for key, value in self.found.items() if is_above(key, value)]

    def notes(self) -> Iterator[str]:
        """Yield lines about what the table has no room for."""
        for key, value in self.found.items():
            if value.value is not None and value.note:
                yield f"{ROWS[key].title}: {value.note}"
        for key in self.above():
            row, value = ROWS[key], self.found[key]
            yield f"error: {row.title}: {value.value:.3g} {row.unit}, at most {row.bound:g}"

    def plain(self) -> dict[str, Any]:
        """Return everything in plain containers."""
        rows = {key: {**asdict(ROWS[key]), **asdict(value)} for key, value in self.found.items()}
        return {"seconds": self.seconds, "failures": self.failures, "rows": rows}


def describe_device(device: str) -> str:
    """Return the name of the device and the versions that matter.

    Raises:
        LookupError: there is no such device.
    """
    from bench.measure import describe_machine

    machine = describe_machine()
    if device == "cpu":
        return f"a CPU, in small sizes, which proves and measures nothing of a GPU; {machine}"
    import torch

    kind, _, index = device.partition(":")
    if kind != "cuda" or not (index or "0").isdigit():
        raise LookupError(f"--device {device}: give cuda, cuda:N or cpu")
    if int(index or 0) >= torch.cuda.device_count():
        raise LookupError(
            f"--device {device}: {torch.cuda.device_count()} GPUs of NVIDIA were found; "
            "--device cpu runs everything in small sizes on a CPU"
        )
    memory = torch.cuda.get_device_properties(device).total_memory / 2**30
    name, count = torch.cuda.get_device_name(device), torch.cuda.device_count()
    return f"{count} x {name}, {memory:.0f} GiB, CUDA {torch.version.cuda}; {machine}"


def is_above(key: str, found: Value) -> bool:
    """Return whether a value is above the bound of its row, or is no number."""
    bound = ROWS[key].bound
    return bound is not None and found.value is not None and not found.value <= bound


def _refuse(message: str) -> int:
    sys.stderr.write(f"error: {message}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
