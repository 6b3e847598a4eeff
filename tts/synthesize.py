"""The synthesis recipe: text in, sound files out, every step named in its order.

torch comes in with the first line that needs it: a missing text, an output that cannot be written
or a wrong number are found before that.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from omegaconf import DictConfig

from tts.config import resolved
from tts.errors import InputError
from tts.values import SYNTHESIS, check_values

if TYPE_CHECKING:
    from tts.inference import Speech, Synthesizer

ENDINGS = (".wav", ".flac", ".ogg")
#: Batches that are sorted by length together; sound is on the disk after as many.
BATCHES_AT_ONCE = 8


class Line(NamedTuple):
    """One utterance, and what a message about it begins with: ``"lines.txt:3: "``."""

    text: str
    where: str


def synthesize(cfg: DictConfig) -> list[Path]:
    """Speak what ``conf/synthesize.yaml`` says.

    Args:
        cfg: the composed configuration.

    Returns:
        The sound files, in the order of the texts.

    Raises:
        InputError: no text, or text that nobody can pronounce; a checkpoint that does not fit; an
            output that cannot be written; a value that is not legal.
    """
    config = resolved(cfg)
    options = speaking_options(config)
    lines = read_lines(config["text"], config["text_file"])
    paths = output_paths(str(config["output"]), lines)
    check_writable(paths)

    from tts.inference import Synthesizer

    synthesizer = Synthesizer.from_pretrained(
        str(config["acoustic"]),
        str(config["vocoder"]),
        str(config["device"]),
        bridge=config["bridge"] is True,
    )
    synthesizer.speaker_number(options["speaker"])
    check_pronounceable(synthesizer, lines)
    tell_corpora(synthesizer)

    paths[0].parent.mkdir(parents=True, exist_ok=True)
    entries = []
    for path, speech in zip(paths, speak(synthesizer, lines, options), strict=True):
        speech.save(path)
        tell(path, speech)
        entries.append(manifest_entry(path, speech, options))
    if is_folder(str(config["output"])):
        write_manifest(paths[0].parent / "manifest.json", entries)
    return paths


def speaking_options(config: dict[str, Any]) -> dict[str, Any]:
    """The keyword arguments of ``Synthesizer.speak_batch``, type-checked."""
    check_values(config, SYNTHESIS)
    return {key: config[key] for key in SYNTHESIS}


def read_lines(text: Any, text_file: Any) -> list[Line]:
    """The utterances, from the command line or from a file with one on each line."""
    if (text is None) == (text_file is None):
        raise InputError('say what to speak: either text="..." or text_file=lines.txt')
    if text_file is None:
        return [Line(str(text), "")]
    path = Path(str(text_file))
    try:
        raw = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise InputError(f"text_file={path}: cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError as error:
        raise InputError(f"text_file={path}: not UTF-8 at byte {error.start}") from None
    lines = [Line(s.strip(), f"{path}:{n}: ") for n, s in enumerate(raw, start=1) if s.strip()]
    if not lines:
        raise InputError(f"text_file={path}: holds no text")
    if len(lines) < len(raw):
        say(f"{path}: {len(raw) - len(lines)} of {len(raw)} lines are empty and skipped")
    return lines


def is_folder(output: str) -> bool:
    """Whether ``output`` means a folder: it ends in a slash, or is one."""
    return output.endswith("/") or Path(output).is_dir()


def output_paths(output: str, lines: list[Line]) -> list[Path]:
    """The file of each utterance: ``output`` itself, or 0001.wav and so on in the folder."""
    if is_folder(output):
        width = max(4, len(str(len(lines))))
        return [Path(output) / f"{n:0{width}d}.wav" for n in range(1, len(lines) + 1)]
    if Path(output).suffix.lower() not in ENDINGS:
        raise InputError(
            f"output={output}: end it in {', '.join(ENDINGS)} for a file, or in / for a folder"
        )
    if len(lines) > 1:
        folder = Path(output).with_suffix("")
        raise InputError(
            f"output={output} is one file for {len(lines)} utterances; use output={folder}/"
        )
    return [Path(output)]


def check_writable(paths: list[Path]) -> None:
    """Find out before the work whether its results will have a place."""
    folder = paths[0].parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"output={paths[0]}: {folder} cannot be written ({reason})") from None
    for path in paths:
        if path.is_dir():
            raise InputError(f"output={path}: is a folder; name a file")


def check_pronounceable(synthesizer: Synthesizer, lines: Iterable[Line]) -> None:
    """Refuse a bad line before the first one is spoken, and say where it stands."""
    for line in lines:
        try:
            synthesizer.tokenizer.encode(line.text)
        except InputError as error:
            raise InputError(f"{line.where}{error}") from None


def speak(synthesizer: Synthesizer, lines: list[Line], options: dict[str, Any]) -> Iterator[Speech]:
    """Speak in order, some batches at a time, so that a book does not wait for its end."""
    at_once = max(1, options["batch_size"]) * BATCHES_AT_ONCE
    for start in range(0, len(lines), at_once):
        texts = [line.text for line in lines[start : start + at_once]]
        yield from synthesizer.speak_batch(texts, **options)


def tell_corpora(synthesizer: Synthesizer) -> None:
    """Nobody shall take a synthetic voice for a recorded one."""
    for name in synthesizer.corpora:
        if "synthetic" in name:
            say(f"trained on: {name}")


def tell(path: Path, speech: Speech) -> None:
    """One line for an utterance, and one for each thing that is wrong with it."""
    facts = f"{speech.seconds:.2f} s  RTF {speech.rtf:.2f}  stopped by {speech.stop_reason}"
    say(f"{path}  {facts}")
    health = speech.health
    if not health.follows_text:
        say(
            f"  warning: the alignment does not follow the text (coverage {health.coverage:.2f}, "
            f"sharpness {health.sharpness:.2f}, {health.skips} skips, {health.repeats} repeats)"
        )
    if speech.stop_reason == "max_steps":
        say("  warning: cut off by max_steps, the gate did not end it")


def manifest_entry(path: Path, speech: Speech, options: dict[str, Any]) -> dict[str, Any]:
    """What one wants to know of a file later."""
    return {
        "file": path.name,
        "text": speech.text,
        **({} if options["speaker"] is None else {"speaker": str(options["speaker"])}),
        "seed": options["seed"],
        "seconds": round(speech.seconds, 3),
        "rtf": round(speech.rtf, 4),
        "stop_reason": speech.stop_reason,
        "follows_text": speech.health.follows_text,
    }


def write_manifest(path: Path, entries: list[dict[str, Any]]) -> None:
    """Write ``manifest.json`` in the order of the texts."""
    from tts.atomic import atomic_writer

    with atomic_writer(path) as file:
        file.write((json.dumps(entries, indent=1, ensure_ascii=False) + "\n").encode())


def say(line: str) -> None:
    """Write a line to standard output, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
