"""``python -m bench.gpu`` runs to its end, on a CPU and on the GPU that is not there."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch

from bench.gpu.__main__ import is_above, main
from bench.gpu.parity import mixing_error
from bench.gpu.parts import SECONDS
from bench.gpu.rows import NOT_MEASURED, ROWS, SPEEDS, Value, table
from bench.gpu.sizes import SMALL
from bench.gpu.waits import counted_waits
from bench.gpu.work import NO_DROPOUT, Bench, tf32
from bench.gpu.worker import PartError, measure, start
from tests.support.fake_device import DEVICE, HOST, FakeDevice
from tests.support.paths import REPO
from tts.models.waveglow import flow

PAGE = (REPO / "docs" / "performance.md").read_text()


def here(name, device, is_small, seconds):
    return measure(name, device, is_small)


def never(*_):
    raise AssertionError("nothing is measured")


def test_it_may_take_eight_minutes():
    assert sum(SECONDS.values()) <= 8 * 60


def test_every_row_belongs_to_a_part():
    assert {row.part for row in ROWS.values()} == {*SECONDS}
    assert len({row.title for row in ROWS.values()}) == len(ROWS)


def test_the_page_shows_what_nobody_has_measured():
    assert table(SPEEDS, {}).count(NOT_MEASURED) == len(SPEEDS)
    assert table(SPEEDS, {}) in PAGE


def test_without_a_gpu_it_says_so(capsys):
    assert main([], never) == 2
    output, error = capsys.readouterr()
    assert output == ""
    assert error == (
        "error: --device cuda: 0 GPUs of NVIDIA were found; "
        "--device cpu runs everything in small sizes on a CPU\n"
    )


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["parity", "speed"], "no such part: speed; choose from parity, "),
        (["--device", "tpu"], "--device tpu: give cuda, cuda:N or cpu"),
        (["--device", "cuda:x"], "--device cuda:x: give cuda, cuda:N or cpu"),
        (["--json", "nowhere/gpu.json"], "--json: there is no folder nowhere"),
    ],
)
def test_mistakes_are_one_line(arguments, why, capsys):
    assert main(arguments, never) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {why}")
    assert error.count("\n") == 1


def test_a_part_that_fails_is_one_line_and_the_others_go_on(capsys, tmp_path):
    def measure(name, *_):
        if name == "parity":
            yield "log-mel", Value(3e-5)
            raise RuntimeError("CUDA error:\nan illegal access")
        yield "compact", Value(0)

    file = tmp_path / "gpu.json"
    arguments = ["parity", "determinism", "--device", "cpu", "--json", str(file)]
    assert main(arguments, measure) == 1
    output = capsys.readouterr().out
    assert "parity: failed: CUDA error: an illegal access (0 s)\ndeterminism: done" in output
    assert "| Log-mel of sound, TF32 allowed | largest error | 3e-05 | 0.0001 |" in output
    written = json.loads(file.read_text())
    assert written["failures"] == {"parity": "CUDA error: an illegal access"}
    assert written["rows"]["parity/log-mel"]["value"] == 3e-5


@pytest.mark.parametrize("value", [2e-4, float("nan")])
def test_a_value_above_its_bound_fails(value, capsys):
    def measure(*_):
        yield "log-mel", Value(value)

    assert main(["parity", "--device", "cpu"], measure) == 1
    assert "error: Log-mel of sound, TF32 allowed: " in capsys.readouterr().out


def test_waits_are_found_by_the_debug_mode_of_torch():
    network = Bench(torch.device("cuda"), SMALL).acoustic(**NO_DROPOUT).eval()
    with FakeDevice():
        network.to("cuda")
        text, lengths = torch.ones(1, 5, dtype=torch.long, device="cuda"), torch.tensor([5])
        lengths = lengths.to("cuda")
        with counted_waits() as places:
            network.generate(text, lengths, max_steps=8, gate_threshold=1.0)
        assert any(place.startswith("models/tacotron2/stopping.py:") for place in places)
        assert torch.cuda.get_sync_debug_mode() == 0


@pytest.mark.parametrize("is_rounded", [False, True])
def test_mixing_that_is_rounded_is_above_its_bound(is_rounded, monkeypatch):
    if is_rounded:
        monkeypatch.setattr(flow, "exact_type", lambda x: torch.float32)
    bench = Bench(torch.device("cuda"), SMALL)
    network = bench.vocoder()
    with FakeDevice(tf32=True), tf32(True):
        error = mixing_error(bench, network.to("cuda"))
    assert is_above("parity/waveglow-mixing", Value(error)) == is_rounded


@pytest.mark.slow
def test_a_part_that_takes_too_long_is_ended():
    with pytest.raises(PartError, match=r"it was ended after its 0.1 s"):
        list(start("parity", "cpu", True, 0.1))


@pytest.mark.slow
def test_each_part_has_a_process(tmp_path):
    command = [sys.executable, "-m", "bench.gpu", "waits", "speaking", "--device", "cpu"]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "left out: a CPU does not wait for itself" in done.stdout
    assert done.stdout.count(NOT_MEASURED) == len(ROWS) - 11
    assert "31,499" not in done.stdout


def left_out(arguments, tmp_path, capsys):
    """Run every part in this process; return the rows that have no value."""
    file = tmp_path / "gpu.json"
    status = main([*arguments, "--small", "--json", str(file)], here)
    assert status == 0, capsys.readouterr().out
    rows = json.loads(file.read_text())["rows"]
    assert rows.keys() == ROWS.keys()
    return {key for key, row in rows.items() if row["value"] is None}


ALL_DEVICES = {"recipe/tacotron2-all", "recipe/waveglow-all"}


@pytest.mark.slow
def test_it_runs_to_its_end_on_a_cpu(tmp_path, capsys):
    of_gpus = {key for key in ROWS if key.startswith("waits/") or key.endswith("-memory")}
    missing = left_out(["--device", "cpu"], tmp_path, capsys)
    assert missing == of_gpus | ALL_DEVICES


@pytest.mark.slow
@pytest.mark.skipif(HOST != DEVICE, reason="needs the compiled stub")
@pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:.*pin_memory")
def test_it_runs_to_its_end_on_the_gpu_that_is_not_there(tmp_path, capsys):
    with FakeDevice():
        assert left_out([], tmp_path, capsys) == ALL_DEVICES
