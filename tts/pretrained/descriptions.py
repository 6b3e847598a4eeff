"""What a checkpoint says of itself: checked once, for whoever reads it and whoever writes it.

A description comes out of a file, and everything after relies on it: the mel contract has to be
one, and one that its network can have; the tokenizer has to be one for its embedding. What the file
does not say is None.
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

FORMAT = 1
FIELDS = (
    *("format", "network", "network_config", "mel", "tokenizer", "corpus", "speakers", "config"),
    "source",
)
#: Key of the description in a checkpoint's dictionary and in a safetensors file's metadata.
KEY = "tacoglow"

NETWORKS: dict[str, tuple[type[nn.Module], type]] = {
    "Tacotron2": (Tacotron2, Tacotron2Config),
    "WaveGlow": (WaveGlow, WaveGlowConfig),
}
#: Fields that a network has in common with the mels that it makes or reads.
SHARED = {"Tacotron2": ("n_mels",), "WaveGlow": ("n_mels", "hop_length")}


class CheckpointHints(NamedTuple):
    """What somebody says of a file that does not say it itself.

    Attributes:
        symbols: of a Tacotron 2, in the order of its embedding.
        alternate_halves: of a WaveGlow, whether its couplings transform the halves in turn.
    """

    symbols: Sequence[str] | None = None
    alternate_halves: bool | None = None

    def check(self, path: Path, network: str) -> None:
        """Refuse what the other network has.

        Raises:
            InputError: naming it.
        """
        if self.symbols is not None and network != "Tacotron2":
            raise InputError(f"{path}: holds a {network}, which has no symbols; name none")
        if self.alternate_halves is not None and network != "WaveGlow":
            raise InputError(f"{path}: holds a {network}, which has no halves; name no order")


def validated_description(
    path: Path, known: Mapping[str, Any], told: CheckpointHints | None = None
) -> dict[str, Any]:
    """Complete a description, and check all of it.

    Args:
        path: for messages.
        known: as a file has it.
        told: what else is said of the file.

    Returns:
        The keys of `FIELDS`.

    Raises:
        InputError: a later format, a network that does not exist here, a part that is not what
            it should be, or something told that the file itself says.
    """
    description = {name: known.get(name) for name in FIELDS}
    try:
        check_value_count(description)
    except ValueError as error:
        raise InputError(f"{path}: its description has {error}: not one that was written") from None
    written = FORMAT if description["format"] is None else description["format"]
    if type(written) is not int or written < 1:
        raise InputError(f"{path}: its format is {written!r:.60}; it must be {FORMAT} or left out")
    if written > FORMAT:
        raise InputError(
            f"{path}: written in format {written} by a later tacoglow; this one reads {FORMAT}"
        )
    network, config = description["network"], description["network_config"]
    if not isinstance(network, str) or network not in NETWORKS or not isinstance(config, dict):
        raise InputError(
            f"{path}: describes the network {network!r:.60}; known are {', '.join(NETWORKS)}, with "
            "a network_config"
        )
    for name, check in _CHECKS.items():
        if description[name] is not None:
            try:
                check(description[name], network, config)
            # what the parts themselves make of a string in the place of a list
            except (TypeError, ValueError, AttributeError, RecursionError) as error:
                raise InputError(f"{path}: its {name}: {one_line(error)}") from None
    description["format"] = written
    return description if told is None else {**description, **_heard(path, description, told)}


def _heard(path: Path, description: Mapping[str, Any], told: CheckpointHints) -> dict[str, Any]:
    """Parts of a description as somebody corrects them."""
    told.check(path, description["network"])
    sizes = description["network_config"]
    corrected: dict[str, Any] = {}
    if told.symbols is not None:
        if description["tokenizer"] is not None:
            raise InputError(f"{path}: its symbols are in the file; they cannot be others")
        corrected["tokenizer"] = describe_tokenizer(path, told.symbols, _n_rows(sizes))
    if told.alternate_halves is not None:
        if description["source"] is None:
            raise InputError(
                f"{path}: the order of its halves is in the file, which was not converted from "
                "one that leaves it open; it cannot be another one"
            )
        corrected["network_config"] = {**sizes, "alternate_halves": told.alternate_halves}
    return corrected


def describe_tokenizer(path: Path, symbols: Sequence[str], n_rows: Any) -> dict[str, Any]:
    """Description of the tokenizer of an embedding whose symbols somebody names.

    Raises:
        InputError: more or fewer than the embedding has rows, or none that texts can produce.
    """
    if not _is_list_of_text(symbols):
        raise InputError(f"{path}: symbols must be a list of strings")
    if len(symbols) != n_rows:
        raise InputError(f"{path}: the embedding has {n_rows} rows, {len(symbols)} symbols named")
    named = {"symbols": list(symbols), "cleaner": "english_cleaners", "on_unknown": "warn"}
    try:
        Tokenizer.from_dict(named)
    except InputError as error:
        raise InputError(f"{path}: symbols that are named for it: {error}") from None
    return named


def contract_of(network: str, sizes: Mapping[str, Any], contract: Mapping[str, Any]) -> MelConfig:
    """Mel contract of a network.

    Args:
        network: "Tacotron2" or "WaveGlow".
        sizes: of the network; what they leave out has its default.
        contract: fields of the contract; what they leave out has its default.

    Raises:
        InputError: no legal contract, or one that such a network cannot have.
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
    _require_names("fields", mel)
    contract_of(network, sizes, mel)


def _check_tokenizer(tokenizer: Any, network: str, sizes: Mapping[str, Any]) -> None:
    _require_names("settings", tokenizer)
    if not _is_list_of_text(tokenizer.get("symbols")):
        raise InputError("symbols must be a list of strings")
    lexicon = tokenizer.get("lexicon")
    # a path would be one of the machine that wrote it, and is not followed on this one
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
    _require_names("names", table)


def _require_names(what: str, value: Any) -> None:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise InputError(f"{value!r:.60} is no table of {what}")


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
