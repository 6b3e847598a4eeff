"""Checks what a checkpoint says about itself, for every reader and for the writer.

A description comes out of a file, and all later code relies on it: the mel contract must be legal
and must fit the network; the tokenizer must be legal and must fit the embedding. What the file does
not say is None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

from tts.audio import MelConfig
from tts.core.errors import InputError, one_line
from tts.models import Tacotron2, Tacotron2Config, WaveGlow, WaveGlowConfig
from tts.pretrained.limits import check_value_count
from tts.text import Tokenizer

#: Version of the description that this version of tacoglow writes.
FORMAT = 1
#: Key of the description in a checkpoint's dictionary and in a safetensors file's metadata.
KEY = "tacoglow"
FIELDS = (
    *("format", "network", "network_config", "mel", "tokenizer", "corpus", "speakers", "config"),
    "source",
)

NETWORKS: dict[str, tuple[type[nn.Module], type]] = {
    "Tacotron2": (Tacotron2, Tacotron2Config),
    "WaveGlow": (WaveGlow, WaveGlowConfig),
}
_MOST_SYMBOLS = 10**5
#: Fields that a network shares with the mels that it makes or reads.
SHARED = {"Tacotron2": ("n_mels",), "WaveGlow": ("n_mels", "hop_length")}


class CheckpointHints(NamedTuple):
    """Holds facts that the user gives about a checkpoint which does not state them itself.

    Attributes:
        symbols: symbols of a Tacotron 2, in the order of its embedding.
        alternate_halves: whether the couplings of a WaveGlow transform the two halves in turn.
    """

    symbols: Sequence[str] | None = None
    alternate_halves: bool | None = None

    def check(self, path: Path, network: str) -> None:
        """Refuse a fact that belongs to the other network.

        Raises:
            InputError: the message names the fact.
        """
        if self.symbols is not None and network != "Tacotron2":
            raise InputError(f"{path}: holds a {network}, which has no symbols; leave them out")
        if self.alternate_halves is not None and network != "WaveGlow":
            raise InputError(
                f"{path}: holds a {network}, which has no halves; leave their order out"
            )


def validated_description(
    path: Path, stated: Mapping[str, Any], hints: CheckpointHints | None = None
) -> dict[str, Any]:
    """Return a description with all of `FIELDS`, after checking every part of it.

    Args:
        path: file to name in messages.
        stated: the description as the file has it.
        hints: facts that the user gives about the file.

    Raises:
        InputError: a later format, an unknown network, a part that is illegal, or a hint about a
            fact that the file itself states.
    """
    description = {name: stated.get(name) for name in FIELDS}
    try:
        check_value_count(description)
    except ValueError as error:
        raise InputError(
            f"{path}: its description has {error}; no version of tacoglow writes that"
        ) from None
    version = FORMAT if description["format"] is None else description["format"]
    if type(version) is not int or version < 1:
        raise InputError(f"{path}: its format is {version!r:.60}; it must be {FORMAT} or left out")
    if version > FORMAT:
        raise InputError(
            f"{path}: written in format {version} by a later tacoglow; this one reads {FORMAT}"
        )
    network, sizes = description["network"], description["network_config"]
    if not isinstance(network, str) or network not in NETWORKS or not isinstance(sizes, dict):
        raise InputError(
            f"{path}: describes the network {network!r:.60}; known are {', '.join(NETWORKS)}, with "
            "a network_config"
        )
    for name, check in _CHECKS.items():
        if description[name] is not None:
            try:
                check(description[name], network, sizes)
            # the parts raise these for a value of the wrong type, as a string instead of a list
            except (TypeError, ValueError, AttributeError, RecursionError) as error:
                raise InputError(f"{path}: its {name}: {one_line(error)}") from None
    description["format"] = version
    return description if hints is None else {**description, **_hinted(path, description, hints)}


def _hinted(path: Path, description: Mapping[str, Any], hints: CheckpointHints) -> dict[str, Any]:
    """Return the parts of a description that the user's hints replace."""
    hints.check(path, description["network"])
    sizes = description["network_config"]
    replaced: dict[str, Any] = {}
    if hints.symbols is not None:
        if description["tokenizer"] is not None:
            raise InputError(f"{path}: its symbols are in the file; they cannot be others")
        replaced["tokenizer"] = describe_tokenizer(path, hints.symbols, _n_rows(sizes))
    if hints.alternate_halves is not None:
        if description["source"] is None:
            raise InputError(
                f"{path}: the order of its halves is in the file, which was not converted from "
                "one that leaves it open; it cannot be another one"
            )
        replaced["network_config"] = {**sizes, "alternate_halves": hints.alternate_halves}
    return replaced


def describe_tokenizer(path: Path, symbols: Sequence[str], n_rows: Any) -> dict[str, Any]:
    """Describe the tokenizer of an embedding for which the user names the symbols.

    Raises:
        InputError: the number of symbols is not the number of rows, or no text can produce them.
    """
    if not _is_list_of_text(symbols):
        raise InputError(f"{path}: symbols must be a list of strings")
    if len(symbols) != n_rows:
        raise InputError(f"{path}: the embedding has {n_rows} rows, {len(symbols)} symbols named")
    settings = {"symbols": list(symbols), "cleaner": "english_cleaners", "on_unknown": "warn"}
    try:
        Tokenizer.from_dict(settings)
    except InputError as error:
        raise InputError(f"{path}: symbols that are named for it: {error}") from None
    return settings


def contract_of(network: str, sizes: Mapping[str, Any], contract: Mapping[str, Any]) -> MelConfig:
    """Return the mel contract of a network.

    Args:
        network: "Tacotron2" or "WaveGlow".
        sizes: fields of the network's config; those left out have their defaults.
        contract: fields of the contract; those left out have their defaults.

    Raises:
        InputError: the contract is illegal, or such a network cannot have it.
    """
    mel = MelConfig.from_dict(contract)
    for name in SHARED[network]:
        of_network, of_mel = sizes.get(name, _default(network, name)), getattr(mel, name)
        if of_network != of_mel:
            raise InputError(f"{name} is {of_mel} in the mel contract, {of_network} in the network")
    return mel


def _default(network: str, name: str) -> Any:
    return next(f.default for f in fields(NETWORKS[network][1]) if f.name == name)


def _n_rows(sizes: Mapping[str, Any]) -> Any:
    return sizes.get("n_symbols", _default("Tacotron2", "n_symbols"))


def _check_mel(mel: Any, network: str, sizes: Mapping[str, Any]) -> None:
    _check_names("fields", mel)
    contract_of(network, sizes, mel)


def _check_tokenizer(tokenizer: Any, network: str, sizes: Mapping[str, Any]) -> None:
    _check_names("settings", tokenizer)
    if not _is_list_of_text(tokenizer.get("symbols")):
        raise InputError("symbols must be a list of strings")
    if len(tokenizer["symbols"]) > _MOST_SYMBOLS:
        raise InputError(f"more than {_MOST_SYMBOLS:,} symbols, which no script has")
    lexicon = tokenizer.get("lexicon")
    # a path would lie on the machine that wrote the file, and must not be opened on this one
    if lexicon is not None and not isinstance(lexicon, Mapping):
        raise InputError("lexicon must be the entries themselves")
    n_symbols = Tokenizer.from_dict(tokenizer).n_symbols
    if network == "Tacotron2" and n_symbols != _n_rows(sizes):
        raise InputError(f"{n_symbols} symbols for an embedding of {_n_rows(sizes)} rows")


def _check_speakers(speakers: Any, network: str, sizes: Mapping[str, Any]) -> None:
    if not _is_list_of_text(speakers):
        raise InputError("must be a list of names")
    n_speakers = sizes.get("n_speakers", 1)
    if network == "Tacotron2" and len(speakers) > n_speakers:
        raise InputError(f"{len(speakers)} names for a network with {n_speakers}")


def _check_corpus(corpus: Any, *_: Any) -> None:
    if not isinstance(corpus, str):
        raise InputError("must be a name")


def _check_table(table: Any, *_: Any) -> None:
    _check_names("names", table)


def _check_names(kind: str, value: Any) -> None:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise InputError(f"{value!r:.60} is no table of {kind}")


def _is_list_of_text(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)


_CHECKS: dict[str, Callable[[Any, str, Mapping[str, Any]], None]] = {
    "mel": _check_mel,
    "tokenizer": _check_tokenizer,
    "speakers": _check_speakers,
    "corpus": _check_corpus,
    "config": _check_table,
    "source": _check_table,
}
