"""Reports on synthesized speech: lines on the terminal and entries of the manifest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tts.core.errors import shortened
from tts.core.output import print_line

if TYPE_CHECKING:
    from tts.inference import Part

Record = dict[str, Any]
#: Most failed parts of one file whose faults are printed one by one.
MAX_DETAILED_FAULTS = 5


def part_record(part: Part, marks: bool = True) -> Record:
    """Return what the manifest stores for a part.

    Args:
        part: the part.
        marks: whether the time marks are needed, which take time to find.
    """
    return {
        "text": part.text,
        "words": [mark.to_dict() for mark in part.words] if marks else [],
        "phones": [list(mark) for mark in part.phones] if marks else [],
        "start": part.start,
        "seconds": part.seconds,
        "compute_seconds": part.compute_seconds,
        "seed": part.seed,
        "attempts": part.attempts,
        "stop_reason": part.stop_reason,
        "follows_text": part.health.follows_text,
        "failed": part.failed,
        "rescued": part.rescued,
        "health": part.health.to_dict(),
    }


def shifted(record: Record, seconds: float) -> Record:
    """Return the record of a part that begins so much later."""
    words = [
        {**word, "start": word["start"] + seconds, "end": word["end"] + seconds}
        for word in record["words"]
    ]
    phones = [[text, start + seconds, end + seconds] for text, start, end in record["phones"]]
    return {**record, "start": record["start"] + seconds, "words": words, "phones": phones}


def _stop_reason(records: Iterable[Record]) -> str:
    from tts.inference.part import worst_stop_reason  # only now, because it imports torch

    return worst_stop_reason(part["stop_reason"] for part in records)


def print_job_summary(path: Path, seconds: float, records: Sequence[Record]) -> None:
    """Print one line for a sound file, and one for each of its faults."""
    rtf = sum(part["compute_seconds"] for part in records) / seconds
    print_line(f"{path}  {seconds:.2f} s  RTF {rtf:.2f}  stopped by {_stop_reason(records)}")
    failed = [part for part in records if part["failed"]]
    for part in failed[:MAX_DETAILED_FAULTS]:
        where = f"{part['start']:.1f} s, {shortened(part['text'], 40)!r}: "
        for fault in _faults(part):
            print_line(f"  warning: {where if len(records) > 1 else ''}{fault}")
    if len(failed) > MAX_DETAILED_FAULTS:
        print_line(f"  warning: {len(failed)} of {len(records)} parts failed")


def _faults(part: Record) -> Iterable[str]:
    health = part["health"]
    attempts = f", in {part['attempts']} attempts" if part["attempts"] > 1 else ""
    if not part["follows_text"]:
        yield (
            f"the alignment does not follow the text (coverage {health['coverage']:.2f}, "
            f"sharpness {health['sharpness']:.2f}, {health['skips']:.0f} skips, "
            f"{health['repeats']:.0f} repeats){attempts}"
        )
    if part["stop_reason"] == "max_steps":
        yield f"cut off by max_steps, because the gate did not fire{attempts}"


def manifest_entry(
    text: str, path: Path, seconds: float, records: Sequence[Record], seed: int
) -> Record:
    """Return what the manifest stores for a sound file."""
    compute_seconds = sum(part["compute_seconds"] for part in records)
    return {
        "file": path.name,
        "text": text,
        "seed": seed,
        "seconds": round(seconds, 3),
        "compute_seconds": round(compute_seconds, 3),
        "rtf": round(compute_seconds / seconds, 4),
        "stop_reason": _stop_reason(records),
        "follows_text": all(part["follows_text"] for part in records),
        "failed": any(part["failed"] for part in records),
        "parts": [
            _rounded({key: value for key, value in part.items() if key != "phones"})
            for part in records
        ],
    }


def write_json(path: Path, content: Any) -> None:
    """Write content to a JSON file, complete or not at all."""
    from tts.core.files import atomic_writer

    with atomic_writer(path) as file:
        # A command line that is not UTF-8 contains lone surrogates, which cannot be encoded.
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        file.write(text.encode("utf-8", "replace"))


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return round(value, 4) if isinstance(value, float) else value
