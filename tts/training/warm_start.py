"""Starts a training with the weights of another one, and lists what became of each weight.

``init_from=FILE`` takes over the weights that fit and leaves the others as the network was
initialised. ``ckpt_path=`` is different: it resumes a run. The rows of an embedding belong to
symbols, not to numbers: they are copied symbol by symbol, so a table with another order, or with
fewer or more symbols, keeps everything that was learned.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeGuard

import torch
from torch import Tensor, nn

from tts.audio import MelConfig
from tts.core.errors import InputError, listed
from tts.models import WaveGlow
from tts.pretrained.checkpoint import LoadedCheckpoint, check_finite, format_shape
from tts.pretrained.files import read_checkpoint
from tts.pretrained.importers import tables
from tts.training.network_parts import as_names, is_part, require_part
from tts.training.source_differences import source_differences
from tts.training.source_options import check_kind
from tts.training.warm_start_report import NO_PLACE, WarmStartReport, WarmStartRow
from tts.training.weight_fitting import SPEAKERS, fit_sizes

_log = logging.getLogger(__name__)

EMBEDDING = "embedding.weight"
#: Names of a normed weight's length and direction in torch's weight norm.
_LENGTH = "parametrizations.weight.original0"
_DIRECTION = "parametrizations.weight.original1"


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
    """Copy the weights of a file that fit into a network, in place.

    Args:
        network: `tts.models.Tacotron2` or `tts.models.WaveGlow`.
        source: a file that `tts.pretrained.load` reads, or refuses for its symbols or layers.
        ignore_layers: beginnings of names ("embedding", "decoder.gate") of the parts of the network
            that stay as they are.
        symbols: symbols of the network's embedding, in its order.
        source_symbols: symbols of the file's embedding, if the file does not name them.
        mel: mel contract of this training; a line of the log names what differs in the file's.
        speaker: name or number of one of the file's speakers, for a network for one speaker;
            None for the mean of all.

    Returns:
        What became of each weight.

    Raises:
        InputError: the file holds another network, or weights that are not finite; none of its
            weights fits; its WaveGlow has the other order of halves; a name in `ignore_layers` is
            no part of the network; `source_symbols` has a symbol twice, or contradicts the file;
            the file has no such `speaker`, or only one.
    """
    file, checkpoint = read_checkpoint(source, type(network).__name__)
    _check_file(file, checkpoint, network, source_symbols)
    own = network.state_dict()
    for name in ignore_layers:
        require_part(name, own, "ignore_layers")
    speaker_number = _speaker_number(file, checkpoint, speaker)
    loaded, remarks = fit_sizes(_split_norms(checkpoint.state, own), own, speaker_number)
    report = WarmStartReport(f"{file} ({checkpoint.layout})", checkpoint.description, ignore_layers)
    taken: dict[str, Tensor] = {}
    for name, value in own.items():
        theirs = loaded.get(name)
        ignored = next((part for part in ignore_layers if is_part(name, part)), None)
        if ignored is not None:
            row = WarmStartRow(name, "skipped", "in ignore_layers", ignored)
        elif name == EMBEDDING and symbols is not None and _is_as_wide(theirs, value):
            known = source_symbols or symbols_of(checkpoint)
            row, taken[name], report.new_symbols = _carry_rows(value, theirs, symbols, known)
        else:
            row = _compare(name, value, theirs, remarks.get(name))
            if row.status in ("loaded", "carried"):
                taken[name] = loaded[name]
        report.rows.append(row)
    report.rows += [WarmStartRow(n, "skipped", NO_PLACE) for n in loaded if n not in own]
    if not report.n_loaded:
        raise InputError(f"init_from={file}: none of its weights fits this network")
    network.load_state_dict({**own, **taken})
    _warn_of_other_mels(file, checkpoint, mel)
    return report


def warm_start_run(config: Mapping[str, Any], network: nn.Module, datamodule: Any) -> None:
    """Start a run warm if its configuration says so, and log the table on rank 0.

    Args:
        config: configuration of the run, with the keys init_from, ignore_layers, init_symbols and
            init_speaker.
        network: the network that is trained.
        datamodule: has `mel` and, for a Tacotron 2, `tokenizer`.

    Raises:
        InputError: `warm_start` raises it, or another option of a warm start is given without
            init_from.
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
    for line in report.lines():
        rank_zero_only(_log.info)("%s", line)
    for line in source_differences(report, network, tokenizer):
        rank_zero_only(_log.warning)("init_from=%s: %s", source, line)


def symbols_of(checkpoint: LoadedCheckpoint) -> tuple[str, ...] | None:
    """Return the symbols of a checkpoint's embedding; None if they are unknown.

    Files that do not name them have those of the published table with as many symbols.
    """
    tokenizer = checkpoint.description["tokenizer"]
    if tokenizer is not None:
        return tuple(tokenizer["symbols"])
    return tables.BY_SIZE.get(len(checkpoint.state[EMBEDDING]))


def _check_file(
    file: Path,
    checkpoint: LoadedCheckpoint,
    network: nn.Module,
    source_symbols: Sequence[str] | None,
) -> None:
    """Refuse a file of another network, with broken weights, or with other symbols than named."""
    check_kind(str(file), checkpoint.description["network"], type(network).__name__)
    order = checkpoint.description["network_config"].get("alternate_halves", False)
    if isinstance(network, WaveGlow) and order != network.config.alternate_halves:
        raise InputError(
            f"init_from={file}: its couplings transform the halves in another order; add "
            f"+model.network.alternate_halves={str(order).lower()}"
        )
    check_finite(file, checkpoint.state)
    if source_symbols:
        _check_source_symbols(file, checkpoint, source_symbols)


def _check_source_symbols(file: Path, checkpoint: LoadedCheckpoint, symbols: Sequence[str]) -> None:
    """Refuse symbols for a file that has none, or that names other ones."""
    if checkpoint.description["network"] != "Tacotron2":
        raise InputError(f"init_symbols: {file} holds no Tacotron 2, which would have symbols")
    stated = checkpoint.description["tokenizer"]
    if stated is not None and list(stated["symbols"]) != list(symbols):
        raise InputError(f"init_symbols: {file} states its symbols, which are others; leave it out")
    if repeated := sorted({symbol for symbol in symbols if list(symbols).count(symbol) > 1}):
        raise InputError(
            f"init_symbols: {repeated[0]!r} is there twice; name each row's own symbol"
        )


def _speaker_number(
    file: Path, checkpoint: LoadedCheckpoint, speaker: str | int | None
) -> int | None:
    """Return the number of one of the file's speakers; None if the user names none."""
    if speaker is None:
        return None
    n_speakers = len(checkpoint.state.get(SPEAKERS, ()))
    if not n_speakers:
        raise InputError(f"init_speaker={speaker}: {file} has one voice; leave it out")
    names = list(checkpoint.description["speakers"] or map(str, range(n_speakers)))
    if str(speaker) not in names:
        raise InputError(f"init_speaker={speaker}: {file} knows {listed(names, 40)}")
    return names.index(str(speaker))


def _split_norms(state: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Split folded weights into length and direction where the network keeps them apart."""
    split = dict(state)
    for name, value in state.items():
        stem = name.removesuffix("weight")
        if name.endswith(".weight") and f"{stem}{_DIRECTION}" in own:
            del split[name]
            # torch's weight norm starts in the same way: one length for each output channel
            split[f"{stem}{_LENGTH}"] = torch.norm_except_dim(value, 2, 0)
            split[f"{stem}{_DIRECTION}"] = value
    return split


def _is_as_wide(theirs: Tensor | None, own: Tensor) -> TypeGuard[Tensor]:
    """Return whether the file has an embedding whose rows have the size of ours."""
    return theirs is not None and theirs.shape[1:] == own.shape[1:]


def _compare(name: str, own: Tensor, theirs: Tensor | None, remark: str | None) -> WarmStartRow:
    """Return the row of the table for a weight that is taken over as a whole or not at all.

    Args:
        name: name of the weight.
        own: the network's weight.
        theirs: the file's weight, if it has one.
        remark: how the file's weight was resized, if it was.
    """
    if theirs is None:
        return WarmStartRow(name, "initial", "not in the file")
    if theirs.shape != own.shape:
        sizes = f"{format_shape(theirs)} in the file, {format_shape(own)} here"
        return WarmStartRow(name, "skipped", sizes, name)
    if remark is not None:
        return WarmStartRow(name, "carried", remark, name)
    return WarmStartRow(name, "loaded")


def _carry_rows(
    own: Tensor, theirs: Tensor, symbols: Sequence[str], their_symbols: Sequence[str] | None
) -> tuple[WarmStartRow, Tensor, tuple[str, ...]]:
    """Copy the rows of an embedding symbol by symbol; new symbols keep their initial rows.

    Args:
        own: ``(n_symbols, width)`` embedding of the network.
        theirs: embedding of the file, of the same width.
        symbols: symbols of ``own``, in its order.
        their_symbols: symbols of ``theirs``, in its order; None if they are unknown.

    Returns:
        The row of the table, the new embedding, and the symbols that the file does not have.
    """
    if their_symbols is None:
        reason = f"{len(theirs)} rows whose symbols are unknown: name them with init_symbols=[...]"
        return WarmStartRow(EMBEDDING, "skipped", reason, EMBEDDING), own, tuple(symbols)
    if len(their_symbols) != len(theirs):
        raise InputError(
            f"init_symbols: {len(their_symbols)} symbols for the {len(theirs)} rows of the file"
        )
    their_rows = {symbol: i for i, symbol in enumerate(their_symbols)}
    carried = own.clone()
    for i, symbol in enumerate(symbols):
        if symbol in their_rows:
            carried[i] = theirs[their_rows[symbol]]
    new = tuple(symbol for symbol in symbols if symbol not in their_rows)
    unused = [symbol for symbol in their_symbols if symbol not in set(symbols)]
    reason = f"{len(symbols) - len(new)} of {len(symbols)} symbols"
    reason += f"; new, initialised: {_listed(new)}" if new else ""
    reason += f"; not needed: {_listed(unused)}" if unused else ""
    return WarmStartRow(EMBEDDING, "carried", reason, EMBEDDING), carried, new


def _warn_of_other_mels(file: Path, checkpoint: LoadedCheckpoint, mel: MelConfig | None) -> None:
    """Log a warning if the file was trained on mels of another contract."""
    stated = checkpoint.description["mel"]
    if mel is None or stated is None:
        return
    if differences := MelConfig.from_dict(stated).differences(mel):
        _log.warning(
            "init_from=%s was trained on other mels: %s (there: this run); the network has to "
            "learn the new ones first",
            *(file, "; ".join(differences)),
        )


def _listed(symbols: Sequence[str]) -> str:
    return " ".join("space" if symbol == " " else symbol for symbol in symbols)
