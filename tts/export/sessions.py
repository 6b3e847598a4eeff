"""Opens the ONNX files of an export, and finds damaged ones before they speak."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tts.core.download import sha256
from tts.core.errors import InputError

_AGAIN = "copy the folder again, or write it again with python -m tts.export"


def open_session(folder: Path, part: Mapping[str, Any], threads: int | None) -> Any:
    """Return onnxruntime's session of a file.

    Args:
        folder: the folder of the export.
        part: the file's entry in ``description.json``.
        threads: number of onnxruntime's threads; None lets onnxruntime choose.

    Raises:
        InputError: onnxruntime is missing, or the file is missing or damaged.
    """
    try:
        import onnxruntime
    except ImportError:
        raise InputError("needs onnxruntime: pip install 'tacoglow[export]'") from None
    path = folder / part["file"]
    try:
        actual = sha256(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {_AGAIN}") from None
    # earlier versions wrote none
    if part.get("sha256", actual) != actual:
        raise InputError(f"{path}: damaged: it is not the file that was written; {_AGAIN}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception:  # onnxruntime has a dozen types of its own
        raise InputError(f"{path}: truncated, damaged or no ONNX file; {_AGAIN}") from None
