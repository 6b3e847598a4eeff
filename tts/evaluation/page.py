"""Writes the page of an evaluation, where every sentence of every system can be heard and seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tts.audio import write_wave
from tts.audio.plots.figures import alignment_figure, save_figure
from tts.core.files import atomic_writer
from tts.core.page_template import fill_template
from tts.evaluation.results import Evaluation, JudgedSystem


def write_page(evaluation: Evaluation, output: Path) -> None:
    """Write ``index.html``, ``audio/SYSTEM/ID.ogg`` and ``alignments/SYSTEM/ID.png``."""
    systems = evaluation.systems
    page = fill_template(
        "tts.evaluation",
        "page.html",
        evaluation=evaluation,
        texts={clip.id: clip.text for system in systems for clip in system.clips},
        clips={system.name: _write_clips(system, output) for system in systems},
    )
    with atomic_writer(output / "index.html") as file:
        file.write(page.encode())


def _write_clips(system: JudgedSystem, output: Path) -> dict[str, dict[str, Any]]:
    """Write sound and alignment of each clip of a system; return what the page shows, by id."""
    shown: dict[str, dict[str, Any]] = {}
    for number, clip in enumerate(system.clips):
        sound = _path_below(output, "audio", system.name, f"{clip.id}.ogg")
        write_wave(output / sound, clip.sound.samples.clip(-1, 1), clip.sound.sample_rate)
        shown[clip.id] = {"sound": sound, "transcript": None, "alignment": None}
        if system.transcripts:
            shown[clip.id]["transcript"] = system.transcripts[number]
        if clip.speech is not None:
            alignment = _path_below(output, "alignments", system.name, f"{clip.id}.png")
            symbols = [symbol for part in clip.speech.parts for symbol in part.symbols]
            title = f"{clip.id}, {system.name}"
            figure = alignment_figure(clip.speech.alignments, title, symbols or None)
            save_figure(figure, output / alignment)
            shown[clip.id] |= {"alignment": alignment, "stop_reason": clip.speech.stop_reason}
    return shown


def _path_below(output: Path, *parts: str) -> str:
    """Return a path relative to the page, and make its folder."""
    path = Path(*parts)
    (output / path).parent.mkdir(parents=True, exist_ok=True)
    return path.as_posix()
