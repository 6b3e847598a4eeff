"""NeMo's ``.nemo`` archives: a tar of ``model_config.yaml`` and ``model_weights.ckpt``.

Nothing is unpacked to the disk. The configuration tells the mel contract, for which see
`tts.pretrained.importers.nemo_mel`, and the symbols. Their tables put the padding near the end;
ours has it first, so the rows of the embedding are put into that order, which changes nothing else.
"""

from __future__ import annotations

import gzip
import io
import re
import tarfile
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from string import ascii_lowercase
from typing import Any, BinaryIO, NamedTuple

from tts.core.errors import InputError
from tts.pretrained.limits import GROWTH, SMALL, Bounded, check_value_count

CONFIG, WEIGHTS = "model_config.yaml", "model_weights.ckpt"
GZIP = b"\x1f\x8b"
#: Longest configuration that is read, in bytes; published ones have some thousands.
LONGEST = 1 << 20

_REFERENCE = re.compile(r"\$\{(?:model\.)?([\w.]+)\}")
# references to references; more go round in a circle
_LONGEST_CHAIN = 9
_PUNCTUATION = tuple(',.!?-:;/"()[]{}')
_VOWELS = "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split()
_CONSONANTS = "B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH".split()


class NemoSymbols(NamedTuple):
    """Symbols of a NeMo network under this project's rules.

    Attributes:
        symbols: the padding first.
        rows: their row of each symbol.
    """

    symbols: list[str]
    rows: list[int]


def is_archive(start: bytes) -> bool:
    """Whether a file that starts like this is a tar, plain or compressed."""
    return start[257:262] == b"ustar" or start.startswith(GZIP)


def read_archive(path: Path) -> tuple[dict[str, Any], BinaryIO]:
    """Give configuration and weights of an archive.

    Raises:
        InputError: damaged, or an archive of something else.
    """
    found = _members(path)
    if missing := [name for name in (CONFIG, WEIGHTS) if name not in found]:
        raise InputError(f"{path}: a tar archive without {missing[0]}: not NeMo's")
    return _parsed(path, found[CONFIG]), io.BytesIO(found[WEIGHTS])


def _members(path: Path) -> dict[str, bytes]:
    """Read the archive once from its beginning, as far as it takes to find the two files."""
    found: dict[str, bytes] = {}
    try:
        with path.open("rb") as file:
            packed = file.read(len(GZIP)) == GZIP
            file.seek(0)
            stream = gzip.GzipFile(fileobj=file) if packed else file
            limit = max(GROWTH * path.stat().st_size, SMALL)
            bounded: Any = Bounded(stream, str(path), limit)
            with tarfile.open(fileobj=bounded, mode="r|") as archive:
                for member in archive:
                    name = Path(member.name).name
                    if name in (CONFIG, WEIGHTS) and member.isfile() and not member.issparse():
                        content: Any = archive.extractfile(member)
                        found[name] = content.read()
                    if len(found) == 2:
                        break
    except InputError:
        raise
    except Exception:  # tar, gzip and zlib have a dozen types for what damage leads to
        raise InputError(f"{path}: truncated or damaged tar archive") from None
    return found


def _parsed(path: Path, config: bytes) -> dict[str, Any]:
    import yaml

    try:
        if len(config) > LONGEST:
            raise ValueError("too long for a configuration")
        parsed = yaml.safe_load(config)
        check_value_count(parsed)
    except Exception:  # not only YAMLError: an impossible date is a ValueError
        raise InputError(f"{path}: {CONFIG} in it is not YAML that can be read") from None
    return parsed if isinstance(parsed, dict) else {}


def symbol_table(config: Mapping[str, Any], n_rows: int) -> NemoSymbols | None:
    """Symbols of a NeMo Tacotron 2; None if this configuration's are not known here.

    Args:
        config: the parsed ``model_config.yaml``.
        n_rows: of the embedding, which the table has to fit.
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
    # then come their padding and, as the last row, what stands for anything unknown
    if len(tokens) + 2 != n_rows:
        return None
    return NemoSymbols(["_", *tokens], [len(tokens), *range(len(tokens))])


def section(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A mapping of the configuration with its references (``${sample_rate}``) looked up.

    What a reference leads to nowhere stays as it is written.
    """
    found = _mapping(config.get(name))
    found |= _mapping(found.get("params"))
    return {key: _resolved(value, config) for key, value in found.items()}


def _mapping(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _resolved(value: Any, root: Mapping[str, Any]) -> Any:
    for _ in range(_LONGEST_CHAIN):
        match = re.fullmatch(_REFERENCE, value) if isinstance(value, str) else None
        if match is None:
            return value
        found: Any = root
        for part in match[1].split("."):
            if not isinstance(found, Mapping) or part not in found:
                return value
            found = found[part]
        value = found
    return value
