"""Runs free-running decoding on a CPU with compiled loops, at the speed of the CPU's memory.

:meth:`tts.models.tacotron2.decoder.Decoder.step` defines a step. In torch a step of one utterance
is some forty small operations around two matrix-vector products, and these do not reach the speed
of the memory. Here a step is eleven calls of compiled loops
(:mod:`tts.models.kernels.decoder_kernels`), each of which writes into the buffer that the next one
reads. The loops read the weights where torch stores them. No copy is kept, so training cannot make
one outdated.

Shapes: ``B`` batch, ``T_text`` symbols, ``H`` hidden units, ``M`` width of the memory, ``K`` inputs
of an LSTM.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tts.models.tacotron2.attention import LocationAttention, Memory
from tts.models.tacotron2.compiled_parts import (
    CompiledPitch,
    PrenetMasks,
    array_of,
    compiled_lstm,
)
from tts.models.tacotron2.decoder import Decoder
from tts.models.tacotron2.int8_decoder import Int8LSTMCell
from tts.models.tacotron2.pitch import PitchHead
from tts.models.tacotron2.prenet import Generators, Prenet

#: Recurrent weights from which compiled loops are used. Loading the loops takes half a second, and
#: compiling them takes a few seconds, once on a machine. In return an utterance in a batch is the
#: utterance alone, bit for bit, and is decoded in half the time: the compact network saves a
#: thirtieth of the duration of its speech. Networks of tests are not worth half a second. A network
#: cannot change to the loops at a later utterance: then the rounding of an utterance would depend
#: on what was decoded before it.
MIN_COMPILED_WEIGHTS = 1_000_000
#: Torch's threads up to which the loops are faster than torch, for one utterance and for a batch.
#: The loops use one thread. A batch is limited by arithmetic, which torch's threads share. A single
#: utterance is limited by reading memory, and a few threads use all its speed.
MAX_THREADS_SINGLE, MAX_THREADS_BATCH = 4, 2

# The modules for which the loops are written, by name and type.
_EXPECTED_MODULES = {
    "": Decoder,
    "prenet": Prenet,
    "prenet.layers": nn.ModuleList,
    "prenet.layers.0": nn.Linear,
    "prenet.layers.1": nn.Linear,
    "attention_rnn": (nn.LSTMCell, Int8LSTMCell),
    "attention": LocationAttention,
    "attention.query": nn.Linear,
    "attention.memory": nn.Linear,
    "attention.score": nn.Linear,
    "attention.location_conv": nn.Conv1d,
    "attention.location_dense": nn.Linear,
    "decoder_rnn": (nn.LSTMCell, Int8LSTMCell),
    "projection": nn.Linear,
    "gate": nn.Linear,
}
_EXPECTED_PITCH_MODULES = {
    "pitch": PitchHead,
    "pitch.seen": nn.Linear,
    "pitch.logits": nn.Linear,
    "pitch.state": nn.Linear,
    "pitch.code": nn.Linear,
    "pitch.frames": nn.Linear,
}

Step = tuple[Tensor, Tensor, Tensor]


def compiled_steps(
    decoder: Decoder,
    memory: Memory,
    generator: Generators,
    window: int | None,
    ended: Sequence[int] = (),
) -> Iterator[Step] | None:
    """Return an endless iterator over decoder steps, or None if the loops cannot or should not run.

    Args:
        decoder: decoder to run.
        memory: from :meth:`Decoder.prepare`.
        generator: source of the pre-net's dropout.
        window: see ``attention_window`` of :meth:`Tacotron2.generate`.
        ended: for each utterance 0 until it has ended, looked at before each step. What has ended
            is not computed any more; its frames, gates and alignments are zeros.

    Returns:
        Frames ``(B, n_frames_per_step, n_mels)``, gate logits ``(B, n_frames_per_step)`` and
        alignment ``(B, T_text)`` of each step. They are equal to those of :meth:`Decoder.step` up
        to the rounding of float32.
    """
    if decoder.config.recurrence != "fast" or not saves_time(decoder, len(memory.values)):
        return None
    if not _is_supported(decoder, memory, generator):
        return None
    return _CompiledSteps(decoder, memory, generator, window).steps(ended)


def saves_time(decoder: Decoder, n_batch: int) -> bool:
    """Return whether compiled loops save more time than it takes to load them."""
    cells: list[nn.Module] = [decoder.attention_rnn, decoder.decoder_rnn]
    if any(isinstance(cell, Int8LSTMCell) for cell in cells):
        return True  # 8-bit weights always need the loops
    if sum(weight.numel() for cell in cells for weight in cell.parameters()) < MIN_COMPILED_WEIGHTS:
        return False
    max_threads = MAX_THREADS_SINGLE if n_batch == 1 else MAX_THREADS_BATCH
    return torch.get_num_threads() <= max_threads


def _is_supported(decoder: Decoder, memory: Memory, generator: Generators) -> bool:
    """Return whether every layer, weight and generator is one that the loops can work with."""
    if torch.is_grad_enabled() or torch.is_autocast_enabled("cpu") or torch.compiler.is_compiling():
        return False
    if not has_expected_modules(decoder):
        return False
    weights = [*decoder.parameters(), *memory]
    generators = [generator] if isinstance(generator, torch.Generator) else generator or []
    return (
        all(type(w) in (nn.Parameter, Tensor) for w in weights)
        and all(w.device.type == "cpu" and w.dtype == torch.float32 for w in weights)
        and all(g.device.type == "cpu" for g in generators)
    )


def has_expected_modules(decoder: Decoder) -> bool:
    """Return whether every layer has its usual type, and no hook or changed method."""
    modules = dict(decoder.named_modules())
    overridden = {"step", "advance"} & vars(decoder).keys()
    expected = _EXPECTED_MODULES
    if decoder.config.pitch_bins:
        expected = expected | _EXPECTED_PITCH_MODULES
    if modules.keys() != expected.keys() or overridden or decoder._parameters or decoder._buffers:
        return False
    for name, module in modules.items():
        kinds = expected[name]
        hooks = module._forward_hooks or module._forward_pre_hooks
        if type(module) not in (kinds if isinstance(kinds, tuple) else (kinds,)) or hooks:
            return False
    return True


#: Buffers of :class:`_CompiledSteps` with one row for each utterance.
_ROWS = (
    *("bottleneck", "attention_inputs", "decoder_inputs", "outputs", "context", "query"),
    *("weight_history", "frame"),
)


class _CompiledSteps:
    """Holds the buffers of one batch; each step reads what the step before it wrote."""

    def __init__(
        self, decoder: Decoder, memory: Memory, generator: Generators, window: int | None
    ) -> None:
        import numpy as np

        from tts.models.kernels import decoder_kernels

        self.loops: Any = decoder_kernels
        self.config = config = decoder.config
        self.window = -1 if window is None else window
        n_batch, n_text, n_memory = memory.values.shape

        def zeros(*shape: int) -> Any:
            return np.zeros((n_batch, *shape), np.float32)

        attention = decoder.attention
        n_hidden = attention.query.in_features
        self.prenet_dropout = PrenetMasks(decoder.prenet, generator)
        self.prenet = [array_of(weight) for weight in decoder.prenet.parameters()]
        self.bottleneck = zeros(config.prenet_dim)
        # inputs of the two LSTMs and of the projections, each with the context in its last columns;
        # the hidden state of an LSTM lies in the first columns of the buffer that follows it
        self.attention_inputs = zeros(config.prenet_dim + n_memory)
        self.decoder_inputs = zeros(n_hidden + n_memory)
        self.outputs = zeros(config.decoder_rnn_dim + n_memory)
        self.context = zeros(n_memory)
        self.attention_rnn = compiled_lstm(self.loops, decoder.attention_rnn, n_batch)
        self.decoder_rnn = compiled_lstm(self.loops, decoder.decoder_rnn, n_batch)
        self.query_weight = array_of(attention.query.weight)
        self.query, self.no_bias = zeros(config.attention_dim), zeros(config.attention_dim)[0]
        self.memory = (
            array_of(memory.keys.transpose(1, 2)),
            array_of(memory.bias),
            array_of(memory.values),
            array_of(memory.kernel.permute(1, 2, 0)),
            array_of(attention.score.weight[0]),
        )
        # last and accumulated weights between zeros, as wide as the location kernel needs
        self.weight_history = zeros(2, n_text + memory.kernel.shape[2] - 1)
        self.activation = zeros(config.attention_dim)[0]
        layers = [decoder.projection, decoder.gate]
        self.pitch = None
        if config.pitch_bins:
            self.pitch = CompiledPitch(self.loops, decoder.pitch, n_batch)
            layers += [decoder.pitch.logits, decoder.pitch.state]
        self.projection = array_of(torch.cat([layer.weight for layer in layers]))
        self.projection_bias = array_of(torch.cat([layer.bias for layer in layers]))
        self.frame = zeros(config.n_mels)

    def steps(self, ended: Sequence[int]) -> Iterator[Step]:
        """Yield steps, see :func:`compiled_steps`."""
        rows = list(range(len(self.frame)))
        size = len(rows)
        while True:
            if ended and any(ended[row] for row in rows):
                kept = [place for place, row in enumerate(rows) if not ended[row]]
                self._keep(kept)
                rows = [rows[place] for place in kept]
            frames, gates, weights = self._step()
            if len(rows) < size:
                frames, gates, weights = (
                    _spread(part, rows, size) for part in (frames, gates, weights)
                )
            yield frames, gates, weights

    def _step(self) -> Step:
        n_frames, n_mels = self.config.n_frames_per_step, self.config.n_mels
        n_values, n_batch = n_frames * n_mels, len(self.frame)
        weights = torch.empty(n_batch, self.memory[0].shape[1])
        projected = torch.empty(n_batch, len(self.projection))
        self._attend(weights.numpy())
        self._predict(projected.numpy())
        frames = projected[:, :n_values].view(n_batch, n_frames, n_mels)
        if self.pitch is not None:
            frames = frames + self.pitch.frame_offset(projected[:, n_values + n_frames :])
        self.frame[:] = frames[:, -1].numpy()
        return frames, projected[:, n_values : n_values + n_frames], weights

    def _keep(self, rows: list[int]) -> None:
        """Go on with these rows only."""
        for name in _ROWS:
            setattr(self, name, getattr(self, name)[rows])
        self.memory = (*(each[rows] for each in self.memory[:3]), *self.memory[3:])
        for part in (self.prenet_dropout, self.attention_rnn, self.decoder_rnn, self.pitch):
            if part is not None:
                part.keep(rows)

    def _attend(self, weights: Any) -> None:
        """Run pre-net, attention LSTM and attention; fill the weights ``(B, T_text)``."""
        loops = self.loops
        scale, (first, second) = self.prenet_dropout.scale, self.prenet_dropout.draw()
        loops.prenet_layer(self.bottleneck, self.frame, self.prenet[0], first, scale)
        loops.prenet_layer(self.attention_inputs, self.bottleneck, self.prenet[1], second, scale)
        if self.pitch is not None:
            self.pitch.add_last(self.attention_inputs)
        self.attention_rnn.step(self.attention_inputs, self.decoder_inputs)
        loops.linear(self.query, self.decoder_inputs, self.query_weight, self.no_bias)
        loops.attend(
            weights,
            self.query,
            *self.memory,
            self.weight_history,
            self.window,
            self.activation,
            self.context,
        )
        for buffer in (self.attention_inputs, self.decoder_inputs, self.outputs):
            buffer[:, -self.context.shape[1] :] = self.context

    def _predict(self, projected: Any) -> None:
        """Run decoder LSTM and projections; fill frames, gates, and the pitch's logits and states.

        Args:
            projected: ``(B, outputs of all projections)``, written.
        """
        self.decoder_rnn.step(self.decoder_inputs, self.outputs)
        self.loops.linear(projected, self.outputs, self.projection, self.projection_bias)


def _spread(part: Tensor, rows: list[int], size: int) -> Tensor:
    """Put rows back where they are in the whole batch, with zeros elsewhere."""
    whole = part.new_zeros(size, *part.shape[1:])
    whole[rows] = part
    return whole
