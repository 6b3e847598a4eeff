"""``python -m tts.pretrained``: describe, convert, average and fetch checkpoints.

    python -m tts.pretrained describe FILE
    python -m tts.pretrained convert IN OUT
    python -m tts.pretrained average IN IN... OUT
    python -m tts.pretrained fetch NAME
    python -m tts.pretrained list

FILE and IN are files or names of the list.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tts.core.errors import InputError, one_line


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the commands.

    Args:
        arguments: of the command line.

    Returns:
        0, or 2 after a line that says what is wrong.
    """
    options = _parser().parse_args(arguments)
    try:
        lines = options.command(options)
    except InputError as error:
        sys.stderr.write(f"error: {one_line(error)}\n")
        return 2
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tts.pretrained",
        description="Describe, convert, average and fetch checkpoints.",
        epilog="FILE and IN are files, or names that `list` shows: those are downloaded once.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    describe = commands.add_parser("describe", help="say what a checkpoint holds")
    describe.add_argument("file", metavar="FILE")
    describe.add_argument("--json", action="store_true", help="the whole description, as JSON")
    describe.add_argument(
        "--clip", metavar="WAV", help="measure which half a WaveGlow's couplings transform"
    )
    describe.set_defaults(command=_describe)

    convert = commands.add_parser("convert", help="write a checkpoint in another format")
    convert.add_argument("source", metavar="IN")
    convert.add_argument("target", metavar="OUT")
    convert.add_argument("--format", choices=("safetensors", "nvidia"), help="else by the ending")
    convert.add_argument(
        "--weight-norm",
        choices=("keep", "fold", "split"),
        default="keep",
        help="of a WaveGlow: fold it (layout D), or split it for training (layout C)",
    )
    convert.add_argument(
        "--half", action="store_true", help="round the weights to float16: a file of half the size"
    )
    convert.add_argument("--symbols", metavar="FILE", help="JSON list of a Tacotron 2's symbols")
    convert.add_argument(
        "--alternate-halves",
        choices=("true", "false"),
        help="whether a WaveGlow's couplings alternate",
    )
    convert.add_argument(
        "--mel",
        metavar="FIELD=VALUE",
        action="append",
        default=[],
        help="field of the mel contract, where it is not NVIDIA's and the file does not say",
    )
    convert.set_defaults(command=_convert)

    average = commands.add_parser("average", help="write the mean of checkpoints of one training")
    average.add_argument("files", metavar="IN IN... OUT", nargs="+")
    average.set_defaults(command=_average)

    fetch = commands.add_parser("fetch", help="download a published checkpoint into the cache")
    fetch.add_argument("name", metavar="NAME")
    fetch.set_defaults(command=_fetch)

    commands.add_parser("list", help="the published checkpoints").set_defaults(command=_list)
    return parser


def _average(options: argparse.Namespace) -> list[str]:
    from tts.pretrained.averaging import average

    *sources, target = options.files
    return average(sources, target)


def _describe(options: argparse.Namespace) -> list[str]:
    from tts.pretrained.files import read_checkpoint

    if options.json and options.clip:
        raise InputError("--json prints what the file says, --clip measures: take one of them")
    file, checkpoint = read_checkpoint(options.file)
    known = checkpoint.description
    if options.json:
        return [json.dumps(known, indent=1, default=str)]
    parameters = sum(value.numel() for value in checkpoint.state.values())
    tokenizer = known["tokenizer"]
    lines = [
        f"file      {file}",
        f"layout    {checkpoint.layout}",
        f"network   {known['network']}, {parameters:,} numbers",
        f"sizes     {_listed(known['network_config'])}",
        f"mel       {_listed(known['mel']) if known['mel'] else 'not in the file'}",
        f"symbols   {len(tokenizer['symbols']) if tokenizer else 'not in the file'}",
        f"corpus    {known['corpus'] or 'not in the file'}",
    ]
    lines += [f"source    {_listed(known['source'])}"] if known["source"] else []
    lines += [f"note      {note}" for note in (*checkpoint.notes, *checkpoint.doubts)]
    lines += [f"problem   {checkpoint.problem}"] if checkpoint.problem else []
    return lines + (_halves(options) if options.clip else [])


def _halves(options: argparse.Namespace) -> list[str]:
    from tts.pretrained.convert import nll_by_order

    found = nll_by_order(options.file, options.clip)
    best = min(found, key=lambda order: found[order])
    return [
        f"halves    alternate_halves={str(order).lower()}: {value:.2f} nats for each sample"
        + (" <- the likelier order" if order == best else "")
        for order, value in found.items()
    ]


def _listed(fields: dict[str, Any]) -> str:
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
        raise InputError(f"{options.name}: not a name; known are {', '.join(CATALOGUE)}")
    return [str(fetch(entry))]


def _list(_: argparse.Namespace) -> list[str]:
    from tts.pretrained.catalogue import CATALOGUE

    width = max(map(len, CATALOGUE))
    return [f"{e.name:<{width}}  {e.network:<9}  {e.note}" for e in CATALOGUE.values()]
