"""Writes the results of a synthesis: sound files, plots, manifest, and errors under ``strict``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tts.core.errors import SpeechError
from tts.core.output import print_line
from tts.synthesis.chapters import timed_chapters, write_chapters
from tts.synthesis.file_tags import file_tags
from tts.synthesis.input import is_folder
from tts.synthesis.report import Record, manifest_entry, print_job_summary, write_json
from tts.synthesis.timings import write_timings

if TYPE_CHECKING:
    from tts.audio import Output
    from tts.synthesis.jobs import SpokenJob, SynthesisJob


def write_job_files(spoken: SpokenJob, output: Output, config: dict[str, Any]) -> Record:
    """Write the files of a job, print its summary, and return its entry of the manifest."""
    path, line = spoken.job.path, spoken.job.line
    chapters = timed_chapters(spoken.chapters, spoken.seconds, output.margin)
    tags = replace(file_tags(config, line.text), chapters=chapters)
    output.write(path, spoken.wave, spoken.sample_rate, tags)
    if chapters:
        write_chapters(path, chapters)
    if config["plots"]:
        plot_job(spoken)
    if config["timings"] is not None:
        marks = spoken.records, spoken.seconds, output.margin
        write_timings(path, config["timings"], *marks)
    print_job_summary(path, spoken.seconds, spoken.records)
    entry = manifest_entry(line.text, path, spoken.seconds, spoken.records, config["seed"])
    more: Record = {} if config["speaker"] is None else {"speaker": str(config["speaker"])}
    if line.chapter is not None:
        more["chapter"] = line.chapter
    if chapters:
        more["chapters"] = [
            {"title": title, "start": round(start, 4)} for title, start in spoken.chapters
        ]
    return {**entry, **more}


def needs_marks(config: dict[str, Any]) -> bool:
    """Return whether a file is written that holds time marks."""
    return bool(config["timings"] or config["json"] or is_folder(str(config["output"])))


def plot_job(spoken: SpokenJob) -> None:
    """Draw waveform, mel spectrogram and alignment in a picture next to the sound file."""
    from tts.audio.plots.figures import save_figure

    path = spoken.job.path
    if spoken.speech is None:
        print_line(f"{path}: no picture, because it is too long or was spoken in several runs")
    else:
        save_figure(spoken.speech.figure(), path.with_suffix(".png"))


def write_manifest(
    jobs: Sequence[SynthesisJob], entries: Sequence[Record], config: dict[str, Any]
) -> None:
    """Write ``manifest.json`` in a folder, or with ``json`` one entry next to a single file."""
    print_skipped(jobs)
    path = jobs[0].path
    if is_folder(str(config["output"])):
        by_file = {entry["file"]: entry for entry in entries}
        write_json(
            path.parent / "manifest.json",
            [
                by_file.get(job.path.name, {"text": job.line.text, "skipped": job.skipped})
                for job in jobs
            ],
        )
    elif config["json"]:
        write_json(path.with_suffix(".json"), entries[0])


def print_skipped(jobs: Sequence[SynthesisJob]) -> None:
    """Print which texts were skipped, and why."""
    for job in jobs:
        if job.skipped is not None:
            print_line(f"{job.line.where}skipped: {job.skipped}")


def check_all_spoken(jobs: Sequence[SynthesisJob], parts: Sequence[Record]) -> None:
    """Check that every text was spoken as it is written.

    Raises:
        SpeechError: a part failed, or a text was skipped; all sound files are written.
    """
    n_failed = sum(part["failed"] for part in parts)
    n_skipped = sum(job.skipped is not None for job in jobs)
    if n_failed or n_skipped:
        raise SpeechError(
            f"strict=true: {n_failed} of {len(parts)} parts failed and {n_skipped} of "
            f"{len(jobs)} texts were skipped; all that was spoken is written"
        )
