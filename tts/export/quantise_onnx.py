"""Gives the decoder step 8-bit weights by onnxruntime's dynamic quantisation.

A step of batch 1 reads every weight once, and is as fast as the memory: most of the gain comes from
reading a quarter of the bytes. Nine tenths of the weights belong to the LSTMs. The small products
around them, from frame to pre-net and from LSTM to frame, keep their precision, which halves the
error of the frames. Ranges are reduced to 7 bits, since processors without VNNI overflow on 8.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import Path
from typing import Any

#: ONNX's matrix products.
_PRODUCTS = ("MatMul", "Gemm")


def quantise(path: Path, widths: Collection[int]) -> None:
    """Replace matrix products of an ONNX file by 8-bit ones; all else stays unchanged.

    Args:
        path: the file.
        widths: numbers of outputs of the products that are replaced.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    original = path.with_name(f"{path.name}.float32")
    path.rename(original)
    # on the root logger, onnxruntime advises to optimise the graph, which the exporter has done
    logging.disable(logging.WARNING)
    try:
        quantize_dynamic(
            original,
            path,
            op_types_to_quantize=list(_PRODUCTS),
            nodes_to_exclude=_others(onnx.load(original).graph, widths),
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )
    finally:
        logging.disable(logging.NOTSET)
    original.unlink()


def _others(graph: Any, widths: Collection[int]) -> list[str]:
    """Return the names of the products of other widths, and the names onnxruntime gives them."""
    rows = {weight.name: weight.dims[0] for weight in graph.initializer if len(weight.dims) > 1}
    products = [node for node in graph.node if node.op_type in _PRODUCTS]
    others = [node.name for node in products if rows.get(node.input[1]) not in widths]
    return [*others, *(f"{name}_MatMul" for name in others)]
