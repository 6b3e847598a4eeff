"""Multiplies 8-bit matrices with rounded inputs in integers; compiled by numba at its first use.

:mod:`tts.models.tacotron2.compiled_decoder` calls it. Import this module inside the function that
needs it, see :mod:`tts.models.kernels.decoder_kernels`.

Shapes: ``B`` batch, ``N`` rows, ``K`` columns.
"""

from __future__ import annotations

import math
from typing import Any

import numba.core.cgutils
import numba.extending
import numpy as np
from llvmlite import ir

from tts.models.kernels.compilation import BLOCK, compiled

_intrinsic: Any = numba.extending.intrinsic
_build: Any = numba.core.cgutils

_CHUNK = 64  # columns that are read together: a line of the cache
_AHEAD = 12  # distance in rows between the row that is read and the row that is prefetched
#: Type of the running sums of a row: one 32-bit integer for each pair of columns of a chunk.
_TOTALS = ir.VectorType(ir.IntType(32), _CHUNK // 2)
#: Arguments of LLVM's prefetch: for reading, into all levels of the cache, of data.
_FOR_READING = [ir.IntType(32)(number) for number in (0, 3, 1)]


@compiled
def add_int8_product(out: Any, x: Any, rounded: Any, weight: Any, scale: Any) -> None:
    """Add a matrix product that is computed in integers to ``out``.

    ``x`` is rounded too, as finely as the sums of products fit 32 bits: to 13 bits for 2048
    columns. That loses a hundredth of what the rounding of the weights loses.

    Args:
        out: ``(B, N)``, changed in place.
        x: ``(B, K or more)``; the first ``K`` columns are used.
        rounded: ``(B, K)`` int16 buffer.
        weight: ``(N, K)`` int8.
        scale: ``(N,)``, the scale of each row of ``weight``.
    """
    n_rows, n_columns = weight.shape
    limit = np.float32(min(32767, (2**31 - 1) // (127 * n_columns)))
    units = np.empty(len(x), np.float32)
    for b in range(len(x)):
        largest, zero_or_nan = np.float32(1e-30), np.float32(0)
        for k in range(n_columns):
            largest = max(largest, abs(x[b, k]))
            zero_or_nan += np.float32(0) * x[b, k]
        units[b] = largest / limit + zero_or_nan  # NaN if an input is not finite
        for k in range(n_columns):
            value = x[b, k] * (limit / largest)
            rounded[b, k] = np.int16(value + math.copysign(np.float32(0.5), value))
    sums = np.empty(BLOCK, np.int32)
    whole = n_rows - n_rows % BLOCK
    for n in range(0, whole, BLOCK):
        for b in range(len(x)):
            _four_dots(sums, rounded, b, weight, n)
            for r in range(BLOCK):
                total = sums[r]
                for k in range(n_columns - n_columns % _CHUNK, n_columns):
                    total += np.int32(weight[n + r, k]) * np.int32(rounded[b, k])
                out[b, n + r] += np.float32(total) * (scale[n + r] * units[b])
    for n in range(whole, n_rows):
        for b in range(len(x)):
            rest = np.int32(0)
            for k in range(n_columns):
                rest += np.int32(weight[n, k]) * np.int32(rounded[b, k])
            out[b, n] += np.float32(rest) * (scale[n] * units[b])


@_intrinsic  # type: ignore[untyped-decorator]
def _four_dots(_: Any, sums: Any, x: Any, b: Any, weight: Any, n: Any) -> Any:
    """Set ``sums[r] = weight[n + r] . x[b]`` for r from 0 to 3, for all whole chunks of columns.

    The compiler does not find the instructions that multiply and add pairs of 16-bit integers in
    loops over several rows. So this loop is written in LLVM's own language, with vectors of the
    size of a chunk. Every CPU can run it. CPUs with such instructions use two of them for half a
    chunk. Rows are too short for the CPU to predict which ones follow, so the loop prefetches them.
    """
    signature = numba.core.types.void(sums, x, b, weight, n)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        size = ir.IntType(64)
        sums, x, weight = (
            context.make_array(signature.args[i])(context, builder, arguments[i]) for i in (0, 1, 3)
        )
        x_row = _row_start(builder, x, arguments[2])
        rows = [
            _row_start(builder, weight, builder.add(arguments[4], size(r))) for r in range(BLOCK)
        ]
        nothing = ir.Constant(_TOTALS, [0] * (_CHUNK // 2))
        totals = [_build.alloca_once_value(builder, nothing) for _ in rows]
        width = _build.unpack_tuple(builder, weight.shape)[1]
        end = builder.and_(width, size(-_CHUNK))
        prefetch = _declare_prefetch(builder, weight.data.type)
        loop = _build.for_range_slice(builder, size(0), end, size(_CHUNK), inc=True)
        with loop as (column, _):
            values = _load_chunk(builder, x_row, column, bits=16)
            ahead = builder.add(column, builder.mul(width, size(_AHEAD)))
            for row, total in zip(rows, totals, strict=True):
                builder.call(prefetch, [builder.gep(row, [ahead]), *_FOR_READING])
                product = builder.mul(_load_chunk(builder, row, column, bits=8), values)
                pairs = _add_pairs(builder, product)
                builder.store(builder.add(builder.load(total), pairs), total)
        add_up = _declare_sum(builder)
        for r, total in enumerate(totals):
            result = builder.call(add_up, [builder.load(total)])
            builder.store(result, builder.gep(sums.data, [size(r)]))
        return context.get_dummy_value()

    return signature, generate


def _row_start(builder: Any, array: Any, row: Any) -> Any:
    """Return the address of the first element of a row of a two-dimensional array."""
    width = _build.unpack_tuple(builder, array.shape)[1]
    return builder.gep(array.data, [builder.mul(row, width)])


def _load_chunk(builder: Any, row_start: Any, column: Any, bits: int) -> Any:
    """Load a chunk of integers of this many bits, and extend them to 32 bits."""
    vector = ir.VectorType(ir.IntType(bits), _CHUNK)
    address = builder.bitcast(builder.gep(row_start, [column]), vector.as_pointer())
    loaded = builder.load(address)
    loaded.align = bits // 8
    return builder.sext(loaded, ir.VectorType(ir.IntType(32), _CHUNK))


def _add_pairs(builder: Any, product: Any) -> Any:
    """Add each even element of a chunk to the odd one after it."""
    masks = [ir.Constant(_TOTALS, list(range(offset, _CHUNK, 2))) for offset in (0, 1)]
    nothing = ir.Constant(product.type, ir.Undefined)
    even, odd = (builder.shuffle_vector(product, nothing, mask) for mask in masks)
    return builder.add(even, odd)


def _declare_prefetch(builder: Any, pointer: Any) -> Any:
    """Declare LLVM's function that loads data of this pointer type into the cache."""
    kind = ir.FunctionType(ir.VoidType(), [pointer, *[ir.IntType(32)] * 3])
    return _build.get_or_insert_function(builder.module, kind, "llvm.prefetch")


def _declare_sum(builder: Any) -> Any:
    """Declare LLVM's function that adds up the elements of a vector of running sums."""
    kind = ir.FunctionType(ir.IntType(32), [_TOTALS])
    name = f"llvm.vector.reduce.add.v{_CHUNK // 2}i32"
    return _build.get_or_insert_function(builder.module, kind, name)
