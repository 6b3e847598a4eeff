"""Lists the lines that make the host wait for the GPU, as torch's own debug mode finds them."""

from __future__ import annotations

import os
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

import tts
from bench.gpu.rows import Value
from bench.gpu.work import Bench, Work, training_step

#: Folder of the package whose lines are named.
PACKAGE = f"{Path(tts.__file__).parent}{os.sep}"
#: How torch's warning begins.
MESSAGE = "called a synchronizing CUDA operation"


def waits(bench: Bench) -> Iterator[tuple[str, Value]]:
    """Yield the number of waits of each kind of work, with the lines that asked for them."""
    if not bench.is_gpu:
        for name in ("tacotron2", "waveglow", "compact", "constant", "speaking", "inverse"):
            yield name, Value(None, "left out: a CPU does not wait for itself")
        return
    acoustic = bench.batch(bench.sizes.small_batch)
    network = bench.acoustic().to(bench.device)
    yield "tacotron2", _of(training_step(network, acoustic, fused=True))
    sound = bench.segments(bench.sizes.small_segments)
    for name, kind, options in (
        ("waveglow", "waveglow", {}),
        ("compact", "compact", {}),
        ("constant", "waveglow", {"constant_memory": True}),
    ):
        vocoder = bench.vocoder(kind, **options).to(bench.device)
        yield name, _of(training_step(vocoder, sound, fused=True))
    yield "speaking", _speaking(bench)
    vocoder = bench.vocoder().to(bench.device)
    random = torch.Generator().manual_seed(0)
    yield "inverse", _of(lambda: vocoder.inverse(sound[0], generator=random))


def _speaking(bench: Bench) -> Value:
    """Return what 64 decoder steps add; the waits of a beginning and an end are not in it."""
    network = bench.acoustic().to(bench.device).eval()
    text, lengths, *_ = bench.batch(bench.sizes.small_batch)

    def speak(n_steps: int) -> Work:
        random = torch.Generator().manual_seed(0)
        options: dict[str, Any] = {"max_steps": n_steps, "gate_threshold": 1.0}
        return lambda: network.generate(text, lengths, generator=random, **options)

    short, long = _counted(speak(8)), _counted(speak(72))
    return _value(long - short)


def _of(work: Work) -> Value:
    return _value(_counted(work))


def _value(places: Counter[str]) -> Value:
    note = ", ".join(f"{place} x {n}" if n > 1 else place for place, n in places.items())
    return Value(places.total(), note)


def _counted(work: Work) -> Counter[str]:
    """Return the waits of a second call; the first one also prepares memory and kernels."""
    work()
    with counted_waits() as places:
        work()
    return places


@contextmanager
def counted_waits() -> Iterator[Counter[str]]:
    """Count the waits in the block by "FILE:LINE" of the package."""
    places: Counter[str] = Counter()

    def note(message: Warning | str, *_: Any) -> None:
        if str(message).startswith(MESSAGE):
            places[_place()] += 1

    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = note  # catch_warnings restores it
        torch.cuda.set_sync_debug_mode("warn")
        try:
            yield places
        finally:
            torch.cuda.set_sync_debug_mode(before)


def _place() -> str:
    """Return the innermost line of the package; a gradient has none, and is asked for elsewhere."""
    stack = traceback.extract_stack()
    inside = [frame for frame in stack if frame.filename.startswith(PACKAGE)]
    if not inside:
        return "elsewhere"
    return f"{inside[-1].filename.removeprefix(PACKAGE)}:{inside[-1].lineno}"
