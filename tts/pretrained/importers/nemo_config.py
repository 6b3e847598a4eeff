"""Reads NeMo's configuration: its sections, and the symbols of a Tacotron 2.

NeMo's symbol tables have the padding near the end, this project's have it first. The rows of the
embedding are put into the order of this project, which changes nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import product
from string import ascii_lowercase
from typing import Any, NamedTuple

_REFERENCE = re.compile(r"\$\{(?:model\.)?([\w.]+)\}")
# Largest number of references that are followed; a longer chain is a circle.
_LONGEST_CHAIN = 9
_PUNCTUATION = tuple(',.!?-:;/"()[]{}')
_VOWELS = "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split()
_CONSONANTS = "B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH".split()


class NemoSymbols(NamedTuple):
    """Holds the symbols of a NeMo network in this project's order.

    Attributes:
        symbols: symbols, the padding first.
        rows: row of each symbol in NeMo's embedding.
    """

    symbols: list[str]
    rows: list[int]


def symbol_table(config: Mapping[str, Any], n_rows: int) -> NemoSymbols | None:
    """Return the symbols of a NeMo Tacotron 2, or None for a tokenizer that is not known here.

    Args:
        config: the parsed ``model_config.yaml``.
        n_rows: number of rows of the embedding, which the table has to fit.
    """
    tokenizer = section(config, "text_tokenizer")
    kind = str(tokenizer.get("_target_", "")).rpartition(".")[2]
    tokens = [" "]
    if kind == "EnglishPhonemesTokenizer":
        stresses = "012" if tokenizer.get("stresses") else ("",)
        tokens += [f"@{phone}" for phone in _CONSONANTS]
        tokens += [f"@{vowel}{stress}" for vowel, stress in product(_VOWELS, stresses)]
        tokens += ascii_lowercase if tokenizer.get("chars") else ()
    elif kind == "EnglishCharsTokenizer":
        tokens += ascii_lowercase
    else:
        return None
    tokens += ["'"] if tokenizer.get("apostrophe", True) else []
    if tokenizer.get("punct", True):
        marks = tokenizer.get("non_default_punct_list") or _PUNCTUATION
        if not isinstance(marks, (list, tuple)) or not all(isinstance(m, str) for m in marks):
            return None
        tokens += marks
    if len(set(tokens)) < len(tokens) or any(len(t) > 1 and t[0] != "@" for t in tokens):
        return None
    # the last two rows are the padding, and the symbol for anything unknown
    if len(tokens) + 2 != n_rows:
        return None
    return NemoSymbols(["_", *tokens], [len(tokens), *range(len(tokens))])


def section(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a section of the configuration with its references (``${sample_rate}``) looked up.

    A reference that leads nowhere stays as it is written.
    """
    options = _mapping(config.get(name))
    options |= _mapping(options.get("params"))
    return {key: _resolved(value, config) for key, value in options.items()}


def _mapping(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _resolved(value: Any, root: Mapping[str, Any]) -> Any:
    for _ in range(_LONGEST_CHAIN):
        match = re.fullmatch(_REFERENCE, value) if isinstance(value, str) else None
        if match is None:
            return value
        target: Any = root
        for part in match[1].split("."):
            if not isinstance(target, Mapping) or part not in target:
                return value
            target = target[part]
        value = target
    return value
