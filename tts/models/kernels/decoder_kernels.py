"""The loops of one step of Tacotron 2's decoder, compiled by numba when they are first needed.

What they compute is stated by :meth:`tts.models.tacotron2.decoder.Decoder.advance`; who calls
them, with which buffers, is :mod:`tts.models.tacotron2.compiled_decoder`. Import this where it is
used and not before: numba takes a quarter of a second, and compiling all of it a few, once on a
machine (the result is kept beside this file, or in the user's cache).

Every utterance of a batch is computed by itself, in the same order of operations as alone.
Matrices are read in blocks of four rows: four streams from memory are nearly as fast as memory
is, and a block stays in the cache while it is multiplied with each utterance.

Shapes: ``B`` batch, ``N`` rows, ``K`` columns, ``H`` hidden units, ``T`` symbols, ``M`` width of
the memory, ``D`` attention units, ``L`` taps of the location kernel.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba.core.cgutils
import numba.extending
import numpy as np
from llvmlite import ir

_njit: Any = numba.njit
_intrinsic: Any = numba.extending.intrinsic
_build: Any = numba.core.cgutils

_BLOCK = 4  # rows of a matrix that are read together
_CHUNK = 64  # columns of the integer product that are taken together: a line of the cache
_AHEAD = 12  # rows after those being read that are asked for meanwhile
# sums may be taken in any order; infinities mean something, so they stay
_REASSOCIATE = {"reassoc", "contract", "arcp", "nsz"}


def _compiled(function: Callable[..., Any]) -> Any:
    """Machine code of a function, from the cache if it can be kept anywhere."""
    options = {"fastmath": _REASSOCIATE, "nogil": True, "error_model": "numpy"}
    try:
        return _njit(cache=True, **options)(function)
    except RuntimeError:  # no folder to keep it in
        return _njit(**options)(function)


@_compiled
def _tanh(x: Any) -> Any:
    """Tanh within 1e-7, by arithmetic alone, so that loops of it become vector instructions.

    Three terms of Lambert's continued fraction (1770) for a quarter of the argument, doubled
    twice by ``tanh 2a = 2 tanh a / (1 + tanh^2 a)`` with numerator and denominator kept apart.
    """
    # beyond 9 it is 1; compared so that what is not a number stays so
    if x > np.float32(9):
        x = np.float32(9)
    elif x < np.float32(-9):
        x = np.float32(-9)
    a = np.float32(0.25) * x
    square = a * a
    p = a * (np.float32(105) + np.float32(10) * square)
    q = np.float32(105) + square * (np.float32(45) + square)
    p, q = np.float32(2) * p * q, p * p + q * q
    return np.float32(2) * p * q / (p * p + q * q)


@_compiled
def _sigmoid(x: Any) -> Any:
    return np.float32(0.5) + np.float32(0.5) * _tanh(np.float32(0.5) * x)


@_compiled
def add_product(out: Any, x: Any, weight: Any) -> None:
    """Add to ``(B, N)`` the product of ``(B, K or more)`` with ``(N, K)``, float32 or int8."""
    n_rows, n_columns = weight.shape
    whole = n_rows - n_rows % _BLOCK
    for n in range(0, whole, _BLOCK):
        for b in range(len(x)):
            first = second = third = fourth = np.float32(0)
            for k in range(n_columns):
                value = x[b, k]
                first += np.float32(weight[n, k]) * value
                second += np.float32(weight[n + 1, k]) * value
                third += np.float32(weight[n + 2, k]) * value
                fourth += np.float32(weight[n + 3, k]) * value
            out[b, n] += first
            out[b, n + 1] += second
            out[b, n + 2] += third
            out[b, n + 3] += fourth
    for n in range(whole, n_rows):
        for b in range(len(x)):
            total = np.float32(0)
            for k in range(n_columns):
                total += np.float32(weight[n, k]) * x[b, k]
            out[b, n] += total


@_compiled
def prenet_layer(out: Any, x: Any, weight: Any, mask: Any, scale: Any) -> None:
    """``(B, K)`` -> ``out[:, :N]``: product, ReLU, a mask ``(1 or B, N)`` of 0 or 1 times scale."""
    for b in range(len(x)):
        for n in range(len(weight)):
            out[b, n] = np.float32(0)
    add_product(out, x, weight)
    for b in range(len(x)):
        own = min(b, len(mask) - 1)
        for n in range(len(weight)):
            positive = np.float32(0) if out[b, n] < np.float32(0) else out[b, n]
            out[b, n] = positive * (mask[own, n] * scale)


@_compiled
def linear(out: Any, x: Any, weight: Any, bias: Any) -> None:
    """``(B, K or more)``, ``(N, K)`` and ``(N,)`` -> ``(B, N)``."""
    for b in range(len(x)):
        for n in range(len(bias)):
            out[b, n] = bias[n]
    add_product(out, x, weight)


@_compiled
def lstm(gates: Any, cell: Any, hidden: Any) -> None:
    """Sums of the gates ``(B, 4 H)`` and cells ``(B, H)`` -> new cells, ``hidden[:, :H]``."""
    n = cell.shape[1]
    for b in range(len(cell)):
        for h in range(n):
            kept = _sigmoid(gates[b, n + h]) * cell[b, h]
            added = _sigmoid(gates[b, h]) * _tanh(gates[b, 2 * n + h])
            cell[b, h] = kept + added
        for h in range(n):
            hidden[b, h] = _sigmoid(gates[b, 3 * n + h]) * _tanh(cell[b, h])


@_compiled
def attend(
    weights: Any,
    query: Any,
    keys: Any,
    bias: Any,
    values: Any,
    kernel: Any,
    score: Any,
    looked: Any,
    window: int,
    activation: Any,
    context: Any,
) -> None:
    """One look: fills `weights` and `context`, and moves the last and accumulated weights on.

    Args:
        weights: ``(B, T)``, written.
        query: ``(B, D)``.
        keys: ``(B, T, D)``.
        bias: ``(B, T)``: 0, or minus infinity where there is nothing to see.
        values: ``(B, T, M)``.
        kernel: ``(2, L, D)``, taps of the last weights first.
        score: ``(D,)``.
        looked: ``(B, 2, T + L - 1)``: last and accumulated weights between zeros; changed.
        window: symbols from the strongest of the last weights that are seen; below 0: all.
        activation: ``(D,)``, to work in.
        context: ``(B, M)``, what is read; written.
    """
    n_text, reach = keys.shape[1], kernel.shape[1] // 2
    for b in range(len(keys)):
        # what is hidden on both sides changes nothing, not even the order of a sum
        first, last = 0, n_text
        if window >= 0:
            strongest = 0
            for t in range(1, n_text):
                if looked[b, 0, reach + t] > looked[b, 0, reach + strongest]:
                    strongest = t
            first, last = max(0, strongest - window), min(n_text, strongest + window + 1)
        while last > first and bias[b, last - 1] == -np.inf:
            last -= 1
        for t in range(n_text):
            weights[b, t] = np.float32(0)
        highest = np.float32(-np.inf)
        for t in range(first, last):
            for d in range(len(score)):
                activation[d] = keys[b, t, d] + query[b, d]
            for side in range(2):
                _add_location(activation, kernel, looked, b, side, t)
            energy = bias[b, t]
            for d in range(len(score)):
                energy += score[d] * _tanh(activation[d])
            weights[b, t] = energy
            highest = max(highest, energy)
        total = np.float32(0)
        for t in range(first, last):
            weights[b, t] = math.exp(weights[b, t] - highest)
            total += weights[b, t]
        for m in range(values.shape[2]):
            context[b, m] = np.float32(0)
        for t in range(first, last):
            weights[b, t] /= total
            for m in range(values.shape[2]):
                context[b, m] += weights[b, t] * values[b, t, m]
        for t in range(n_text):
            looked[b, 0, reach + t] = weights[b, t]
            looked[b, 1, reach + t] += weights[b, t]


@_compiled
def _add_location(activation: Any, kernel: Any, looked: Any, b: int, side: int, t: int) -> None:
    """Add to ``(D,)`` what the location kernel makes of one kind of weights around a symbol."""
    taps = kernel.shape[1]
    whole = taps - taps % _BLOCK
    for k in range(0, whole, _BLOCK):
        first, second = looked[b, side, t + k], looked[b, side, t + k + 1]
        third, fourth = looked[b, side, t + k + 2], looked[b, side, t + k + 3]
        if first != 0 or second != 0 or third != 0 or fourth != 0:
            for d in range(len(activation)):
                activation[d] += (
                    first * kernel[side, k, d]
                    + second * kernel[side, k + 1, d]
                    + third * kernel[side, k + 2, d]
                    + fourth * kernel[side, k + 3, d]
                )
    for k in range(whole, taps):
        value = looked[b, side, t + k]
        for d in range(len(activation)):
            activation[d] += value * kernel[side, k, d]


@_compiled
def add_int8_product(out: Any, x: Any, rounded: Any, weight: Any, scale: Any) -> None:
    """As :func:`add_product`, in integers: `weight` ``(N, K)`` int8, `scale` ``(N,)`` of its rows.

    `x` is rounded as well, to `rounded` ``(B, K)`` int16, as finely as no sum of products can
    leave 32 bits: 13 bits for 2048 columns, which loses a hundredth of what the weights lose.
    """
    n_rows, n_columns = weight.shape
    limit = np.float32(min(32767, (2**31 - 1) // (127 * n_columns)))
    units = np.empty(len(x), np.float32)
    for b in range(len(x)):
        largest, nothing = np.float32(1e-30), np.float32(0)
        for k in range(n_columns):
            largest = max(largest, abs(x[b, k]))
            nothing += np.float32(0) * x[b, k]
        units[b] = largest / limit + nothing  # not a number where an input is none
        for k in range(n_columns):
            value = x[b, k] * (limit / largest)
            rounded[b, k] = np.int16(value + math.copysign(np.float32(0.5), value))
    sums = np.empty(_BLOCK, np.int32)
    whole = n_rows - n_rows % _BLOCK
    for n in range(0, whole, _BLOCK):
        for b in range(len(x)):
            _four_dots(sums, rounded, b, weight, n)
            for r in range(_BLOCK):
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
    """``sums[r] = weight[n + r] . x[b]`` for r below 4, but for the columns after the last chunk.

    The compiler does not find the instructions that multiply and add pairs of 16-bit integers
    in loops over several rows. Here the loop is in its own language, in vectors of a chunk: every
    processor can run it, and those with such instructions do so with two for half a chunk. Rows are
    too short for the processor to foresee the next ones, so they are asked for beforehand.
    """
    signature = numba.core.types.void(sums, x, b, weight, n)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        size, total = ir.IntType(64), ir.VectorType(ir.IntType(32), _CHUNK // 2)
        arrays = {
            i: context.make_array(signature.args[i])(context, builder, arguments[i])
            for i in (0, 1, 3)
        }

        def row_of(i: int, row: Any) -> Any:
            width = _build.unpack_tuple(builder, arrays[i].shape)[1]
            return builder.gep(arrays[i].data, [builder.mul(row, width)])

        def chunk(start: Any, column: Any, bits: int) -> Any:
            vector = ir.VectorType(ir.IntType(bits), _CHUNK)
            address = builder.bitcast(builder.gep(start, [column]), vector.as_pointer())
            loaded = builder.load(address)
            loaded.align = bits // 8
            return builder.sext(loaded, ir.VectorType(ir.IntType(32), _CHUNK))

        def pairs(product: Any) -> Any:
            masks = [ir.Constant(total, list(range(offset, _CHUNK, 2))) for offset in (0, 1)]
            nothing = ir.Constant(product.type, ir.Undefined)
            even, odd = (builder.shuffle_vector(product, nothing, mask) for mask in masks)
            return builder.add(even, odd)

        given = row_of(1, arguments[2])
        rows = [row_of(3, builder.add(arguments[4], size(r))) for r in range(_BLOCK)]
        totals = [
            _build.alloca_once_value(builder, ir.Constant(total, [0] * (_CHUNK // 2))) for _ in rows
        ]
        width = _build.unpack_tuple(builder, arrays[3].shape)[1]
        end = builder.and_(width, size(-_CHUNK))
        prefetch = _build.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.VoidType(), [arrays[3].data.type, *[ir.IntType(32)] * 3]),
            "llvm.prefetch",
        )
        for_reading = [ir.IntType(32)(number) for number in (0, 3, 1)]
        loop = _build.for_range_slice(builder, size(0), end, size(_CHUNK), inc=True)
        with loop as (column, _):
            values = chunk(given, column, 16)
            later = builder.add(column, builder.mul(width, size(_AHEAD)))
            for row, kept in zip(rows, totals, strict=True):
                builder.call(prefetch, [builder.gep(row, [later]), *for_reading])
                product = builder.mul(chunk(row, column, 8), values)
                builder.store(builder.add(builder.load(kept), pairs(product)), kept)
        reduce_type = ir.FunctionType(ir.IntType(32), [total])
        name = f"llvm.vector.reduce.add.v{_CHUNK // 2}i32"
        add_up = _build.get_or_insert_function(builder.module, reduce_type, name)
        for r, kept in enumerate(totals):
            found = builder.call(add_up, [builder.load(kept)])
            builder.store(found, builder.gep(arrays[0].data, [size(r)]))
        return context.get_dummy_value()

    return signature, generate
