"""Opens checkpoint files in any container without running anything that is in them.

The first bytes of a file, not its name, tell safetensors, torch's zip, torch's older sequence of
pickles and NeMo's tar apart. ``torch.load(weights_only=True)`` reads plain contents. Where it
refuses a file, `tts.pretrained.importers.stubs` reads it a second time, for pickled WaveGlows.
TorchScript is refused, and so are files that ask for more memory than their size
(`tts.pretrained.limits`).
"""

from __future__ import annotations

import contextlib
import stat
import warnings
from pathlib import Path
from typing import Any, BinaryIO

import torch

from tts.core.errors import InputError, one_line, printable_name
from tts.pretrained import limits
from tts.pretrained.checksums import check_members, has_own_checksum
from tts.pretrained.importers.nemo_archive import is_archive, read_archive
from tts.pretrained.importers.stubs import Stub, load_stubs


def read_contents(path: str | Path) -> dict[str, Any]:
    """Read what a checkpoint holds: tensors and plain values.

    A pickled module is replaced by its tensors, under "state_dict"; "pickled_class", "hop_length"
    and "alternate_halves" then hold what the file says about the module. The metadata of a
    safetensors file is under "metadata", the configuration of a NeMo archive under "nemo".

    Args:
        path: the file.

    Raises:
        InputError: there is no such file, it is empty, truncated or of another kind, it names
            code, or its tensors are larger than what it stores.
    """
    path = Path(path)
    start = _first_bytes(path)
    size = path.stat().st_size
    if start[8:9] == b"{" and not start.startswith(limits.ZIP):
        data = _read_safetensors(path)
    elif is_archive(start):
        config, weights = read_archive(path)
        size = limits.size_of_stream(weights)
        data = {"state_dict": _dictionary(path, _read_torch(weights, str(path))), "nemo": config}
    else:
        with path.open("rb") as stream:
            data = _dictionary(path, _read_torch(stream, str(path)))
    limits.check_tensors(data, str(path), size)
    return data


def _dictionary(path: Path, content: Any) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds {type(content).__name__}, not a checkpoint's dictionary")
    return content


def _first_bytes(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise InputError(f"{path}: a folder; name the checkpoint file in it")
        if not stat.S_ISREG(mode):
            raise InputError(f"{path}: not a file; write the checkpoint to one first")
        with path.open("rb") as stream:
            start = stream.read(512)
    except FileNotFoundError:
        raise InputError(f"{printable_name(path)}: no such checkpoint") from None
    except OSError as error:
        name = printable_name(path)
        raise InputError(f"{name}: cannot be read ({error.strerror})") from None
    except InputError:
        raise
    except ValueError:  # the name has a NUL in it
        raise InputError(f"{printable_name(path)}: a file cannot have this name") from None
    if not start:
        raise InputError(f"{path}: the file is empty")
    if start.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")):
        raise InputError(f"{path}: a web page, not a checkpoint; download the file again")
    return start


def _read_safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError, safe_open

    _check_header(path)
    try:
        with safe_open(path, framework="pt") as file:
            names = file.keys()
            if len(names) > limits.MOST_TENSORS:
                raise InputError(f"{path}: {limits.too_many_tensors(len(names))}")
            tensors = {name: file.get_tensor(name) for name in names}
            data = {"state_dict": tensors, "metadata": dict(file.metadata() or {})}
    except (SafetensorError, OSError) as error:
        reason = one_line(error)
        raise InputError(
            f"{path}: truncated or damaged safetensors file ({reason}); {limits.COPY_AGAIN}"
        ) from None
    except InputError:
        raise
    except Exception:  # safetensors knows types of numbers that torch does not
        raise InputError(f"{path}: holds what torch cannot read: save it as float32") from None
    if not has_own_checksum(data["metadata"], tensors):
        raise InputError(
            f"{path}: damaged: its content has another checksum than it had when it was written; "
            f"{limits.COPY_AGAIN}"
        )
    return data


def _check_header(path: Path) -> None:
    """Refuse a safetensors file with a table of names that would take long to read."""
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        header = stream.read(min(length, limits.LONGEST_HEADER))
    if limits.LONGEST_HEADER < length < path.stat().st_size:
        raise InputError(
            f"{path}: the text before its tensors has {length:,} bytes; at most "
            f"{limits.LONGEST_HEADER:,} are read"
        )
    # a tensor has ten marks around its names; those inside a text have a stroke before them
    if header.count(b'"') - header.count(b'\\"') > 20 * limits.MOST_TENSORS:
        raise InputError(
            f"{path}: names more than {limits.MOST_TENSORS:,} tensors; none of these networks has "
            "so many, so it is not read"
        )


def _read_torch(stream: BinaryIO, label: str) -> Any:
    if limits.is_zip(stream):
        limits.check_zip(stream, label)
    try:
        if limits.is_zip(stream):
            check_members(stream)
        limits.check_pickles(stream)
    except Exception:
        raise InputError(_damaged(label)) from None
    # torch raises a dozen types of errors for what it refuses: let the second reader try
    with contextlib.suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of old storage classes
        return torch.load(stream, map_location="cpu", weights_only=True)
    try:
        stream.seek(0)
        content, sources = load_stubs(stream, label)
        return _with_tensors(content, sources)
    except InputError:
        raise
    except Exception:  # no damaged file may end in a stack trace
        raise InputError(_damaged(label)) from None


def _damaged(label: str) -> str:
    return f"{label}: truncated, damaged or not a checkpoint; {limits.COPY_AGAIN}"


def _with_tensors(content: Any, sources: str) -> Any:
    """Replace the pickled module, if there is one, by its tensors."""
    module = content.get("model") if isinstance(content, dict) else content
    if not isinstance(module, Stub):
        return content
    upsample = module.state["_modules"].get("upsample")
    return {
        "state_dict": dict(module.tensors()),
        "pickled_class": module.origin,
        "hop_length": upsample.state["stride"][0] if isinstance(upsample, Stub) else None,
        "alternate_halves": _alternates(module.origin, sources.replace(" ", "")),
    }


def _alternates(origin: str, sources: str) -> bool | None:
    """Tell by class or source text whether couplings alternate between the halves.

    None means that neither shows it.
    """
    if origin.endswith("glow_old.WaveGlow") or "k%2" in sources:
        return True
    # the later releases use this name in `infer`
    return False if "audio_0=" in sources else None
