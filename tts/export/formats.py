"""Writes modules as files, and runs the files: ONNX with onnxruntime, or torch's own programs."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from tts.export.exported_module import ExportedModule, Tensors
from tts.export.lstm import onnx_translations

#: Format -> ending of its files.
ENDINGS = {"onnx": ".onnx", "torch": ".pt2"}
#: Size of the input that is traced; nothing in the files depends on it.
_BATCH, _LENGTH = 2, 11

Runner = Callable[[Tensors], Tensors]


def write_module(part: ExportedModule, path: Path, format: str, opset: int) -> None:
    """Write a module as a file.

    Args:
        part: the module.
        path: the file.
        format: "onnx" or "torch".
        opset: version of ONNX's operators.
    """
    inputs = part.sample(_BATCH, _LENGTH).inputs
    with torch.no_grad(), _quiet():
        if format == "onnx":
            _write_onnx(part, inputs, path, opset)
            return
        program = torch.export.export(part.module, inputs, dynamic_shapes=part.dynamic_shapes())
        # torch's own writer of files ends the whole process when the disk is full
        content = io.BytesIO()
        torch.export.save(program, content)
    path.write_bytes(content.getbuffer())


def open_runner(path: Path) -> Runner:
    """Return a function that computes with a written file."""
    if path.suffix == ENDINGS["torch"]:
        with _quiet():
            program = torch.export.load(path).module()
        return lambda inputs: tuple(program(*inputs))
    return _onnx_runner(path)


def _write_onnx(part: ExportedModule, inputs: Tensors, path: Path, opset: int) -> None:
    program = torch.onnx.export(
        part.module,
        inputs,
        dynamo=True,
        dynamic_shapes=part.dynamic_shapes(),
        input_names=list(part.inputs),
        output_names=list(part.outputs),
        custom_translation_table=onnx_translations(),
        opset_version=opset,
        verbose=False,
    )
    assert program is not None
    # the exporter adds the lines of code behind every node, with the folders of this machine
    for graph in (program.model.graph, *program.model.functions.values()):
        for node in graph:
            node.metadata_props.clear()
    program.save(path)


def _onnx_runner(path: Path) -> Runner:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]

    def run(inputs: Tensors) -> Tensors:
        arrays = (tensor.contiguous().numpy() for tensor in inputs)
        outputs = session.run(None, dict(zip(names, arrays, strict=True)))
        return tuple(map(torch.from_numpy, outputs))

    return run


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence messages of torch and onnxscript about their own internals."""
    log = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = log.level
    log.setLevel(logging.ERROR)  # hides "torchvision is not installed"
    try:
        with warnings.catch_warnings():
            for message in (
                ".*isinstance.treespec, LeafSpec",
                ".*The axis name: .* will not be used",
            ):
                warnings.filterwarnings("ignore", message)
            yield
    finally:
        log.setLevel(level)
