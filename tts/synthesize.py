"""The synthesis recipe: text in, sound files out, every step named in its order.

torch comes in with the first line that needs it: a missing text, an output that cannot be written
or a wrong number are found before that.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from omegaconf import DictConfig

from tts.audio import Output
from tts.config import resolved
from tts.config.schema import SYNTHESIS, check_values
from tts.core.errors import EXIT_INTERRUPTED, InputError, RunStopped, SpeechError
from tts.synthesis.input import (
    STANDARD_OUTPUT,
    Line,
    check_writable,
    is_folder,
    output_paths,
    read_texts,
)
from tts.synthesis.report import Record, manifest_entry, print_line, print_summary, write_json

if TYPE_CHECKING:
    from tts.inference import Options, Synthesizer
    from tts.synthesis.jobs import SpokenJob, SynthesisJob
    from tts.synthesis.partial_output import PartialOutput

#: Keys of the configuration that are fields of ``tts.inference.Options``; so is ``pauses``.
OPTIONS = (
    *("speaker", "seed", "batch_size", "max_chars", "max_steps", "gate_threshold"),
    *("attention_window", "end_steps", "guard", "attempts", "sigma", "denoiser"),
    *("denoiser_mode", "polish", "sharpness"),
)

#: Keys that are fields of ``tts.audio.Output``.
OUTPUT = ("bits", "sample_rate", "peak", "loudness", "margin")


def synthesize(cfg: DictConfig) -> list[Path]:
    """Speak what ``conf/synthesize.yaml`` says.

    Args:
        cfg: the composed configuration.

    Returns:
        The sound files, in the order of the texts; none if they are only shown.

    Raises:
        InputError: no text, or text that nobody can pronounce; a checkpoint that does not fit; an
            output that cannot be written; a value that is not legal.
        SpeechError: under ``strict``, something was spoken that should not be heard.
    """
    config = resolved(cfg)
    check_values(config, SYNTHESIS)
    if config["output"] == STANDARD_OUTPUT:
        out = sys.stdout.buffer
        with redirect_stdout(sys.stderr):
            return speak_to_stdout(out, config)
    lines = read_texts(config)
    if config["show"]:
        preview_texts(lines, config)
        return []
    paths = output_paths(str(config["output"]), lines, config["format"])
    output = Output(**{key: config[key] for key in OUTPUT})
    output.check(paths[0])
    check_writable(paths)

    from tts.synthesis.jobs import (
        needs_partial_output,
        output_identity,
        partial_output_folder,
        speak_jobs,
    )
    from tts.synthesis.partial_output import PartialOutput

    synthesizer, options, jobs = load_and_read(lines, paths, config)
    output.check(paths[0], synthesizer.vocoder.mel.sample_rate)
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as opened:
        partial: PartialOutput | None = None
        advance: Callable[[int], None] = _ignored
        if needs_partial_output(jobs, config["book"] is not None):
            folder = partial_output_folder(str(config["output"]), is_folder(str(config["output"])))
            chosen = {key: config[key] for key in OPTIONS}
            partial = opened.enter_context(
                PartialOutput(folder, output_identity(lines, config, chosen))
            )
            advance = opened.enter_context(_progress(jobs))
        opened.enter_context(_interruptible(partial))
        entries = [
            write_job_files(spoken, output, config)
            for spoken in speak_jobs(synthesizer, jobs, options, partial, advance)
        ]
        write_report_files(jobs, entries, config)
        if partial is not None:
            partial.remove()
    if config["strict"]:
        check_all_spoken(jobs, [part for item in entries for part in item["parts"]])
    return [job.path for job in jobs if job.skipped is None]


def load_and_read(
    lines: Sequence[Line], paths: Sequence[Path], config: dict[str, Any]
) -> tuple[Synthesizer, Options, list[SynthesisJob]]:
    """Load the networks, and read every text.

    Raises:
        InputError: a checkpoint, an option or a text that will not do.
    """
    from tts.inference import Options, Pauses, Synthesizer
    from tts.synthesis.jobs import read_jobs

    options = Options(**{key: config[key] for key in OPTIONS}, pauses=Pauses(**config["pauses"]))
    synthesizer = Synthesizer.from_pretrained(
        str(config["acoustic"]),
        str(config["vocoder"]),
        str(config["device"]),
        bridge=config["bridge"] is True,
        lexicon=config["lexicon"],
        precision=config["precision"],
    )
    jobs = read_jobs(
        synthesizer.reader(options.max_chars),
        synthesizer.speaker_number(config["speaker"]),
        lines,
        paths,
        skip=config["on_error"] == "skip",
        is_book=config["book"] is not None,
    )
    name_synthetic_corpora(synthesizer)
    return synthesizer, options, jobs


def speak_to_stdout(out: BinaryIO, config: dict[str, Any]) -> list[Path]:
    """Speak to standard output; whatever is to be told goes elsewhere."""
    from tts.synthesis.stdout_stream import check_stream_options, speak_to_stream

    lines = read_texts(config)
    if config["show"]:
        raise InputError("output=-: with show=true there is no sound; leave one of them out")
    check_stream_options(config, out.isatty())
    synthesizer, options, jobs = load_and_read(lines, [Path(STANDARD_OUTPUT)] * len(lines), config)
    with _interruptible(None):
        parts = speak_to_stream(synthesizer, jobs, options, out)
    for job in jobs:
        if job.skipped is not None:
            print_line(f"{job.line.where}skipped: {job.skipped}")
    if config["strict"]:
        check_all_spoken(jobs, parts)
    return []


def preview_texts(lines: Sequence[Line], config: dict[str, Any]) -> None:
    """Print how texts will be read."""
    from tts.synthesis.preview import print_previews

    refused = print_previews(lines, str(config["acoustic"]), config["lexicon"], config["max_chars"])
    if refused and config["on_error"] == "raise":
        raise InputError(f"{refused} of {len(lines)} texts cannot be spoken; see above")


def write_job_files(spoken: SpokenJob, output: Output, config: dict[str, Any]) -> Record:
    """Write the files of a job, tell of it, and give its entry of the manifest."""
    path, title = spoken.job.path, spoken.job.line.text
    output.write(path, spoken.wave, spoken.sample_rate, title)
    if config["plots"]:
        draw_speech(spoken)
    print_summary(path, spoken.seconds, spoken.records)
    known = manifest_entry(title, path, spoken.seconds, spoken.records, config["seed"])
    return known if config["speaker"] is None else {**known, "speaker": str(config["speaker"])}


def draw_speech(spoken: SpokenJob) -> None:
    """Draw a take beside its sound file."""
    from tts.audio.plots.figures import save_figure
    from tts.inference.picture import speech_figure

    if spoken.speech is None:
        print_line(f"{spoken.job.path}: no picture, it is too long (or was spoken in several runs)")
    else:
        save_figure(speech_figure(spoken.speech), spoken.job.path.with_suffix(".png"))


def write_report_files(
    jobs: Sequence[SynthesisJob], entries: list[Record], config: dict[str, Any]
) -> None:
    """Write how every text ended: ``manifest.json`` in a folder, or JSON beside the file."""
    skipped = [job for job in jobs if job.skipped is not None]
    for job in skipped:
        print_line(f"{job.line.where}skipped: {job.skipped}")
    path = jobs[0].path
    if is_folder(str(config["output"])):
        spoken = {item["file"]: item for item in entries}
        write_json(
            path.parent / "manifest.json",
            [
                spoken.get(job.path.name, {"text": job.line.text, "skipped": job.skipped})
                for job in jobs
            ],
        )
    elif config["json"]:
        write_json(path.with_suffix(".json"), entries[0])


def check_all_spoken(jobs: Sequence[SynthesisJob], parts: Sequence[Record]) -> None:
    """Raise if anything was not spoken as it is written; all sound is there."""
    failed = [part for part in parts if part["failed"]]
    skipped = [job for job in jobs if job.skipped is not None]
    if failed or skipped:
        raise SpeechError(
            f"strict=true: {len(failed)} of {len(parts)} parts failed and {len(skipped)} of "
            f"{len(jobs)} texts were skipped; all that was spoken is written"
        )


def name_synthetic_corpora(synthesizer: Synthesizer) -> None:
    """Nobody shall take a synthetic voice for a recorded one."""
    for name in synthesizer.corpora:
        if "synthetic" in name:
            print_line(f"trained on: {name}")


@contextmanager
def _interruptible(partial: PartialOutput | None) -> Iterator[None]:
    """End in one line that says how to go on, where that is possible."""
    if partial is not None and partial.done:
        print_line(
            f"{partial.folder}: {partial.done} utterances were spoken before; going on behind them"
        )
    try:
        yield
    except KeyboardInterrupt:
        hint = "" if partial is None else f"; the same command goes on from {partial.folder}"
        raise RunStopped(f"interrupted{hint}", EXIT_INTERRUPTED) from None


@contextmanager
def _progress(jobs: Sequence[SynthesisJob]) -> Iterator[Callable[[int], None]]:
    from tts.core.progress import progress

    n_chars = sum(len(utterance.text) for job in jobs for utterance in job.utterances)
    with progress("speaking", n_chars) as advance:
        yield advance


def _ignored(n_chars: int) -> None:
    pass
