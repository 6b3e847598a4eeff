"""The peak memory of a process is its own, not that of the process that started it."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from tests.support.paths import REPO
from tts.core import memory

CHILD = "from tts.core.memory import peak_resident_bytes; print(peak_resident_bytes())"


@pytest.mark.skipif(memory.proc_status_bytes("VmHWM") is None, reason="there is no VmHWM")
def test_a_large_parent_does_not_count(monkeypatch):
    large = bytearray(400 << 20)
    assert memory.peak_resident_bytes() >= len(large)
    command = [sys.executable, "-c", CHILD]
    child = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPO)
    assert 1 << 20 < int(child.stdout) < 100 << 20
    assert len(large) == 400 << 20


def test_without_proc_the_peak_is_that_of_getrusage(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_STATUS", tmp_path / "none")
    assert memory.proc_status_bytes("VmRSS") is None
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    assert memory.peak_resident_bytes() == pytest.approx(peak, rel=0.05)
