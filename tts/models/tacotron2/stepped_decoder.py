"""Runs free-running decoding on a GPU, with few kernels in each step.

:meth:`tts.models.tacotron2.decoder.Decoder.step` defines a step. Here all inputs of the two LSTMs
and of the projections lie next to each other in one buffer, in an order in which each of the three
reads neighbouring columns. So nothing is copied together, and each LSTM is one product. A few steps
are computed before the host looks at their gates, and a GPU can record them as a graph
(:mod:`tts.models.kernels.runner`).

Shapes: ``n`` steps of a call, ``B`` batch, ``T`` symbols, ``P`` width of the pre-net, ``H`` hidden
units of the attention LSTM, ``G`` of the decoder LSTM, ``M`` width of the memory, ``D`` attention
units, ``K`` size of the location kernel, ``r`` frames of a step, ``O`` outputs of the projections.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tts.models.kernels.attention_steps import (
    accumulate,
    attention_activation,
    read_memory,
    sums_only,
)
from tts.models.kernels.fused_cell import fused_cell
from tts.models.kernels.lstm_recurrence import wide_dtype
from tts.models.kernels.products import linear_relu
from tts.models.kernels.runner import Program, round_up
from tts.models.tacotron2.attention import Memory
from tts.models.tacotron2.compiled_decoder import has_expected_modules
from tts.models.tacotron2.decoder import Decoder
from tts.models.tacotron2.pitch import PitchHead
from tts.models.tacotron2.prenet import Generators
from tts.models.tacotron2.prenet_dropout import FactorsAhead
from tts.models.tacotron2.stopping import STEPS_PER_LOOK, mask_outside_window


class SpeakingSteps(NamedTuple):
    """Holds what the steps read and write."""

    prenet_first: Tensor  # (P, n_mels)
    prenet_second: Tensor  # (P, P)
    prenet_bias: Tensor  # (P,), zeros
    attention_rnn: Tensor  # (4 H, P + H + M)
    attention_bias: Tensor  # (4 H,)
    query: Tensor  # (D, H)
    kernel: Tensor  # (D, 2, K)
    score: Tensor  # (D,)
    decoder_rnn: Tensor  # (4 G, H + M + G)
    decoder_bias: Tensor  # (4 G,)
    projection: Tensor  # (O, M + G)
    projection_bias: Tensor  # (O,)
    keys: Tensor  # (B, T, D)
    padding: Tensor  # (B, T)
    values: Tensor  # (B, T, M)
    factors: Tensor  # (n, 2, B or 1, P), dropout of the pre-net
    state: Tensor  # (B, P + H + M + G): pre-net, hidden state, context, hidden state
    attention_cell: Tensor  # (B, H), in float32 at least, like the next two
    decoder_cell: Tensor  # (B, G)
    padded: Tensor  # (B, 2, T + K - 1), last and accumulated weights
    frame: Tensor  # (B, n_mels), the last one
    projected: Tensor  # (n, B, O), written: frames, gates, and logits and states of the pitch
    weights: Tensor  # (n, B, T), written
    frames: Tensor | None = None  # (n, B, r, n_mels), written by a network with pitch
    code: Tensor | None = None  # (B, pitch_bins + 1), the pitch of the last frame
    seen: Tensor | None = None  # weights of the pitch head, see there, like the next three
    pitch_code: Tensor | None = None
    pitch_frames: Tensor | None = None
    pitch_bias: Tensor | None = None


def can_step(decoder: Decoder, memory: Memory) -> bool:
    """Return whether :func:`stepped_steps` can and should run."""
    device = memory.values.device
    if device.type == "cpu" and not decoder.runner.uses_graphs(device):
        return False
    if torch.is_grad_enabled() or torch.is_autocast_enabled(device.type):
        return False
    cells = decoder.attention_rnn, decoder.decoder_rnn
    return (
        decoder.config.recurrence == "fast"
        and not torch.compiler.is_compiling()
        and has_expected_modules(decoder)
        and all(type(cell) is nn.LSTMCell for cell in cells)
    )


def stepped_steps(
    decoder: Decoder, memory: Memory, generator: Generators | FactorsAhead, window: int | None
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield decoder steps without an end; :data:`STEPS_PER_LOOK` are computed together.

    Args:
        decoder: decoder to run.
        memory: from :meth:`Decoder.prepare`.
        generator: source of the pre-net's dropout.
        window: see ``attention_window`` of :meth:`Tacotron2.generate`.

    Yields:
        Frames ``(B, r, n_mels)``, gate logits ``(B, r)`` and alignment ``(B, T)`` of a step.
    """
    config, n_text = decoder.config, memory.values.shape[1]
    if decoder.runner.uses_graphs(memory.values.device):
        memory = memory.padded_to(round_up(n_text))
    steps, owner = _at_start(decoder, memory), object()
    program = _program(window, decoder.pitch if config.pitch_bins else None)
    n_batch, r, n_mels = len(memory.values), config.n_frames_per_step, config.n_mels
    sizes = STEPS_PER_LOOK, n_batch
    while True:
        steps = steps._replace(
            factors=decoder.prenet.factors(STEPS_PER_LOOK, generator, steps.frame),
            projected=steps.projected.new_empty(*sizes, len(steps.projection)),
            weights=steps.weights.new_empty(*sizes, memory.values.shape[1]),
            frames=None if steps.code is None else steps.frame.new_empty(*sizes, r, n_mels),
        )
        decoder.runner.run(program, steps, owner)
        frames = steps.frames
        if frames is None:
            frames = steps.projected[..., : r * n_mels].view(*sizes, r, n_mels)
        gates = steps.projected[..., r * n_mels : r * n_mels + r]
        yield from zip(frames, gates, steps.weights[..., :n_text], strict=True)


def _at_start(decoder: Decoder, memory: Memory) -> SpeakingSteps:
    """Return what the first step reads; the results have no rows yet."""
    config, attention, values = decoder.config, decoder.attention, memory.values
    first, second = decoder.attention_rnn, decoder.decoder_rnn
    n_prenet, n_hidden = config.prenet_dim, config.decoder_rnn_dim
    layers = [decoder.projection, decoder.gate]
    pitch = {}
    if config.pitch_bins:
        head = decoder.pitch
        layers += [head.logits, head.state]
        pitch = {
            "code": values.new_zeros(len(values), config.pitch_bins + 1),
            "seen": head.seen.weight,
            "pitch_code": head.code.weight,
            "pitch_frames": head.frames.weight,
            "pitch_bias": head.frames.bias,
        }
    projection = torch.cat([layer.weight for layer in layers])
    prenet_first, prenet_second = decoder.prenet.parameters()
    ahead, state = first.weight_ih[:, :n_prenet], decoder.initial_state(memory)
    n_padded = values.shape[1] + memory.kernel.shape[2] - 1
    wide = values.new_zeros(len(values), 2, n_padded, dtype=wide_dtype(values))
    width = n_prenet + first.hidden_size + values.shape[2] + n_hidden
    return SpeakingSteps(
        prenet_first=prenet_first,
        prenet_second=prenet_second,
        prenet_bias=values.new_zeros(n_prenet),
        attention_rnn=torch.cat((ahead, first.weight_hh, first.weight_ih[:, n_prenet:]), 1),
        attention_bias=first.bias_ih + first.bias_hh,
        query=attention.query.weight,
        kernel=memory.kernel,
        score=attention.score.weight[0],
        decoder_rnn=torch.cat((second.weight_ih, second.weight_hh), 1),
        decoder_bias=second.bias_ih + second.bias_hh,
        projection=torch.cat((projection[:, n_hidden:], projection[:, :n_hidden]), 1),
        projection_bias=torch.cat([layer.bias for layer in layers]),
        keys=memory.keys.transpose(1, 2).contiguous(),
        padding=memory.bias,
        values=values,
        factors=values.new_empty(0),
        state=values.new_zeros(len(values), width),
        attention_cell=state.attention.cell.to(wide.dtype),
        decoder_cell=state.cell.to(wide.dtype),
        padded=wide,
        frame=values.new_zeros(len(values), config.n_mels),
        projected=values.new_empty(0),
        weights=wide.new_empty(0),
        **pitch,
    )


def speaking_steps(steps: SpeakingSteps, window: int | None, head: PitchHead | None) -> None:
    """Run the steps.

    Args:
        steps: what they read and write.
        window: symbols by which the attention can move in one step.
        head: the pitch head of a network with pitch.
    """
    state, n_prenet = steps.state, len(steps.prenet_second)
    n_attention = n_prenet + steps.attention_cell.shape[1]
    n_context = n_attention + steps.values.shape[2]
    attention_cell, decoder_cell = steps.attention_cell, steps.decoder_cell
    frame, code = steps.frame, steps.code
    nothing = [torch.zeros_like(cell).repeat(1, 4) for cell in (attention_cell, decoder_cell)]
    energies = steps.padding.expand(len(steps.weights), -1, -1).contiguous()
    summed = sums_only(steps.padded)
    for i in range(len(steps.weights)):
        _prenet(steps, frame, code, i)
        gates = F.linear(state[:, :n_context], steps.attention_rnn, steps.attention_bias)
        hidden, attention_cell, _ = fused_cell(
            gates.to(attention_cell.dtype), nothing[0], attention_cell
        )
        state[:, n_prenet:n_attention].copy_(hidden)
        _attention(steps, energies[i], window, state[:, n_prenet:n_context], i)
        accumulate(steps.padded, steps.weights[i], summed, steps.padded)
        gates = F.linear(state[:, n_prenet:], steps.decoder_rnn, steps.decoder_bias)
        hidden, decoder_cell, _ = fused_cell(gates.to(decoder_cell.dtype), nothing[1], decoder_cell)
        state[:, n_context:].copy_(hidden)
        outputs, weight = state[:, n_attention:], steps.projection.t()
        torch.addmm(steps.projection_bias, outputs, weight, out=steps.projected[i])
        frame, code = _last_frame(steps, head, i)
    steps.attention_cell.copy_(attention_cell)
    steps.decoder_cell.copy_(decoder_cell)
    steps.frame.copy_(frame)
    if steps.code is not None and code is not None:
        steps.code.copy_(code)


def _prenet(steps: SpeakingSteps, frame: Tensor, code: Tensor | None, i: int) -> None:
    """Write what the LSTMs read of the last frame and its pitch."""
    place = steps.state[:, : len(steps.prenet_second)]
    first = linear_relu(frame, steps.prenet_first, steps.prenet_bias).mul_(steps.factors[i, 0])
    second = linear_relu(first, steps.prenet_second, steps.prenet_bias)
    torch.mul(second, steps.factors[i, 1], out=place)
    if code is not None and steps.seen is not None:
        place.addmm_(code, steps.seen.t())


def _attention(
    steps: SpeakingSteps, energies: Tensor, window: int | None, inputs: Tensor, i: int
) -> None:
    """Write the weights of step i and the context.

    Args:
        steps: what the steps read and write.
        energies: ``(B, T)``, holding the padding; they may be overwritten.
        window: symbols by which the attention can move.
        inputs: ``(B, H + M)`` hidden state and context of the step.
        i: step.
    """
    n_hidden, n_text = steps.query.shape[1], steps.keys.shape[1]
    if window is not None:
        reach = steps.kernel.shape[2] // 2
        last = steps.padded[:, 0, reach : reach + n_text]
        energies = mask_outside_window(energies, last, window)
    query = F.linear(inputs[:, :n_hidden], steps.query)
    activation = attention_activation(steps.keys, query, steps.padded, steps.kernel)
    energies.view(-1).addmv_(activation.flatten(0, 1), steps.score)
    read_memory(energies, steps.values, steps.weights[i], inputs[:, n_hidden:])


def _last_frame(
    steps: SpeakingSteps, head: PitchHead | None, i: int
) -> tuple[Tensor, Tensor | None]:
    """Return the last frame of step i, and the code of its pitch."""
    n_mels = steps.frame.shape[1]
    if head is None or steps.frames is None or steps.code is None:
        r = steps.projected.shape[2] // (n_mels + 1)
        return steps.projected[i][:, (r - 1) * n_mels : r * n_mels], None
    n_batch, r, n_codes = len(steps.code), steps.frames.shape[2], steps.code.shape[1]
    projected = steps.projected[i][:, r * (n_mels + 1) :]
    codes = head.best_code(projected[:, : r * n_codes].reshape(n_batch, r, n_codes))
    states = projected[:, r * n_codes :].reshape(n_batch, r, -1)
    assert steps.pitch_code is not None
    assert steps.pitch_frames is not None
    inner = F.relu(states + F.linear(codes, steps.pitch_code))
    offset = F.linear(inner, steps.pitch_frames, steps.pitch_bias)
    spoken = steps.projected[i][:, : r * n_mels].view(n_batch, r, n_mels)
    torch.add(spoken, offset, out=steps.frames[i])
    return steps.frames[i][:, -1], codes[:, -1]


def _program(window: int | None, head: PitchHead | None) -> Program:
    """Return the program of the steps."""
    return Program(
        f"speaking, window {window}",
        partial(speaking_steps, window=window, head=head),
        *(STEPS_PER_LOOK, "projected"),
        read=("factors",),
        written=("projected", "weights", "frames"),
        carried=("state", "attention_cell", "decoder_cell", "padded", "frame", "code"),
    )
