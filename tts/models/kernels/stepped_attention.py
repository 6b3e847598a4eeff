"""Gives autograd the attention LSTM and the attention that run step by step on a GPU.

The steps are those of :mod:`tts.models.kernels.attention_steps`. Everything that does not recur is
one product over all steps.

Shapes: ``S`` steps, ``B`` batch, ``T`` symbols, ``I`` inputs, ``H`` hidden units, ``M`` width of
the memory, ``D`` attention units, ``K`` size of the location kernel.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from tts.models.kernels.attention_steps import (
    ATTENTION_BACKWARD,
    ATTENTION_FORWARD,
    AttentionGradients,
    AttentionSteps,
)
from tts.models.kernels.lstm_recurrence import gates_for_gradients, wide_dtype
from tts.models.kernels.lstm_steps import with_first_row
from tts.models.kernels.products import weight_gradient
from tts.models.kernels.runner import Runner


class SteppedAttention(torch.autograd.Function):
    """Computes what :class:`tts.models.kernels.attention_recurrence.AttentionRecurrence` computes.

    Call it as ``apply(runner, inputs, weight_ih, weight_hh, bias, query, keys, padding, kernel,
    score, values, dropout)``.
    """

    @staticmethod
    def forward(
        ctx: Any,
        runner: Runner,
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
            runner: runs the steps.
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
        states = inputs.new_zeros(n_steps + 1, n_batch, n_hidden + n_memory)
        wide = states.new_zeros(0, dtype=wide_dtype(inputs))
        steps = AttentionSteps(
            torch.cat((weight_hh, weight_ih[:, n_in:]), 1),
            *(query, kernel, score, keys, padding, values),
            gates=F.linear(inputs, weight_ih[:, :n_in], bias),
            states=states,
            cells=wide.new_zeros(n_steps + 1, n_batch, n_hidden),
            padded=wide.new_zeros(n_steps + 1, n_batch, 2, n_text + kernel.shape[2] - 1),
            weights=wide.new_empty(n_steps, n_batch, n_text),
            dropout=dropout,
        )
        runner.run(ATTENTION_FORWARD, steps)
        ctx.runner = runner
        ctx.save_for_backward(
            inputs, weight_ih, weight_hh, query, keys, kernel, score, values, dropout
        )
        ctx.buffers = steps.gates, states, steps.cells, steps.padded, steps.weights
        return states[1:], steps.weights.to(inputs.dtype, copy=True)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_states: Tensor, grad_weights: Tensor) -> tuple[Tensor | None, ...]:
        """Run the steps backwards, then compute one product for each weight.

        Args:
            ctx: context of the forward pass.
            grad_states: ``(S, B, H + M)`` gradient of hidden states and contexts.
            grad_weights: ``(S, B, T)`` gradient of the attention's weights.

        Returns:
            Gradients of the arguments of ``apply``, with their shapes; None for ``runner``,
            ``padding`` and ``dropout``.
        """
        inputs, weight_ih, weight_hh, query, keys, kernel, score, values, dropout = (
            ctx.saved_tensors
        )
        gates, states, cells, padded, weights = ctx.buffers
        d_gates = gates = gates_for_gradients(ctx, gates)
        n_in, n_hidden = inputs.shape[2], weight_hh.shape[1]
        hidden = states[1:, :, :n_hidden]
        steps = AttentionGradients(
            torch.cat((weight_hh, weight_ih[:, n_in:]), 1),
            *(query, kernel, score, keys, values, gates, cells, padded, weights),
            queries=F.linear(hidden, query),
            d_states=with_first_row(grad_states),
            d_weights=with_first_row(grad_weights.to(weights.dtype)),
            d_cell=torch.zeros_like(cells[0]),
            d_keys=torch.zeros_like(keys, dtype=weights.dtype),
            d_kernel=torch.zeros_like(kernel, dtype=weights.dtype),
            d_score=torch.zeros_like(score, dtype=weights.dtype),
            dropout=dropout,
        )
        ctx.runner.run(ATTENTION_BACKWARD, steps)
        d_weight_inputs = weight_gradient(d_gates, inputs)
        d_weight_context = weight_gradient(d_gates, states[:-1, :, n_hidden:])
        d_contexts = steps.d_states[1:, :, n_hidden:].transpose(0, 1)
        return (
            None,
            d_gates @ weight_ih[:, :n_in],
            torch.cat((d_weight_inputs, d_weight_context), 1),
            weight_gradient(d_gates, states[:-1, :, :n_hidden]),
            d_gates.flatten(0, 1).sum(0),
            weight_gradient(steps.queries, hidden),
            steps.d_keys.to(keys.dtype),
            None,
            steps.d_kernel.to(kernel.dtype),
            steps.d_score.to(score.dtype),
            torch.bmm(weights.permute(1, 2, 0).to(values.dtype), d_contexts),
            None,
        )
