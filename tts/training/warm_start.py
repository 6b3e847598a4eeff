"""Warm start: weights of another training into a new network, and a table of what became of them.

``init_from=FILE`` takes over what fits and leaves the rest as the network was initialised;
``ckpt_path=`` is the other thing, going on with a run. Rows of an embedding belong to symbols, not
to numbers: they are carried over by symbol, so that a table of another order, of fewer or of more
symbols keeps everything that was learnt.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from tts.audio import MelConfig
from tts.core.errors import InputError, listed
from tts.models import WaveGlow
from tts.pretrained.checkpoint import LoadedCheckpoint, check_finite, format_shape
from tts.pretrained.files import read_checkpoint
from tts.pretrained.importers import tables
from tts.training.weight_fitting import SPEAKERS, fit_sizes

_log = logging.getLogger(__name__)

EMBEDDING = "embedding.weight"
_G, _V = "parametrizations.weight.original0", "parametrizations.weight.original1"


class WarmStartRow(NamedTuple):
    """What became of one weight.

    Attributes:
        name: of the weight.
        status: "loaded", "carried" (by symbol, or with columns for speakers), "skipped", or
            "initial" (not in the file).
        reason: what else there is to say.
        part: what the log calls it; weights of one part with one fate share a line.
    """

    name: str
    status: str
    reason: str = ""
    part: str = ""


@dataclass
class WarmStartReport:
    """What a warm start did.

    Attributes:
        source: file, and who wrote it.
        rows: one for each weight of the network or of the file.
        new_symbols: symbols without a row in the file: theirs are initialised.
    """

    source: str
    rows: list[WarmStartRow] = field(default_factory=list)
    new_symbols: tuple[str, ...] = ()

    @property
    def n_loaded(self) -> int:
        """Weights that came from the file, whole or by symbol."""
        return sum(row.status in ("loaded", "carried") for row in self.rows)

    def lines(self) -> list[str]:
        """The table for the log."""
        groups: dict[tuple[str, str, str], int] = {}
        for row in self.rows:
            key = (row.status, row.part or ".".join(row.name.split(".")[:2]), row.reason)
            groups[key] = groups.get(key, 0) + 1
        width = max((len(part) for _, part, _ in groups), default=0)
        return [f"warm start from {self.source}"] + [
            f"  {status:<8}{part:<{width}}  {reason or _weights(count)}".rstrip()
            for (status, part, reason), count in groups.items()
        ]


def warm_start(
    network: nn.Module,
    source: str | Path,
    *,
    ignore_layers: Sequence[str] = (),
    symbols: Sequence[str] | None = None,
    source_symbols: Sequence[str] | None = None,
    mel: MelConfig | None = None,
    speaker: str | int | None = None,
) -> WarmStartReport:
    """Take over weights, in place.

    Args:
        network: `tts.models.Tacotron2` or `tts.models.WaveGlow`.
        source: anything that `tts.pretrained.load` reads, and files whose symbols or wiring it
            refuses.
        ignore_layers: parts of the network, by the beginnings of their names ("embedding",
            "decoder.gate"), that stay as they are.
        symbols: of the network's embedding, in its order.
        source_symbols: of the file's embedding, if the file does not say.
        mel: the contract of this training; a line of the log names what differs in the file's.
        speaker: name or number of the voice, of several in the file, that a network with one
            begins with; their mean if None.

    Returns:
        What became of each weight.

    Raises:
        InputError: a file of another network, of which nothing fits, with weights that are not
            finite; a WaveGlow with the other order of halves; a name in `ignore_layers` that
            names nothing; `source_symbols` that repeat one, or contradict the file; a `speaker`
            whom the file does not know, or where there is no choice.
    """
    file, checkpoint = read_checkpoint(source)
    _check_kind(file, checkpoint, network)
    check_finite(file, checkpoint.state)
    own = network.state_dict()
    if source_symbols:
        _check_told(file, checkpoint, source_symbols)
    for name in ignore_layers:
        require_part(name, own, "ignore_layers")
    found = _as_normed(checkpoint.state, own)
    found, fitted = fit_sizes(found, own, _voice(file, checkpoint, speaker))
    report = WarmStartReport(f"{file} ({checkpoint.layout})")
    taken: dict[str, Tensor] = {}
    for name, value in own.items():
        ignored = next((part for part in ignore_layers if is_part(name, part)), None)
        if ignored is not None:
            row = WarmStartRow(name, "skipped", "in ignore_layers", ignored)
        elif name not in found:
            row = WarmStartRow(name, "initial", "not in the file")
        elif found[name].shape[1:] != value.shape[1:] or (
            found[name].shape != value.shape and (name != EMBEDDING or symbols is None)
        ):
            sizes = f"{format_shape(found[name])} in the file, {format_shape(value)} here"
            row = WarmStartRow(name, "skipped", sizes, name)
        elif name == EMBEDDING and symbols is not None:
            of_theirs = source_symbols or symbols_of(checkpoint)
            row, taken[name], report.new_symbols = _carried(value, found[name], symbols, of_theirs)
        elif name in fitted:
            row, taken[name] = WarmStartRow(name, "carried", fitted[name], name), found[name]
        else:
            row, taken[name] = WarmStartRow(name, "loaded"), found[name]
        report.rows.append(row)
    report.rows += [
        WarmStartRow(name, "skipped", "no place here") for name in found if name not in own
    ]
    if not report.n_loaded:
        raise InputError(f"init_from={file}: none of its weights fits this network")
    network.load_state_dict({**own, **taken})
    _tell_mel(file, checkpoint, mel)
    return report


def symbols_of(checkpoint: LoadedCheckpoint) -> tuple[str, ...] | None:
    """Symbols of a checkpoint's embedding, as it says or as published ones of its size have."""
    tokenizer = checkpoint.description["tokenizer"]
    if tokenizer is not None:
        return tuple(tokenizer["symbols"])
    return tables.BY_SIZE.get(len(checkpoint.state[EMBEDDING]))


def is_part(name: str, part: str) -> bool:
    """Whether a weight or module is, or lies in, the part of that name."""
    return name == part or name.startswith(f"{part}.")


def require_part(part: str, names: Iterable[str], key: str) -> None:
    """Refuse a part that a network does not have.

    Raises:
        InputError: with the parts that it has.
    """
    names = list(names)
    if any(is_part(name, part) for name in names):
        return
    levels = {".".join(name.split(".")[:depth]) for name in names for depth in (1, 2, 3)}
    close = difflib.get_close_matches(part, levels, n=3)
    known = close or sorted({name.split(".")[0] for name in names})
    raise InputError(f"{key}={part}: the network has no such part; there are {', '.join(known)}")


def warm_start_run(config: Mapping[str, Any], network: nn.Module, datamodule: Any) -> None:
    """Do what a run's configuration says about a warm start, and log the table on rank 0.

    Args:
        config: of the run: init_from, ignore_layers, init_symbols, init_speaker.
        network: what is trained.
        datamodule: with `mel` and, for a Tacotron 2, `tokenizer`.

    Raises:
        InputError: as `warm_start`; or another option of a warm start stands without init_from.
    """
    from lightning_fabric.utilities.rank_zero import rank_zero_only

    source = config["init_from"]
    if source is None:
        for name in ("ignore_layers", "init_symbols", "init_speaker"):
            if config[name] not in (None, "", []):
                raise InputError(f"{name} is for a warm start: add init_from=FILE")
        return
    tokenizer = getattr(datamodule, "tokenizer", None)
    report = warm_start(
        network,
        source,
        ignore_layers=as_names("ignore_layers", config["ignore_layers"]),
        symbols=tokenizer.symbols if tokenizer is not None else None,
        source_symbols=as_names("init_symbols", config["init_symbols"]) or None,
        mel=datamodule.mel,
        speaker=config["init_speaker"],
    )
    rank_zero_only(_log.info)("%s", "\n".join(report.lines()))


def as_names(key: str, value: Any) -> list[str]:
    """A list of names; one alone will do.

    Raises:
        InputError: something else.
    """
    names = [value] if isinstance(value, str) else value or []
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{key}={value}: must be a list of names")
    return list(names)


def _check_kind(file: Path, checkpoint: LoadedCheckpoint, network: nn.Module) -> None:
    kind = checkpoint.description["network"]
    if kind != type(network).__name__:
        raise InputError(f"init_from={file}: holds a {kind}, this run trains {_name(network)}")
    order = checkpoint.description["network_config"].get("alternate_halves", False)
    if isinstance(network, WaveGlow) and order != network.config.alternate_halves:
        raise InputError(
            f"init_from={file}: its couplings transform the halves in another order; add "
            f"+model.network.alternate_halves={str(order).lower()}"
        )


def _check_told(file: Path, checkpoint: LoadedCheckpoint, symbols: Sequence[str]) -> None:
    """Refuse symbols for a file that has none, or that says others."""
    if checkpoint.description["network"] != "Tacotron2":
        raise InputError(f"init_symbols: {file} holds no Tacotron 2, which would have symbols")
    stated = checkpoint.description["tokenizer"]
    if stated is not None and list(stated["symbols"]) != list(symbols):
        raise InputError(f"init_symbols: {file} states its symbols, which are others; leave it out")
    if repeated := sorted({symbol for symbol in symbols if list(symbols).count(symbol) > 1}):
        raise InputError(f"init_symbols: {repeated[0]!r} is there twice; which row is it?")


def _voice(file: Path, checkpoint: LoadedCheckpoint, speaker: str | int | None) -> int | None:
    """Number of a speaker of the file."""
    if speaker is None:
        return None
    n_speakers = len(checkpoint.state.get(SPEAKERS, ()))
    if not n_speakers:
        raise InputError(f"init_speaker={speaker}: {file} has one voice; leave it out")
    names = list(checkpoint.description["speakers"] or map(str, range(n_speakers)))
    if str(speaker) not in names:
        raise InputError(f"init_speaker={speaker}: {file} knows {listed(names, 40)}")
    return names.index(str(speaker))


def _name(network: nn.Module) -> str:
    return f"a {type(network).__name__}"


def _as_normed(state: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Split folded weights into length and direction where the network has them split."""
    split = dict(state)
    for name, value in state.items():
        stem = name.removesuffix("weight")
        if name.endswith(".weight") and f"{stem}{_V}" in own:
            del split[name]
            # as torch's weight norm starts: one length for each output channel
            split[f"{stem}{_G}"] = torch.norm_except_dim(value, 2, 0)
            split[f"{stem}{_V}"] = value
    return split


def _carried(
    own: Tensor, theirs: Tensor, symbols: Sequence[str], their_symbols: Sequence[str] | None
) -> tuple[WarmStartRow, Tensor, tuple[str, ...]]:
    """Rows of the embedding, by symbol; new symbols keep their initial rows."""
    if their_symbols is None:
        reason = f"{len(theirs)} rows whose symbols are unknown: name them with init_symbols=[...]"
        return WarmStartRow(EMBEDDING, "skipped", reason, EMBEDDING), own, tuple(symbols)
    if len(their_symbols) != len(theirs):
        raise InputError(
            f"init_symbols: {len(their_symbols)} symbols for the {len(theirs)} rows of the file"
        )
    places = {symbol: i for i, symbol in enumerate(their_symbols)}
    carried = own.clone()
    for i, symbol in enumerate(symbols):
        if symbol in places:
            carried[i] = theirs[places[symbol]]
    new = tuple(symbol for symbol in symbols if symbol not in places)
    left = [symbol for symbol in their_symbols if symbol not in set(symbols)]
    reason = f"{len(symbols) - len(new)} of {len(symbols)} symbols"
    reason += f"; new, initialised: {_listed(new)}" if new else ""
    reason += f"; not needed: {_listed(left)}" if left else ""
    return WarmStartRow(EMBEDDING, "carried", reason, EMBEDDING), carried, new


def _tell_mel(file: Path, checkpoint: LoadedCheckpoint, mel: MelConfig | None) -> None:
    stated = checkpoint.description["mel"]
    if mel is None or stated is None:
        return
    if differences := MelConfig.from_dict(stated).differences(mel):
        _log.warning(
            "init_from=%s was trained on other mels: %s (there: this run); it will have to learn "
            "them anew",
            *(file, "; ".join(differences)),
        )


def _listed(symbols: Sequence[str]) -> str:
    return " ".join("space" if symbol == " " else symbol for symbol in symbols)


def _weights(count: int) -> str:
    return f"{count} weights" if count > 1 else "1 weight"
