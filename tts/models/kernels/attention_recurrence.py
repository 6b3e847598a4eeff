"""Computes Tacotron 2's attention LSTM and its attention over a whole sequence, with gradients.

It works as :mod:`tts.models.kernels.lstm_recurrence` does: only the true recurrences run step by
step. The attention's activations are the largest tensors. They are not stored, but computed again
in the backward pass. In half precision, sums over many steps (cells, accumulated weights,
gradients) are kept in float32.

Attention: Chorowski et al. (2015), §2.1. Backpropagation through time: Werbos (1990).

Shapes: ``S`` steps, ``B`` batch, ``T`` symbols, ``I`` inputs, ``H`` hidden units, ``M`` width of
the memory, ``D`` attention units, ``K`` size of the location kernel.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from tts.models.kernels.activations import tanh_
from tts.models.kernels.lstm_recurrence import (
    PackedWeight,
    gates_for_gradients,
    lstm_step,
    lstm_step_backward,
    wide_dtype,
)
from tts.models.kernels.products import add_onednn_linear, onednn_linear, weight_gradient

_tanh_backward = torch.ops.aten.tanh_backward.grad_input


class AttentionRecurrence(torch.autograd.Function):
    """Computes an LSTM whose inputs include what its own attention read in the step before.

    Call it as ``apply(inputs, weight_ih, weight_hh, bias, query, keys, padding, kernel, score,
    values, dropout)``. The results are the hidden states and the contexts next to each other,
    ``(S, B, H + M)``, and the attention's weights ``(S, B, T)``.
    """

    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias: Tensor,
        query: Tensor,
        keys: Tensor,
        padding: Tensor,
        kernel: Tensor,
        score: Tensor,
        values: Tensor,
        dropout: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """Run all steps from a zero state.

        Args:
            ctx: context for the backward pass.
            inputs: ``(S, B, I)``.
            weight_ih: ``(4 H, I + M)``.
            weight_hh: ``(4 H, H)``.
            bias: ``(4 H,)``.
            query: ``(D, H)`` weight of the attention's query.
            keys: ``(B, T, D)``.
            padding: ``(B, T)``, added to the energies; it has no gradient.
            kernel: ``(D, 2, K)`` of the location features.
            score: ``(D,)``, turns the activation into energies.
            values: ``(B, T, M)``, the memory that is read.
            dropout: ``(S, B, H)`` factors of the hidden states, or None.

        Returns:
            ``(S, B, H + M)``, hidden states after dropout and contexts, and weights ``(S, B, T)``.
        """
        n_steps, n_batch, n_in = inputs.shape
        (n_text, n_memory), n_hidden = values.shape[1:], weight_hh.shape[1]
        gates = onednn_linear(inputs, weight_ih[:, :n_in], bias)
        recur = PackedWeight(torch.cat((weight_hh, weight_ih[:, n_in:]), 1), n_batch)
        # step t reads row t and writes row t + 1
        states = inputs.new_zeros(n_steps + 1, n_batch, n_hidden + n_memory)
        cells = inputs.new_zeros(n_steps + 1, n_batch, n_hidden, dtype=wide_dtype(inputs))
        location = _LocationFeatures(kernel, n_steps + 1, n_batch, n_text)
        for t in range(n_steps):
            gates[t].add_(recur(states[t]))
            hidden, context = torch.split(states[t + 1], [n_hidden, n_memory], 1)
            lstm_step(gates[t], cells[t], cells[t + 1], hidden)
            if dropout is not None:
                hidden.mul_(dropout[t])
            activation = location.activation(t, keys, onednn_linear(hidden, query))
            energies = (activation @ score).view(n_batch, n_text).add_(padding)
            weights = torch.softmax(energies, 1)
            location.store(t, weights)
            context.copy_(torch.bmm(weights[:, None], values)[:, 0])
        ctx.save_for_backward(
            inputs, weight_ih, weight_hh, query, keys, kernel, score, values, dropout
        )
        ctx.buffers = gates, states, cells, location
        return states[1:], location.weights[1:, :, 0].to(inputs.dtype, copy=True)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_states: Tensor, grad_weights: Tensor) -> tuple[Tensor | None, ...]:
        """Run the steps backwards, then compute one product for each weight.

        Args:
            ctx: context of the forward pass.
            grad_states: ``(S, B, H + M)`` gradient of hidden states and contexts.
            grad_weights: ``(S, B, T)`` gradient of the attention's weights.

        Returns:
            Gradients of the arguments of ``apply``, with their shapes; None for ``padding`` and
            ``dropout``.
        """
        inputs, weight_ih, weight_hh, query, keys, kernel, score, values, dropout = (
            ctx.saved_tensors
        )
        gates, states, cells, location = ctx.buffers
        n_in, n_memory, n_hidden = inputs.shape[2], values.shape[2], weight_hh.shape[1]
        hidden = states[1:, :, :n_hidden]
        queries = onednn_linear(hidden, query)
        d_gates = gates = gates_for_gradients(ctx, gates)
        d_queries = torch.empty_like(queries)
        d_contexts = torch.empty_like(states[1:, :, n_hidden:])
        d_cell = torch.zeros_like(cells[0])
        d_recurrent = torch.zeros_like(states[0])
        weight_recurrent = torch.cat((weight_hh, weight_ih[:, n_in:]), 1)
        recur_back = PackedWeight(weight_recurrent.t(), states.shape[1])
        attention = _AttentionGradient(location, keys, score)
        for t in reversed(range(len(inputs))):
            d_hidden, d_context = torch.split(
                d_recurrent.add_(grad_states[t]), [n_hidden, n_memory], 1
            )
            d_contexts[t] = d_context
            # a row times a matrix: torch's kernel for a matrix times a column is slow
            d_weights = torch.bmm(d_context[:, None], values.transpose(1, 2))[:, 0]
            d_weights.add_(grad_weights[t])
            attention.step(t, d_weights, queries[t], d_query=d_queries[t])
            d_hidden.addmm_(d_queries[t], query)
            if dropout is not None:
                d_hidden.mul_(dropout[t])
            lstm_step_backward(gates[t], cells[t], cells[t + 1], d_hidden, d_cell)
            d_recurrent = recur_back(d_gates[t])
        # free these buffers before others of the same size are allocated
        del recur_back, weight_recurrent, cells
        d_weight_inputs = weight_gradient(d_gates, inputs)
        d_weight_context = weight_gradient(d_gates, states[:-1, :, n_hidden:])
        weights = location.weights[1:, :, 0].permute(1, 2, 0)
        return (
            onednn_linear(d_gates, weight_ih[:, :n_in].t()),
            torch.cat((d_weight_inputs, d_weight_context), 1),
            weight_gradient(d_gates, states[:-1, :, :n_hidden]),
            d_gates.flatten(0, 1).sum(0),
            weight_gradient(d_queries, hidden),
            attention.d_keys,
            None,
            attention.d_kernel.view_as(kernel),
            attention.d_score,
            torch.bmm(weights.to(values.dtype), d_contexts.transpose(0, 1)),
            None,
        )


class _LocationFeatures:
    """Stores the last and accumulated weights of all steps, and computes the activation from them.

    Args:
        kernel: ``(D, 2, K)``.
        n_rows: ``S + 1``.
        n_batch: ``B``.
        n_text: ``T``.
    """

    def __init__(self, kernel: Tensor, n_rows: int, n_batch: int, n_text: int) -> None:
        self.kernel = kernel.flatten(1)
        self.length = kernel.shape[2]
        reach = self.length // 2
        # zeros around the text give every position a complete window
        size = (n_rows, n_batch, 2, n_text + 2 * reach)
        self.padded = kernel.new_zeros(size, dtype=wide_dtype(kernel))
        self.weights = self.padded[..., reach : reach + n_text]

    def windows(self, t: int) -> Tensor:
        """Return the inputs of the location kernel at step t, ``(B T, 2 K)``."""
        windows = self.padded[t].unfold(2, self.length, 1).transpose(1, 2)
        return windows.reshape(-1, self.kernel.shape[1]).to(self.kernel.dtype)

    def activation(self, t: int, keys: Tensor, query: Tensor) -> Tensor:
        """Return ``tanh(W h + V m + U f)`` of step t, ``(B T, D)``.

        Args:
            t: step.
            keys: ``(B, T, D)``, ``V m``.
            query: ``(B, D)``, ``W h``.
        """
        total = (keys + query[:, None]).flatten(0, 1)
        return tanh_(add_onednn_linear(total, self.windows(t), self.kernel))

    def store(self, t: int, weights: Tensor) -> None:
        """Store the weights ``(B, T)`` of step t, and add them to the accumulated ones."""
        self.weights[t + 1, :, 0] = weights
        torch.add(self.weights[t, :, 1], weights, out=self.weights[t + 1, :, 1])


class _AttentionGradient:
    """Accumulates the gradients of the attention while the steps run backwards.

    Args:
        location: features of the forward pass.
        keys: ``(B, T, D)``.
        score: ``(D,)``.

    Attributes:
        d_keys: ``(B, T, D)``.
        d_score: ``(D,)``.
        d_kernel: ``(D, 2 K)``.
    """

    def __init__(self, location: _LocationFeatures, keys: Tensor, score: Tensor) -> None:
        self.location, self.keys, self.score = location, keys, score
        self.d_keys = torch.zeros_like(keys, dtype=wide_dtype(keys))
        self.d_score = torch.zeros_like(score, dtype=wide_dtype(score))
        self.d_kernel = torch.zeros_like(location.kernel, dtype=wide_dtype(location.kernel))
        # gradients of this step's last and accumulated weights, from the steps after it
        self.d_last = torch.zeros_like(location.weights[0, :, 0])
        self.d_accumulated = torch.zeros_like(self.d_last)

    def step(self, t: int, d_weights: Tensor, query: Tensor, d_query: Tensor) -> None:
        """Run the attention of step t backwards.

        Args:
            t: step.
            d_weights: ``(B, T)`` gradient of the step's weights, without that by later steps.
            query: ``(B, D)``.
            d_query: ``(B, D)``, overwritten with the gradient of ``query``.
        """
        d_energies = self._through_softmax(t, d_weights).to(self.keys.dtype).flatten()
        activation = self.location.activation(t, self.keys, query)
        self.d_score += activation.t() @ d_energies
        d_activation = torch.outer(d_energies, self.score)
        _tanh_backward(d_activation, activation, grad_input=d_activation)
        self._through_location(t, d_activation)
        d_sum = d_activation.view_as(self.keys)
        self.d_keys += d_sum
        torch.sum(d_sum, 1, out=d_query)

    def _through_softmax(self, t: int, d_weights: Tensor) -> Tensor:
        """Return the ``(B, T)`` gradient of the energies of step t from that of its weights."""
        weights = self.location.weights[t + 1, :, 0]
        d_weights = d_weights + self.d_last + self.d_accumulated
        weighted = weights * d_weights
        return weighted.addcmul_(weights, weighted.sum(1, keepdim=True), value=-1)

    def _through_location(self, t: int, d_activation: Tensor) -> None:
        """Add the gradients of the kernel and of the weights that step t read.

        Args:
            t: step.
            d_activation: ``(B T, D)`` gradient of the activation before its tanh.
        """
        location, kernel = self.location, self.location.kernel
        self.d_kernel += weight_gradient(d_activation, location.windows(t))
        n_batch, _, n_padded = location.padded[t].shape
        d_windows = onednn_linear(d_activation, kernel.t()).view(n_batch, -1, kernel.shape[1])
        d_padded = F.fold(d_windows.transpose(1, 2), (1, n_padded), (1, location.length))
        reach = location.length // 2
        self.d_last, d_accumulated = d_padded[:, :, 0, reach : n_padded - reach].unbind(1)
        self.d_accumulated = self.d_accumulated + d_accumulated
