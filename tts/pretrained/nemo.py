"""NeMo's ``.nemo`` archives: a tar of ``model_config.yaml`` and ``model_weights.ckpt``.

Nothing is unpacked to the disk. The configuration tells the mel contract and the symbols. Their
tables put the padding near the end; ours has it first, so the rows of the embedding are put into
that order, which changes nothing else. NeMo's front end pads the wave with zeros and windows it
symmetrically: its mels are near NVIDIA's other ones, not equal to them.
"""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from string import ascii_lowercase
from typing import Any, BinaryIO, NamedTuple

from tts.errors import InputError

CONFIG, WEIGHTS = "model_config.yaml", "model_weights.ckpt"
NEAR = (
    "NeMo places and windows its frames in another way: its mels are near the contract that is "
    "written here, not equal to it"
)

_PUNCTUATION = tuple(',.!?-:;/"()[]{}')
_VOWELS = "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split()
_CONSONANTS = "B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH".split()


class Table(NamedTuple):
    """Symbols of a NeMo network under this project's rules.

    Attributes:
        symbols: the padding first.
        rows: their row of each symbol.
    """

    symbols: list[str]
    rows: list[int]


def is_archive(start: bytes) -> bool:
    """Whether a file that starts like this is a tar, plain or compressed."""
    return start[257:262] == b"ustar" or start.startswith(b"\x1f\x8b")


def unpack(path: Path) -> tuple[dict[str, Any], BinaryIO]:
    """Give configuration and weights of an archive.

    Raises:
        InputError: damaged, or an archive of something else.
    """
    import yaml

    try:
        with tarfile.open(path) as archive:
            members = {Path(member.name).name: member for member in archive if member.isfile()}
            files = [archive.extractfile(members[name]) for name in (CONFIG, WEIGHTS)]
            config, weights = (file.read() for file in files if file is not None)
    except KeyError as error:
        raise InputError(f"{path}: a tar archive without {error.args[0]}: not NeMo's") from None
    except (tarfile.TarError, EOFError, OSError, ValueError):
        raise InputError(f"{path}: truncated or damaged tar archive") from None
    try:
        parsed = yaml.safe_load(config)
    except yaml.YAMLError:
        raise InputError(f"{path}: {CONFIG} in it is not YAML") from None
    return parsed if isinstance(parsed, dict) else {}, io.BytesIO(weights)


def mel_contract(config: Mapping[str, Any]) -> dict[str, Any] | None:
    """Mel contract of a NeMo configuration; None where it is not natural log of magnitude."""
    options = _section(config, "preprocessor", config)
    options = {**options, **_mapping(options.get("params"))}
    if (
        options.get("log_zero_guard_type", "clamp") != "clamp"
        or float(options.get("mag_power", 1.0)) != 1.0
        or any(options.get(name) for name in ("normalize", "preemph"))
    ):
        return None
    rate = int(options.get("sample_rate", 22050))
    high = options.get("highfreq")
    return {
        "sample_rate": rate,
        "n_fft": int(options.get("n_fft") or 1024),
        "hop_length": int(options.get("n_window_stride", 256)),
        "win_length": int(options.get("n_window_size", 1024)),
        "n_mels": int(options.get("nfilt") or options.get("features") or 80),
        "f_min": float(options.get("lowfreq") or 0.0),
        "f_max": float(high) if high else rate / 2,
        "log_floor": float(options.get("log_zero_guard_value", 1e-5)),
    }


def symbol_table(config: Mapping[str, Any], n_rows: int) -> Table | None:
    """Symbols of a NeMo Tacotron 2; None if this configuration's are not known here.

    Args:
        config: the parsed ``model_config.yaml``.
        n_rows: of the embedding, which the table has to fit.
    """
    tokenizer = _section(config, "text_tokenizer", config)
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
        tokens += tokenizer.get("non_default_punct_list") or _PUNCTUATION
    # then come their padding and, as the last row, what stands for anything unknown
    if len(tokens) + 2 != n_rows:
        return None
    return Table(["_", *tokens], [len(tokens), *range(len(tokens))])


def _section(config: Mapping[str, Any], name: str, root: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping of the configuration with its references (``${sample_rate}``) looked up."""
    return {key: _resolved(value, root) for key, value in _mapping(config.get(name)).items()}


def _mapping(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _resolved(value: Any, root: Mapping[str, Any]) -> Any:
    match = re.fullmatch(r"\$\{(?:model\.)?([\w.]+)\}", value) if isinstance(value, str) else None
    if match is None:
        return value
    found: Any = root
    for part in match[1].split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
