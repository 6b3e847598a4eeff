"""The page of an evaluation: every sentence of every system, to be heard and seen."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from tts.audio import write_wave
from tts.audio.plots.figures import alignment_figure, save_figure
from tts.core.files import atomic_writer
from tts.evaluation.clips import Clip
from tts.evaluation.report import cells, columns, notes

if TYPE_CHECKING:
    from tts.evaluation.run import Evaluation, JudgedSystem

_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Evaluation of a voice</title>
<style>
body { font: 15px/1.45 system-ui, sans-serif; color: #1f2933; max-width: 80rem; margin: 2rem auto;
  padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 } th, td { padding: .3rem .7rem; text-align: left;
  border-bottom: 1px solid #dde2e7; vertical-align: top } td.n, th.n { text-align: right }
audio { width: 14rem; height: 2rem } img { width: 14rem } .muted { color: #66727f }
</style></head><body>
"""


def write_page(found: Evaluation, output: Path) -> None:
    """Write ``index.html``, ``audio/SYSTEM/ID.ogg`` and ``alignments/SYSTEM/ID.png``."""
    lines = [_HEAD, "<h1>Evaluation of a voice</h1>", *_table(found)]
    lines += [f'<p class="muted">{escape(line)}</p>' for line in notes(found)]
    lines += ["<h2>Sentence by sentence</h2>", *_sentences(found, output), "</body></html>"]
    with atomic_writer(output / "index.html") as file:
        file.write(("\n".join(lines) + "\n").encode())


def _table(found: Evaluation) -> Iterator[str]:
    figures = columns(found)
    yield "<table><tr><th>system</th>"
    yield from (f'<th class="n">{escape(figure.heading)}</th>' for figure in figures)
    for judged in found.systems:
        yield f"</tr><tr><td>{escape(judged.name)}</td>"
        yield from (f'<td class="n">{cell}</td>' for cell in cells(judged, figures))
    yield "</tr></table>"


def _sentences(found: Evaluation, output: Path) -> Iterator[str]:
    """A row for each sentence, with a cell for each system."""
    texts = {clip.id: clip.text for judged in found.systems for clip in judged.clips}
    places = [{clip.id: n for n, clip in enumerate(judged.clips)} for judged in found.systems]
    yield "<table>"
    for name, text in texts.items():
        yield f"<tr><td><b>{escape(name)}</b><br>{escape(text)}</td>"
        for judged, place in zip(found.systems, places, strict=True):
            yield "<td>"
            if name in place:
                yield from _cell(judged, place[name], output)
            yield "</td>"
        yield "</tr>"
    yield "</table>"


def _cell(judged: JudgedSystem, index: int, output: Path) -> Iterator[str]:
    """One sentence of one system: sound, what was understood, and the alignment."""
    clip = judged.clips[index]
    sound = _file(output, "audio", judged.name, f"{clip.id}.ogg")
    write_wave(output / sound, clip.sound.samples.clip(-1, 1), clip.sound.sample_rate)
    yield f'{escape(judged.name)}<br><audio controls preload="none" src="{escape(sound)}"></audio>'
    if judged.heard:
        yield f'<br><span class="muted">{escape(judged.heard[index])}</span>'
    if clip.speech is not None:
        yield f"<br>{_alignment(clip, judged.name, output)}"


def _alignment(clip: Clip, system: str, output: Path) -> str:
    assert clip.speech is not None
    picture = _file(output, "alignments", system, f"{clip.id}.png")
    figure = alignment_figure(clip.speech.alignments, f"{clip.id}, {system}")
    save_figure(figure, output / picture)
    image = f'<img loading="lazy" src="{escape(picture)}" alt="alignment">'
    return f'<a href="{escape(picture)}">{image}</a><br>ended by {clip.speech.stop_reason}'


def _file(output: Path, *parts: str) -> str:
    """A path below the page, its folder made."""
    path = Path(*parts)
    (output / path).parent.mkdir(parents=True, exist_ok=True)
    return path.as_posix()
