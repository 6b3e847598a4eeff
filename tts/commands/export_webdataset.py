"""Write a corpus as tar shards that webdataset reads: .wav, .txt and .json of each utterance.

    python -m tts.data.export_webdataset FOLDER data=ljspeech data.root=/path/LJSpeech-1.1

FOLDER is made if it is missing; otherwise it must be empty. The options that matter are those of
the corpus (data=..., data.*) and audio.sample_rate: the samples are those that a training with the
same options reads, at its rate and processed. Each part of the corpus has its own shards,
`train-00000.tar` and so on; .json holds the text and the speaker's name. The shards are plain tar
files, which need no extra package. The exit status is 1 if something was left out
(data.on_error=skip), and 2 on bad input.
"""

from __future__ import annotations

import io
import json
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tts.commands.cli import with_training_options
from tts.config import build_object
from tts.core.errors import InputError
from tts.core.files import atomic_writer
from tts.core.output import print_error, print_line, protect_streams
from tts.training.preflight import check_before_torch

# about the size that users of webdataset choose
_SHARD_BYTES = 2**29


def main() -> None:
    """Run ``python -m tts.data.export_webdataset FOLDER``."""
    protect_streams()
    if {"-h", "--help"} & set(sys.argv[1:]):
        with_training_options(lambda _: 0, help_text=__doc__)
        return
    if len(sys.argv) < 2 or "=" in sys.argv[1] or sys.argv[1].startswith("-"):
        print_error("error: name the folder for the shards before the options")
        raise SystemExit(2)
    folder = Path(sys.argv.pop(1))
    with_training_options(lambda config: write_webdataset(config, folder))


def write_webdataset(config: dict[str, Any], folder: Path, shard_bytes: int = _SHARD_BYTES) -> int:
    """Prepare the corpus of a configuration and write it as shards.

    Args:
        config: resolved, plain containers.
        folder: for the shards; made if missing.
        shard_bytes: a shard ends when it has this many bytes.

    Returns:
        0, or 1 if something was left out.

    Raises:
        InputError: the message names the file, the row or the setting at fault.
    """
    check_before_torch(config)
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder}: is not empty; choose another folder for the shards")
    folder.mkdir(parents=True, exist_ok=True)
    from tts.data.features.corpus_table import PARTS

    datamodule = build_object(config["model"]["datamodule"])
    report = datamodule.prepare()
    n_shards = 0
    for part in PARTS:
        for number, members in enumerate(_shards(datamodule.opened, part, shard_bytes)):
            _write(folder / f"{part}-{number:05d}.tar", members)
            n_shards += 1
    print_line(
        f"{sum(report.utterances.values())} utterances in {n_shards} shards",
        *(f"left out, {fault}" for fault in report.faults()),
    )
    return 1 if report.left_out else 0


def _shards(prepared: Any, part: str, shard_bytes: int) -> Iterator[list[tuple[str, bytes]]]:
    from tts.data.corpora.names import UniqueNames

    members: list[tuple[str, bytes]] = []
    size, names = 0, UniqueNames()
    for row in prepared.part(part).tolist():
        written = prepared.table.string(row, "name")
        # webdataset takes everything behind the first dot for the type of the file
        files = _files(prepared, row, names.name(written.replace(".", "_"), written))
        members += files
        size += sum(len(data) for _, data in files)
        if size >= shard_bytes:
            yield members
            members, size = [], 0
    if members:
        yield members


def _files(prepared: Any, row: int, name: str) -> list[tuple[str, bytes]]:
    import soundfile

    from tts.audio.pcm import to_int16

    text = prepared.table.string(row, "text")
    about = {"text": text, "speaker": _speaker(prepared, row)}
    wave = io.BytesIO()
    samples = to_int16(prepared.whole_wave(row))
    soundfile.write(wave, samples, prepared.rate, "PCM_16", format="WAV")
    return [
        (f"{name}.wav", wave.getvalue()),
        (f"{name}.txt", text.encode()),
        (f"{name}.json", json.dumps(about, ensure_ascii=False).encode()),
    ]


def _speaker(prepared: Any, row: int) -> str | int:
    """Return the name of the speaker, or the number where speakers have no names."""
    names, number = prepared.table.about["speakers"], int(prepared.table.rows["speaker"][row])
    return str(names[number]) if names else number


def _write(path: Path, members: list[tuple[str, bytes]]) -> None:
    with atomic_writer(path) as file, tarfile.open(fileobj=file, mode="w") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
