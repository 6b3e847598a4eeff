"""Opens a checkpoint of any container without running anything that is in it.

safetensors, torch's zip, torch's older sequence of pickles and NeMo's tar are told apart by their
first bytes, not by the file's name. ``torch.load(weights_only=True)`` reads plain contents; what it
refuses gets a second reading by `tts.pretrained.importers.stubs`, for pickled WaveGlows.
TorchScript is refused, and so is what asks for more room than the file has
(`tts.pretrained.limits`).
"""

from __future__ import annotations

import contextlib
import stat
import warnings
from pathlib import Path
from typing import Any, BinaryIO

import torch

from tts.core.errors import InputError, one_line
from tts.pretrained import limits
from tts.pretrained.catalogue import shown
from tts.pretrained.importers import nemo
from tts.pretrained.importers.stubs import Stub, load_stubs


def read_contents(path: str | Path) -> dict[str, Any]:
    """Read what a checkpoint holds: tensors and plain values.

    A pickled module is replaced by its tensors, under "state_dict"; "pickled_class", "hop_length"
    and "alternate_halves" then say what the file tells about it. The metadata of a safetensors
    file is under "metadata", the configuration of a NeMo archive under "nemo".

    Args:
        path: the file.

    Raises:
        InputError: no such file, empty, truncated, of another kind, one that names code, or with
            tensors that are not what the file stores.
    """
    path = Path(path)
    start = _first_bytes(path)
    size = path.stat().st_size
    if start[8:9] == b"{" and not start.startswith(limits.ZIP):
        data = _read_safetensors(path)
    elif nemo.is_archive(start):
        config, weights = nemo.read_archive(path)
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
        raise InputError(f"{shown(path)}: no such checkpoint") from None
    except OSError as error:
        raise InputError(f"{shown(path)}: cannot be read ({error.strerror})") from None
    except InputError:
        raise
    except ValueError:  # a NUL in it
        raise InputError(f"{shown(path)}: no name that a file can have") from None
    if not start:
        raise InputError(f"{path}: the file is empty")
    if start.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")):
        raise InputError(f"{path}: a web page, not a checkpoint: the download went wrong")
    return start


def _read_safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return {"state_dict": tensors, "metadata": dict(file.metadata() or {})}
    except (SafetensorError, OSError) as error:
        reason = one_line(error)
        raise InputError(f"{path}: truncated or damaged safetensors file ({reason})") from None
    except Exception:  # kinds of numbers that it knows and torch does not
        raise InputError(f"{path}: holds what torch cannot read: save it as float32") from None


def _read_torch(stream: BinaryIO, label: str) -> Any:
    if limits.is_zip(stream):
        limits.check_zip(stream, label)
    try:
        limits.check_pickles(stream)
    except Exception:
        raise InputError(_damaged(label)) from None
    # damaged or refused, in a dozen types of exception: ask the second reader
    with contextlib.suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's about old storage classes
        return torch.load(stream, map_location="cpu", weights_only=True)
    try:
        stream.seek(0)
        content, sources = load_stubs(stream, label)
        return _with_tensors(content, sources)
    except InputError:
        raise
    except Exception:  # nothing that a stranger's file leads to may end in a stack trace
        raise InputError(_damaged(label)) from None


def _damaged(label: str) -> str:
    return f"{label}: truncated, damaged or not a checkpoint"


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
    """Whether couplings alternate between the halves, by class or source text; None: unknown."""
    if origin.endswith("glow_old.WaveGlow") or "k%2" in sources:
        return True
    # the names of the halves, in the code of their `infer`
    return False if "audio_0=" in sources else None
