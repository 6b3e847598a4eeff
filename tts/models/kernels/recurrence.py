"""The recurrences of Tacotron 2's decoder over a whole sequence, with gradients of their own.

Autograd records each step's small operations, and adds each step's share to the gradient of every
weight. Here only what truly recurs is done step by step, in buffers that are allocated once, and
the gradient of a weight is one matrix product over all steps; of the attention's activations,
which are the largest, nothing is kept: they are computed again on the way back. What is computed
is stated by :meth:`tts.models.tacotron2.decoder.Decoder.advance`, against which this is tested.
In half precision, what is summed over many steps (cells, accumulated weights, gradients) is kept
in float32.

Backpropagation through time: Werbos (1990). LSTM: Hochreiter and Schmidhuber (1997), gates in the
order i, f, g, o. Attention: Chorowski et al. (2015), §2.1.

Shapes: ``S`` steps, ``B`` batch, ``T`` symbols, ``I`` inputs, ``H`` hidden units, ``M`` width of
the memory, ``D`` attention units, ``K`` location kernel.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from tts.models.kernels.activations import tanh, tanh_
from tts.models.kernels.products import add_onednn_linear, onednn_linear, weight_gradient

_sigmoid_backward = torch.ops.aten.sigmoid_backward.grad_input
_tanh_backward = torch.ops.aten.tanh_backward.grad_input


class LstmRecurrence(torch.autograd.Function):
    """LSTM from a zero state whose hidden state is dropped out before it recurs.

    ``apply(inputs, weight_ih, weight_hh, bias, dropout)`` with ``inputs`` ``(S, B, I)``,
    ``weight_ih`` ``(4 H, I)``, ``weight_hh`` ``(4 H, H)``, ``bias`` ``(4 H,)``, and ``dropout``
    ``(S, B, H)``, the factors of the hidden state, or None, gives the hidden states
    ``(S, B, H)``.
    """

    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias: Tensor,
        dropout: Tensor | None,
    ) -> Tensor:
        """Run all steps."""
        n_steps, n_batch, _ = inputs.shape
        gates = onednn_linear(inputs, weight_ih, bias)
        # row t is what step t finds, row t + 1 what it leaves
        hidden = inputs.new_zeros(n_steps + 1, n_batch, weight_hh.shape[1])
        cells = torch.zeros_like(hidden, dtype=_wide(inputs))
        recur = _Packed(weight_hh, n_batch)
        for t in range(n_steps):
            gates[t].add_(recur(hidden[t]))
            _lstm_step(gates[t], cells[t], cells[t + 1], hidden[t + 1])
            if dropout is not None:
                hidden[t + 1].mul_(dropout[t])
        ctx.save_for_backward(inputs, weight_ih, weight_hh, dropout)
        ctx.buffers = gates, hidden, cells
        return hidden[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_hidden: Tensor) -> tuple[Tensor | None, ...]:
        """Walk back through the steps, then one product for each weight."""
        inputs, weight_ih, weight_hh, dropout = ctx.saved_tensors
        gates, hidden, cells = ctx.buffers
        d_gates = gates = _for_gradients(ctx, gates)
        d_cell = torch.zeros_like(cells[0])
        d_recurrent = torch.zeros_like(hidden[0])
        recur_back = _Packed(weight_hh.t(), hidden.shape[1])
        for t in reversed(range(len(inputs))):
            d_hidden = d_recurrent.add_(grad_hidden[t])
            if dropout is not None:
                d_hidden.mul_(dropout[t])
            _lstm_step_backward(gates[t], cells[t], cells[t + 1], d_hidden, d_cell)
            d_recurrent = recur_back(d_gates[t])
        # what is no longer needed goes before what is as large comes
        del recur_back, cells
        d_weight_hh = weight_gradient(d_gates, hidden[:-1])
        del hidden
        d_weight_ih = weight_gradient(d_gates, inputs)
        d_bias = d_gates.flatten(0, 1).sum(0)
        return onednn_linear(d_gates, weight_ih.t()), d_weight_ih, d_weight_hh, d_bias, None


class AttentionRecurrence(torch.autograd.Function):
    """LSTM that at every step finds among its inputs what its own attention has just read.

    ``apply(inputs, weight_ih, weight_hh, bias, query, keys, padding, kernel, score, values,
    dropout)``:

    * ``inputs`` ``(S, B, I)``, ``weight_ih`` ``(4 H, I + M)``, ``weight_hh`` ``(4 H, H)``,
      ``bias`` ``(4 H,)``: of the LSTM.
    * ``query`` ``(D, H)``, ``keys`` ``(B, T, D)``, ``kernel`` ``(D, 2, K)``, ``score`` ``(D,)``:
      of the attention; ``padding`` ``(B, T)`` is added to its energies and has no gradient.
    * ``values`` ``(B, T, M)``: what is read.
    * ``dropout`` ``(S, B, H)``: factors of the hidden state, or None.

    Gives the hidden state and what was read side by side, ``(S, B, H + M)``, and the attention's
    weights ``(S, B, T)``.
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
        """Run all steps from a zero state."""
        n_steps, n_batch, n_in = inputs.shape
        (n_text, n_memory), n_hidden = values.shape[1:], weight_hh.shape[1]
        gates = onednn_linear(inputs, weight_ih[:, :n_in], bias)
        recur = _Packed(torch.cat((weight_hh, weight_ih[:, n_in:]), 1), n_batch)
        # row t is what step t finds, row t + 1 what it leaves
        states = inputs.new_zeros(n_steps + 1, n_batch, n_hidden + n_memory)
        cells = inputs.new_zeros(n_steps + 1, n_batch, n_hidden, dtype=_wide(inputs))
        look = _Location(kernel, n_steps + 1, n_batch, n_text)
        for t in range(n_steps):
            gates[t].add_(recur(states[t]))
            hidden, context = torch.split(states[t + 1], [n_hidden, n_memory], 1)
            _lstm_step(gates[t], cells[t], cells[t + 1], hidden)
            if dropout is not None:
                hidden.mul_(dropout[t])
            activation = look.activation(t, keys, onednn_linear(hidden, query))
            energies = (activation @ score).view(n_batch, n_text).add_(padding)
            weights = torch.softmax(energies, 1)
            look.attend(t, weights)
            context.copy_(torch.bmm(weights[:, None], values)[:, 0])
        ctx.save_for_backward(
            inputs, weight_ih, weight_hh, query, keys, kernel, score, values, dropout
        )
        ctx.buffers = gates, states, cells, look
        return states[1:], look.weights[1:, :, 0].to(inputs.dtype, copy=True)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_states: Tensor, grad_weights: Tensor) -> tuple[Tensor | None, ...]:
        """Walk back through the steps, then one product for each weight."""
        inputs, weight_ih, weight_hh, query, keys, kernel, score, values, dropout = (
            ctx.saved_tensors
        )
        gates, states, cells, look = ctx.buffers
        n_in, n_memory, n_hidden = inputs.shape[2], values.shape[2], weight_hh.shape[1]
        hidden = states[1:, :, :n_hidden]
        queries = onednn_linear(hidden, query)
        d_gates = gates = _for_gradients(ctx, gates)
        d_queries = torch.empty_like(queries)
        d_contexts = torch.empty_like(states[1:, :, n_hidden:])
        d_cell = torch.zeros_like(cells[0])
        d_recurrent = torch.zeros_like(states[0])
        recur_back = _Packed(torch.cat((weight_hh, weight_ih[:, n_in:]), 1).t(), states.shape[1])
        d_keys = torch.zeros_like(keys, dtype=_wide(keys))
        d_score = torch.zeros_like(score, dtype=_wide(score))
        trail = _LocationGradient(look)
        for t in reversed(range(len(inputs))):
            d_hidden, d_context = torch.split(
                d_recurrent.add_(grad_states[t]), [n_hidden, n_memory], 1
            )
            d_contexts[t] = d_context
            # a row before the matrix, not a column behind it: the kernel of that is slow
            d_weights = torch.bmm(d_context[:, None], values.transpose(1, 2))[:, 0]
            d_weights.add_(grad_weights[t])
            d_energies = trail.through_softmax(t, d_weights).to(keys.dtype).flatten()
            activation = look.activation(t, keys, queries[t])
            d_score += activation.t() @ d_energies
            d_activation = torch.outer(d_energies, score)
            _tanh_backward(d_activation, activation, grad_input=d_activation)
            trail.through_location(t, d_activation)
            d_seen = d_activation.view_as(keys)
            d_keys += d_seen
            torch.sum(d_seen, 1, out=d_queries[t])
            d_hidden.addmm_(d_queries[t], query)
            if dropout is not None:
                d_hidden.mul_(dropout[t])
            _lstm_step_backward(gates[t], cells[t], cells[t + 1], d_hidden, d_cell)
            d_recurrent = recur_back(d_gates[t])
        # what is no longer needed goes before what is as large comes
        del recur_back, cells
        d_known = weight_gradient(d_gates, inputs)
        d_read = weight_gradient(d_gates, states[:-1, :, n_hidden:])
        return (
            onednn_linear(d_gates, weight_ih[:, :n_in].t()),
            torch.cat((d_known, d_read), 1),
            weight_gradient(d_gates, states[:-1, :, :n_hidden]),
            d_gates.flatten(0, 1).sum(0),
            weight_gradient(d_queries, hidden),
            d_keys,
            None,
            trail.d_kernel.view_as(kernel),
            d_score,
            torch.bmm(
                look.weights[1:, :, 0].permute(1, 2, 0).to(values.dtype),
                d_contexts.transpose(0, 1),
            ),
            None,
        )


class _Packed:
    """``(N, K)`` weights that are multiplied with a few rows at every step, laid out for it once.

    A matrix product arranges its operands anew in each call, which for 16 rows takes longer than
    the product. oneDNN can do it beforehand.
    """

    def __init__(self, weight: Tensor, n_rows: int) -> None:
        self._packs = (
            weight.device.type == "cpu"
            and weight.dtype == torch.float32
            and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        )
        self._weight = weight
        if self._packs:
            self._weight = torch.ops.mkldnn._reorder_linear_weight(weight, n_rows)

    def __call__(self, rows: Tensor) -> Tensor:
        """``(n_rows, K)`` -> ``(n_rows, N)``."""
        if not self._packs:
            return F.linear(rows, self._weight)
        product: Tensor = torch.ops.mkldnn._linear_pointwise(
            rows, self._weight, None, "none", [], ""
        )
        return product


class _Location:
    """Last and accumulated weights of all steps, and the attention's activation that sees them."""

    def __init__(self, kernel: Tensor, n_rows: int, n_batch: int, n_text: int) -> None:
        self.kernel = kernel.flatten(1)
        self.length = kernel.shape[2]
        reach = self.length // 2
        # zeros around the text, so that every position has a whole window
        size = (n_rows, n_batch, 2, n_text + 2 * reach)
        self.padded = kernel.new_zeros(size, dtype=_wide(kernel))
        self.weights = self.padded[..., reach : reach + n_text]

    def windows(self, t: int) -> Tensor:
        """What the location kernel sees at step t: ``(B T, 2 K)``."""
        windows = self.padded[t].unfold(2, self.length, 1).transpose(1, 2)
        return windows.reshape(-1, self.kernel.shape[1]).to(self.kernel.dtype)

    def activation(self, t: int, keys: Tensor, query: Tensor) -> Tensor:
        """tanh(W h + V m + U f) of step t: ``(B T, D)``."""
        total = (keys + query[:, None]).flatten(0, 1)
        return tanh_(add_onednn_linear(total, self.windows(t), self.kernel))

    def attend(self, t: int, weights: Tensor) -> None:
        """Keep the weights ``(B, T)`` that step t has found."""
        self.weights[t + 1, :, 0] = weights
        torch.add(self.weights[t, :, 1], weights, out=self.weights[t + 1, :, 1])


class _LocationGradient:
    """What later steps hand back to the weights of this one, and the gradient of the kernel."""

    def __init__(self, look: _Location) -> None:
        self.look = look
        self.d_kernel = torch.zeros_like(look.kernel, dtype=_wide(look.kernel))
        self.d_last = torch.zeros_like(look.weights[0, :, 0])
        self.d_accumulated = torch.zeros_like(self.d_last)

    def through_softmax(self, t: int, d_weights: Tensor) -> Tensor:
        """Gradient of the weights of step t, ``(B, T)`` -> of their energies."""
        weights = self.look.weights[t + 1, :, 0]
        d_weights = d_weights + self.d_last + self.d_accumulated
        weighted = weights * d_weights
        return weighted.addcmul_(weights, weighted.sum(1, keepdim=True), value=-1)

    def through_location(self, t: int, d_activation: Tensor) -> None:
        """Gradient of step t's activation before its tanh, ``(B T, D)`` -> of what it saw."""
        kernel = self.look.kernel
        self.d_kernel += weight_gradient(d_activation, self.look.windows(t))
        n_batch, _, n_padded = self.look.padded[t].shape
        d_windows = onednn_linear(d_activation, kernel.t()).view(n_batch, -1, kernel.shape[1])
        d_padded = F.fold(d_windows.transpose(1, 2), (1, n_padded), (1, self.look.length))
        reach = self.look.length // 2
        self.d_last, seen = d_padded[:, :, 0, reach : n_padded - reach].unbind(1)
        self.d_accumulated = self.d_accumulated + seen


def _wide(tensor: Tensor) -> torch.dtype:
    return torch.promote_types(tensor.dtype, torch.float32)


def _lstm_step(gates: Tensor, cell: Tensor, new_cell: Tensor, new_hidden: Tensor) -> None:
    """LSTM nonlinearities in place: ``(B, 4 H)`` sums become gates; fills both new states."""
    n = cell.shape[1]
    gates[:, : 2 * n].sigmoid_()
    tanh_(gates[:, 2 * n : 3 * n])
    gates[:, 3 * n :].sigmoid_()
    i, f, g, o = torch.split(gates, n, 1)
    torch.mul(f, cell, out=new_cell).addcmul_(i, g)
    tanh(new_cell, out=new_hidden).mul_(o)


def _lstm_step_backward(
    gates: Tensor, cell: Tensor, new_cell: Tensor, d_hidden: Tensor, d_cell: Tensor
) -> None:
    """Turn the gates ``(B, 4 H)`` into gradients of their sums, `d_cell` from new cell to old.

    ``d_hidden`` ``(B, H)`` is the gradient of the new hidden state before its dropout.
    """
    i, f, g, o = torch.split(gates, cell.shape[1], 1)
    squashed = tanh_(new_cell.clone()).to(gates.dtype)
    d_o = d_hidden * squashed
    d_cell.add_(_tanh_backward(d_hidden * o, squashed, grad_input=squashed))
    _sigmoid_backward(d_o, o, grad_input=o)
    d_f, d_i, d_g = d_cell * cell, d_cell * g, d_cell * i
    d_cell.mul_(f)
    for gate, d_gate in ((f, d_f), (i, d_i)):
        _sigmoid_backward(d_gate.to(gate.dtype), gate, grad_input=gate)
    _tanh_backward(d_g.to(g.dtype), g, grad_input=g)


def _for_gradients(ctx: Any, gates: Tensor) -> Tensor:
    """The gates, to be overwritten; a copy of them if the graph is kept for another walk back."""
    if torch._C._autograd._get_current_graph_task_keep_graph():
        return gates.clone()
    ctx.buffers = None
    return gates
