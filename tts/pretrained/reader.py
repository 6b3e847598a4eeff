"""Opens a checkpoint of any container without running anything that is in it.

safetensors, torch's zip, torch's older sequence of pickles and NeMo's tar are told apart by their
first bytes, not by the file's name. ``torch.load(weights_only=True)`` reads plain contents; what it
refuses gets a second reading by `tts.pretrained.stubs`, for pickled WaveGlows. TorchScript is
refused.
"""

from __future__ import annotations

import contextlib
import warnings
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import torch

from tts.errors import InputError
from tts.pretrained import nemo
from tts.pretrained.stubs import Stub, load_stubs


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read what a checkpoint holds: tensors and plain values.

    A pickled module is replaced by its tensors, under "state_dict"; "pickled_class", "hop_length"
    and "alternate_halves" then say what the file tells about it. The metadata of a safetensors
    file is under "metadata", the configuration of a NeMo archive under "nemo".

    Args:
        path: the file.

    Raises:
        InputError: no such file, empty, truncated, of another kind, or one that names code.
    """
    path = Path(path)
    start = _first_bytes(path)
    if start[8:9] == b"{" and not start.startswith(b"PK"):
        return _read_safetensors(path)
    if nemo.is_archive(start):
        config, weights = nemo.unpack(path)
        return {"state_dict": _dictionary(path, _read_torch(weights, str(path))), "nemo": config}
    if start.startswith(b"PK"):
        _check_zip(path)
    with path.open("rb") as stream:
        return _dictionary(path, _read_torch(stream, str(path)))


def _dictionary(path: Path, content: Any) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds {type(content).__name__}, not a checkpoint's dictionary")
    return content


def _first_bytes(path: Path) -> bytes:
    if path.is_dir():
        raise InputError(f"{path}: a folder; name the checkpoint file in it")
    try:
        with path.open("rb") as stream:
            start = stream.read(512)
    except FileNotFoundError:
        raise InputError(f"{path}: no such checkpoint") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
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
        raise InputError(f"{path}: truncated or damaged safetensors file ({error})") from None


def _check_zip(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError):
        raise InputError(f"{path}: truncated or damaged: copy or download it again") from None
    if any(name.endswith("constants.pkl") for name in names):
        raise InputError(f"{path}: a TorchScript archive holds code and is not read here")
    if not any(name.endswith("/data.pkl") for name in names):
        raise InputError(
            f"{path}: a zip archive, but not a checkpoint of torch; if one is in it, unpack it"
        )


def _read_torch(stream: BinaryIO, label: str) -> Any:
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
        raise InputError(f"{label}: truncated, damaged or not a checkpoint") from None


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
