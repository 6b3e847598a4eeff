"""Compiles the C++ part of the fake device, ``cuda_stub.cpp``."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("cuda_stub.cpp")


def compiler() -> str | None:
    """Return the C++ compiler of this machine, or None."""
    return shutil.which("g++") or shutil.which("clang++")


def build_stub(folder: Path) -> Path:
    """Compile the stub against the installed torch; takes about ten seconds."""
    spec = importlib.util.find_spec("torch")
    assert spec is not None
    assert spec.origin is not None
    torch = Path(spec.origin).parent
    library = folder / "libfakecuda.so"
    command = [str(compiler()), "-O0", "-shared", "-fPIC", "-std=c++20", f"-I{torch / 'include'}"]
    command += [str(SOURCE), "-o", str(library), f"-L{torch / 'lib'}", "-lc10", "-ltorch_cpu"]
    command += [f"-Wl,-rpath,{torch / 'lib'}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return library
