"""Runs ``python -m tts.pretrained``, which describes, converts, averages and fetches checkpoints.

    python -m tts.pretrained describe FILE
    python -m tts.pretrained convert IN OUT
    python -m tts.pretrained average IN IN... OUT
    python -m tts.pretrained fetch NAME
    python -m tts.pretrained list

FILE and IN are files, or names that ``list`` shows.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tts.core.errors import InputError, one_line
from tts.core.output import print_error, print_result, printable, protect_streams
from tts.core.progress import announced


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the commands.

    Args:
        arguments: arguments of the command line; those of the process by default.

    Returns:
        The exit status: 0, or 2 after a line that says what is wrong.
    """
    protect_streams()
    options = _parser().parse_args(arguments)
    try:
        with announced("working"):
            lines = options.command(options)
        print_result("\n".join(map(printable, lines)) + "\n")
    except InputError as error:
        print_error(f"error: {one_line(error)}")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tts.pretrained",
        description="Describe, convert, average and fetch checkpoints.",
        epilog="FILE and IN are files, or names that `list` shows, which are downloaded once.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    describe = commands.add_parser("describe", help="describe what a checkpoint holds")
    describe.add_argument("file", metavar="FILE")
    describe.add_argument("--json", action="store_true", help="print the whole description as JSON")
    describe.add_argument(
        "--clip",
        metavar="WAV",
        help="measure which half a WaveGlow's couplings transform",
    )
    describe.set_defaults(command=_describe)

    convert = commands.add_parser("convert", help="write a checkpoint in another format")
    convert.add_argument("source", metavar="IN")
    convert.add_argument("target", metavar="OUT")
    convert.add_argument(
        "--format", choices=("safetensors", "nvidia"), help="by default by OUT's ending"
    )
    convert.add_argument(
        "--weight-norm",
        choices=("keep", "fold", "split"),
        default="keep",
        help="fold a WaveGlow's weight norm (layout D), or split it for training (layout C)",
    )
    convert.add_argument(
        "--half",
        action="store_true",
        help="round the weights to float16: half the size",
    )
    convert.add_argument("--symbols", metavar="FILE", help="JSON list of a Tacotron 2's symbols")
    convert.add_argument(
        "--alternate-halves",
        choices=("true", "false"),
        help="whether a WaveGlow's couplings transform the two halves in turn",
    )
    convert.add_argument(
        "--mel",
        metavar="FIELD=VALUE",
        action="append",
        default=[],
        help="field of the mel contract that is not NVIDIA's, for a file that does not state it",
    )
    convert.set_defaults(command=_convert)

    average = commands.add_parser("average", help="write the mean of checkpoints of one training")
    average.add_argument("files", metavar="IN IN... OUT", nargs="+")
    average.set_defaults(command=_average)

    fetch = commands.add_parser("fetch", help="download a published checkpoint into the cache")
    fetch.add_argument("name", metavar="NAME")
    fetch.set_defaults(command=_fetch)

    commands.add_parser("list", help="list the published checkpoints").set_defaults(command=_list)
    return parser


def _average(options: argparse.Namespace) -> list[str]:
    from tts.pretrained.averaging import average

    *sources, target = options.files
    return average(sources, target)


def _describe(options: argparse.Namespace) -> list[str]:
    from tts.pretrained.files import read_checkpoint

    if options.json and options.clip:
        raise InputError("--json prints what the file says, --clip measures: give one of them")
    file, checkpoint = read_checkpoint(options.file)
    description = checkpoint.description
    if options.json:
        return json.dumps(description, indent=1, default=str).splitlines()
    mel, n_weights = description["mel"], sum(v.numel() for v in checkpoint.state.values())
    source = description["source"]
    lines = [
        f"file      {file}",
        f"layout    {checkpoint.layout}",
        f"network   {description['network']}, {n_weights:,} weights",
        f"sizes     {_fields_as_text(description['network_config'])}",
        f"mel       {_fields_as_text(mel) if mel else 'not in the file'}",
        *_tacotron2_lines(description),
        f"corpus    {description['corpus'] or 'not in the file'}",
    ]
    lines += [f"source    {_fields_as_text(source)}"] if source else []
    lines += [f"note      {note}" for note in (*checkpoint.notes, *checkpoint.doubts)]
    lines += [f"problem   {checkpoint.problem}"] if checkpoint.problem else []
    return lines + (_measured_halves(options) if options.clip else [])


def _tacotron2_lines(description: dict[str, Any]) -> list[str]:
    """Return how a Tacotron 2 reads, and what one step of it predicts."""
    tokenizer, sizes = description["tokenizer"], description["network_config"]
    if description["network"] != "Tacotron2":
        return []
    reading = "not in the file"
    if tokenizer is not None:
        names = ("cleaner", "p_arpabet", "language")
        settings = {name: tokenizer[name] for name in names if tokenizer.get(name) is not None}
        reading = _fields_as_text(settings)
        if share := tokenizer.get("p_arpabet"):
            reading += f" ({share:.0%} of the words as phones)"
        reading += f" lexicon={len(words)} words" if (words := tokenizer.get("lexicon")) else ""
    pitch = "is not predicted"
    if bins := sizes.get("pitch_bins", 0):
        pitch = f"{bins} classes"
        if "pitch_low" in sizes and "pitch_high" in sizes:
            pitch += f" from {sizes['pitch_low']:g} to {sizes['pitch_high']:g} Hz"
    return [
        f"symbols   {len(tokenizer['symbols']) if tokenizer else 'not in the file'}",
        f"reading   {reading}",
        f"frames    {sizes.get('n_frames_per_step', 1)} in a decoder step (reduction factor)",
        f"pitch     {pitch}",
    ]


def _measured_halves(options: argparse.Namespace) -> list[str]:
    from tts.pretrained.convert import nll_by_order

    means = nll_by_order(options.file, options.clip)
    best = min(means, key=lambda order: means[order])
    return [
        f"halves    alternate_halves={str(order).lower()}: {value:.2f} nats for each sample"
        + (" <- the likelier order" if order == best else "")
        for order, value in means.items()
    ]


def _fields_as_text(fields: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in fields.items())


def _convert(options: argparse.Namespace) -> list[str]:
    from tts.pretrained.convert import convert

    order = options.alternate_halves
    return convert(
        options.source,
        options.target,
        options.format,
        weight_norm=options.weight_norm,
        symbols=_symbols(options.symbols),
        alternate_halves=None if order is None else order == "true",
        mel=dict(map(_field, options.mel)),
        half=options.half,
    )


def _symbols(path: str | None) -> list[str] | None:
    if path is None:
        return None
    try:
        symbols = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as JSON ({one_line(error)})") from None
    if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols):
        raise InputError(f"{path}: must be a list of strings, in the order of the embedding")
    return symbols


def _field(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        raise InputError(f"--mel {text}: write FIELD=NUMBER, as in sample_rate=16000") from None


def _fetch(options: argparse.Namespace) -> list[str]:
    from tts.pretrained.catalogue import CATALOGUE, find
    from tts.pretrained.download import fetch

    entry = find(options.name)
    if entry is None:
        raise InputError(f"{options.name}: not a name; choose from {', '.join(CATALOGUE)}")
    return [str(fetch(entry))]


def _list(_: argparse.Namespace) -> list[str]:
    from tts.pretrained.catalogue import CATALOGUE

    width = max(map(len, CATALOGUE))
    return [f"{e.name:<{width}}  {e.network:<9}  {e.note}" for e in CATALOGUE.values()]
