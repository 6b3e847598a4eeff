"""Defines the loops of one decoder step of Tacotron 2, which numba compiles at their first use.

:meth:`tts.models.tacotron2.decoder.Decoder.advance` defines what they compute.
:mod:`tts.models.tacotron2.compiled_decoder` calls them and owns the buffers. Import this module
inside the function that needs it: importing numba takes a quarter of a second, and compiling all
loops takes a few seconds, once on a machine. The compiled loops are stored next to this file, or
in the user's cache.

The loops compute each utterance of a batch separately, in the same order of operations as alone.
They read matrices in blocks of four rows. Four streams from memory come close to its full speed,
and a block stays in the cache while it is multiplied with each utterance.

Shapes: ``B`` batch, ``N`` rows, ``K`` columns, ``H`` hidden units, ``T`` symbols, ``M`` width of
the memory, ``D`` attention units, ``L`` taps of the location kernel.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tts.models.kernels.compilation import BLOCK, compiled


@compiled
def _tanh(x: Any) -> Any:
    """Compute tanh within 1e-7 by arithmetic only, so that loops become vector instructions.

    It is Lambert's continued fraction (1770) with three terms, for a quarter of the argument.
    ``tanh 2a = 2 tanh a / (1 + tanh^2 a)``, applied twice with separate numerator and denominator,
    gives the full argument.
    """
    # above 9 the result is 1; these two comparisons leave NaN as it is
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


@compiled
def _sigmoid(x: Any) -> Any:
    """Compute the logistic function from :func:`_tanh`."""
    return np.float32(0.5) + np.float32(0.5) * _tanh(np.float32(0.5) * x)


@compiled
def add_product(out: Any, x: Any, weight: Any) -> None:
    """Add a matrix product to ``out``.

    Args:
        out: ``(B, N or more)``, changed in place.
        x: ``(B, K or more)``; the first ``K`` columns are used.
        weight: ``(N, K)``, float32 or int8.
    """
    n_rows, n_columns = weight.shape
    whole = n_rows - n_rows % BLOCK
    for n in range(0, whole, BLOCK):
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


@compiled
def prenet_layer(out: Any, x: Any, weight: Any, mask: Any, scale: Any) -> None:
    """Apply a layer of the pre-net: product, ReLU, dropout.

    Args:
        out: ``(B, N or more)``; the first ``N`` columns are overwritten.
        x: ``(B, K)``.
        weight: ``(N, K)``.
        mask: ``(1 or B, N)``, 0 where dropout is, else 1.
        scale: factor of the values that dropout keeps.
    """
    for b in range(len(x)):
        for n in range(len(weight)):
            out[b, n] = np.float32(0)
    add_product(out, x, weight)
    for b in range(len(x)):
        own = min(b, len(mask) - 1)
        for n in range(len(weight)):
            positive = np.float32(0) if out[b, n] < np.float32(0) else out[b, n]
            out[b, n] = positive * (mask[own, n] * scale)


@compiled
def linear(out: Any, x: Any, weight: Any, bias: Any) -> None:
    """Apply a linear layer.

    Args:
        out: ``(B, N)``, overwritten.
        x: ``(B, K or more)``; the first ``K`` columns are used.
        weight: ``(N, K)``.
        bias: ``(N,)``.
    """
    for b in range(len(x)):
        for n in range(len(bias)):
            out[b, n] = bias[n]
    add_product(out, x, weight)


@compiled
def lstm(gates: Any, cell: Any, hidden: Any) -> None:
    """Apply the nonlinearities of an LSTM (gates in the order i, f, g, o).

    Args:
        gates: ``(B, 4 H)`` sums of the gates.
        cell: ``(B, H)``, replaced by the new cell.
        hidden: ``(B, H or more)``; the first ``H`` columns are overwritten.
    """
    n = cell.shape[1]
    for b in range(len(cell)):
        for h in range(n):
            kept = _sigmoid(gates[b, n + h]) * cell[b, h]
            added = _sigmoid(gates[b, h]) * _tanh(gates[b, 2 * n + h])
            cell[b, h] = kept + added
        for h in range(n):
            hidden[b, h] = _sigmoid(gates[b, 3 * n + h]) * _tanh(cell[b, h])


@compiled
def attend(
    weights: Any,
    query: Any,
    keys: Any,
    bias: Any,
    values: Any,
    kernel: Any,
    score: Any,
    history: Any,
    window: int,
    activation: Any,
    context: Any,
) -> None:
    """Compute the attention of one step, and update the last and accumulated weights.

    Args:
        weights: ``(B, T)``, overwritten.
        query: ``(B, D)``, the attention LSTM's hidden state after its linear layer.
        keys: ``(B, T, D)``, the memory after its linear layer.
        bias: ``(B, T)``, 0 for real symbols, minus infinity on the padding.
        values: ``(B, T, M)``.
        kernel: ``(2, L, D)``, the taps for the last weights, then those for the accumulated ones.
        score: ``(D,)``.
        history: ``(B, 2, T + L - 1)``, last and accumulated weights between zeros; updated.
        window: visible symbols on either side of the largest of the last weights; below 0: all.
        activation: ``(D,)`` buffer.
        context: ``(B, M)``, overwritten.
    """
    n_text, reach = keys.shape[1], kernel.shape[1] // 2
    for b in range(len(keys)):
        # hidden symbols are left out, so they cannot change even the order of a sum
        first, last = _visible_range(bias[b], history[b, 0, reach : reach + n_text], window)
        for t in range(n_text):
            weights[b, t] = np.float32(0)
        highest = np.float32(-np.inf)
        for t in range(first, last):
            for d in range(len(score)):
                activation[d] = keys[b, t, d] + query[b, d]
            for kind in range(2):
                _add_location(activation, kernel, history, b, kind, t)
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
            history[b, 0, reach + t] = weights[b, t]
            history[b, 1, reach + t] += weights[b, t]


@compiled
def _visible_range(bias: Any, last_weights: Any, window: int) -> Any:
    """Return the first visible symbol, and the one after the last, for one utterance.

    Args:
        bias: ``(T,)``, minus infinity on the padding.
        last_weights: ``(T,)`` weights of the last step.
        window: see :func:`attend`.
    """
    n_text = len(bias)
    first, last = 0, n_text
    if window >= 0:
        strongest = 0
        for t in range(1, n_text):
            if last_weights[t] > last_weights[strongest]:
                strongest = t
        first, last = max(0, strongest - window), min(n_text, strongest + window + 1)
    while last > first and bias[last - 1] == -np.inf:
        last -= 1
    return first, last


@compiled
def _add_location(activation: Any, kernel: Any, history: Any, b: int, kind: int, t: int) -> None:
    """Add the location convolution at symbol ``t`` to ``activation`` ``(D,)``.

    Args:
        activation: ``(D,)``, changed in place.
        kernel: ``(2, L, D)``.
        history: ``(B, 2, T + L - 1)``, see :func:`attend`.
        b: utterance.
        kind: 0 for the last weights, 1 for the accumulated ones.
        t: symbol.
    """
    taps = kernel.shape[1]
    whole = taps - taps % BLOCK
    for k in range(0, whole, BLOCK):
        first, second = history[b, kind, t + k], history[b, kind, t + k + 1]
        third, fourth = history[b, kind, t + k + 2], history[b, kind, t + k + 3]
        if first != 0 or second != 0 or third != 0 or fourth != 0:
            for d in range(len(activation)):
                activation[d] += (
                    first * kernel[kind, k, d]
                    + second * kernel[kind, k + 1, d]
                    + third * kernel[kind, k + 2, d]
                    + fourth * kernel[kind, k + 3, d]
                )
    for k in range(whole, taps):
        value = history[b, kind, t + k]
        for d in range(len(activation)):
            activation[d] += value * kernel[kind, k, d]
