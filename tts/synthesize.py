"""Synthesizes the texts of a configuration into sound files; each step is named, in its order.

torch is imported by the first line that needs it. A missing text, an output that cannot be written
or an illegal value is therefore found at once.
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
from tts.core.errors import EXIT_INTERRUPTED, InputError, RunStopped
from tts.core.output import print_line
from tts.core.progress import announced, progress
from tts.pretrained.sources import pinned_source
from tts.synthesis.file_tags import check_tags, tags_of_voice
from tts.synthesis.input import (
    STANDARD_OUTPUT,
    Line,
    check_voice,
    check_writable,
    is_folder,
    output_paths,
    read_texts,
)
from tts.synthesis.output_files import (
    check_all_spoken,
    needs_marks,
    print_skipped,
    write_job_files,
    write_manifest,
)

if TYPE_CHECKING:
    from tts.inference import Options, Synthesizer
    from tts.synthesis.jobs import SynthesisJob
    from tts.synthesis.partial_output import PartialOutput

#: Options that are fields of ``tts.inference.Options``; ``pauses`` is a field, too.
OPTIONS = (
    *("speaker", "seed", "batch_size", "max_chars", "max_steps", "gate_threshold"),
    *("attention_window", "end_steps", "guard", "attempts", "sigma", "denoiser"),
    *("denoiser_mode", "polish", "sharpness", "on_unknown", "speed"),
)

#: Options that are fields of ``tts.audio.Output``.
OUTPUT = ("bits", "sample_rate", "peak", "loudness", "margin")


def synthesize(cfg: DictConfig) -> list[Path]:
    """Synthesize the texts that ``conf/synthesize.yaml`` and the overrides name.

    Args:
        cfg: the composed configuration.

    Returns:
        The sound files, in the order of the texts; no files if the texts are only shown.

    Raises:
        InputError: there is no text, or nothing in it can be pronounced; a checkpoint does not fit;
            the output cannot be written; a value is not legal.
        SpeechError: under ``strict``, a part failed or a text was skipped.
    """
    config = resolved(cfg)
    check_values(config, SYNTHESIS)
    check_tags(config)
    output = Output(**{key: config[key] for key in OUTPUT})
    if config["output"] == STANDARD_OUTPUT:
        out = sys.stdout.buffer
        with redirect_stdout(sys.stderr):
            speak_to_stdout(out, config)
        return []
    lines = read_texts(config)
    if config["show"]:
        preview_texts(lines, config)
        return []
    paths = output_paths(str(config["output"]), lines, config["format"])
    output.check(paths[0])
    check_writable(paths)
    config = with_voice_files(config)

    synthesizer, options, jobs = load_and_read(lines, paths, config)
    output.check(paths[0], synthesizer.vocoder.mel.sample_rate)
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    from tts.synthesis.jobs import speak_jobs

    with ExitStack() as stack:
        partial = _open_partial_output(stack, lines, jobs, config)
        advance = stack.enter_context(_progress(jobs))
        stack.enter_context(_interruptible(partial))
        spoken_jobs = speak_jobs(synthesizer, jobs, options, partial, advance, needs_marks(config))
        entries = [write_job_files(spoken, output, config) for spoken in spoken_jobs]
        write_manifest(jobs, entries, config)
        if partial is not None:
            partial.remove()
    if config["strict"]:
        check_all_spoken(jobs, [part for entry in entries for part in entry["parts"]])
    return [job.path for job in jobs if job.skipped is None]


def speech_options(config: dict[str, Any]) -> Options:
    """Return the synthesizer's options from a configuration.

    Raises:
        InputError: a value is not legal; the message names the key, the value and the legal values.
    """
    from tts.inference import Options, Pauses

    return Options(**{key: config[key] for key in OPTIONS}, pauses=Pauses(**config["pauses"]))


def with_voice_files(config: dict[str, Any]) -> dict[str, Any]:
    """Check the options of speaking, and replace the names of published voices by their files.

    Raises:
        InputError: a value is not legal, there is no such checkpoint or lexicon, or a published
            voice cannot be pulled.
    """
    check_voice(config)
    names = {"acoustic": "Tacotron2", "vocoder": "WaveGlow"}
    files = {key: pinned_source(config[key], names[key]) for key in names}
    return config | {"tags": tags_of_voice(config)} | files


def load_and_read(
    lines: Sequence[Line], paths: Sequence[Path], config: dict[str, Any]
) -> tuple[Synthesizer, Options, list[SynthesisJob]]:
    """Load the networks, and read every text.

    Raises:
        InputError: a checkpoint, an option or a text is not usable.
    """
    with announced(f"loading {config['acoustic']} and {config['vocoder']}"):
        return _load_and_read(lines, paths, config)


def _load_and_read(
    lines: Sequence[Line], paths: Sequence[Path], config: dict[str, Any]
) -> tuple[Synthesizer, Options, list[SynthesisJob]]:
    from tts.inference import Synthesizer
    from tts.synthesis.jobs import read_jobs

    options = speech_options(config)
    synthesizer = Synthesizer.from_pretrained(
        str(config["acoustic"]),
        str(config["vocoder"]),
        str(config["device"]),
        bridge=config["bridge"] is True,
        lexicon=config["lexicon"],
        precision=config["precision"],
    )
    jobs = read_jobs(
        synthesizer.reader(options.max_chars, options.on_unknown),
        None if config["speaker"] is None else synthesizer.speaker_number(config["speaker"]),
        lines,
        paths,
        skip=config["on_error"] == "skip",
        is_book=config["book"] is not None,
    )
    name_synthetic_corpora(synthesizer)
    return synthesizer, options, jobs


def speak_to_stdout(out: BinaryIO, config: dict[str, Any]) -> None:
    """Stream speech to ``out``; the caller has redirected the messages away from it."""
    from tts.synthesis.stdout_stream import check_stream_options, speak_to_stream

    lines = read_texts(config)
    if config["show"]:
        raise InputError("output=-: with show=true there is no sound; leave one of them out")
    check_stream_options(config, out.isatty())
    config = with_voice_files(config)
    synthesizer, options, jobs = load_and_read(lines, [Path(STANDARD_OUTPUT)] * len(lines), config)
    with _interruptible(None), announced("speaking"):
        parts = speak_to_stream(synthesizer, jobs, options, out, config)
    print_skipped(jobs)
    if config["strict"]:
        check_all_spoken(jobs, parts)


def preview_texts(lines: Sequence[Line], config: dict[str, Any]) -> None:
    """Print how the texts will be read.

    Raises:
        InputError: a text cannot be spoken, unless ``on_error`` is "skip".
    """
    check_voice(config)
    from tts.synthesis.preview import print_previews

    acoustic = str(config["acoustic"])
    with announced(f"reading with {acoustic}"):
        reading = (config[key] for key in ("lexicon", "max_chars", "on_unknown"))
        refused = print_previews(lines, acoustic, *reading)
    if refused and config["on_error"] == "raise":
        raise InputError(f"{refused} of {len(lines)} texts cannot be spoken; see above")


def name_synthetic_corpora(synthesizer: Synthesizer) -> None:
    """Print the corpora of synthetic speech on which the networks were trained.

    Listeners should know that the voice is not the one of a recorded person.
    """
    for name in synthesizer.corpora:
        if "synthetic" in name:
            print_line(f"trained on: {name}")


def _open_partial_output(
    stack: ExitStack, lines: Sequence[Line], jobs: Sequence[SynthesisJob], config: dict[str, Any]
) -> PartialOutput | None:
    """Open the store of long speech, if a text needs it."""
    from tts.synthesis.jobs import needs_partial_output, output_identity, partial_output_folder
    from tts.synthesis.partial_output import PartialOutput

    if not needs_partial_output(jobs, config["book"] is not None):
        return None
    output = str(config["output"])
    identity = output_identity(lines, config, {key: config[key] for key in OPTIONS})
    partial = PartialOutput(partial_output_folder(output, is_folder(output)), identity)
    return stack.enter_context(partial)


@contextmanager
def _interruptible(partial: PartialOutput | None) -> Iterator[None]:
    """Turn Ctrl-C into one line that says how to resume, if the run can be resumed."""
    if partial is not None and partial.done:
        print_line(
            f"{partial.folder}: resumes after {partial.done} utterances of an interrupted run"
        )
    try:
        yield
    except KeyboardInterrupt:
        hint = "" if partial is None else f"; the same command resumes from {partial.folder}"
        raise RunStopped(f"interrupted{hint}", EXIT_INTERRUPTED) from None


@contextmanager
def _progress(jobs: Sequence[SynthesisJob]) -> Iterator[Callable[[int], None]]:
    n_chars = sum(len(unit.text) for job in jobs for unit in job.units)
    with progress("speaking", n_chars) as advance:
        yield advance
