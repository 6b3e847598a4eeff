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
    decoder: Decoder, memory: Memory, generator: Generators, window: int | None
) -> Iterator[Step] | None:
    """Return an endless iterator over decoder steps, or None if the loops cannot or should not run.

    Args:
        decoder: decoder to run.
        memory: from :meth:`Decoder.prepare`.
        generator: source of the pre-net's dropout.
        window: see ``attention_window`` of :meth:`Tacotron2.generate`.

    Returns:
        Frames ``(B, n_frames_per_step, n_mels)``, gate logits ``(B, n_frames_per_step)`` and
        alignment ``(B, T_text)`` of each step. They are equal to those of :meth:`Decoder.step` up
        to the rounding of float32.
    """
    if decoder.config.recurrence != "fast" or not saves_time(decoder, len(memory.values)):
        return None
    if not _is_supported(decoder, memory, generator):
        return None
    return _CompiledSteps(decoder, memory, generator, window).steps()


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
    weights = [*decoder.parameters(), *memory]
    generators = [generator] if isinstance(generator, torch.Generator) else generator or []
    return (
        all(type(w) in (nn.Parameter, Tensor) for w in weights)
        and all(w.device.type == "cpu" and w.dtype == torch.float32 for w in weights)
        and all(g.device.type == "cpu" for g in generators)
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
        self.prenet_dropout = _PrenetDropout(decoder.prenet, generator)
        self.prenet = [_array(weight) for weight in decoder.prenet.parameters()]
        self.bottleneck = zeros(config.prenet_dim)
        # inputs of the two LSTMs and of the projections, each with the context in its last columns;
        # the hidden state of an LSTM lies in the first columns of the buffer that follows it
        self.attention_inputs = zeros(config.prenet_dim + n_memory)
        self.decoder_inputs = zeros(n_hidden + n_memory)
        self.outputs = zeros(config.decoder_rnn_dim + n_memory)
        self.context = zeros(n_memory)
        self.attention_rnn = _lstm(self.loops, decoder.attention_rnn, n_batch)
        self.decoder_rnn = _lstm(self.loops, decoder.decoder_rnn, n_batch)
        self.query_weight = _array(attention.query.weight)
        self.query, self.no_bias = zeros(config.attention_dim), zeros(config.attention_dim)[0]
        self.memory = (
            _array(memory.keys.transpose(1, 2)),
            _array(memory.bias),
            _array(memory.values),
            _array(memory.kernel.permute(1, 2, 0)),
            _array(attention.score.weight[0]),
        )
        # last and accumulated weights between zeros, as wide as the location kernel needs
        self.weight_history = zeros(2, n_text + memory.kernel.shape[2] - 1)
        self.activation = zeros(config.attention_dim)[0]
        layers = [decoder.projection, decoder.gate]
        self.pitch = None
        if config.pitch_bins:
            self.pitch = _Pitch(self.loops, decoder.pitch, n_batch)
            layers += [decoder.pitch.logits, decoder.pitch.state]
        self.projection = _array(torch.cat([layer.weight for layer in layers]))
        self.projection_bias = _array(torch.cat([layer.bias for layer in layers]))
        self.frame = zeros(config.n_mels)

    def steps(self) -> Iterator[Step]:
        """Yield steps, see :func:`compiled_steps`."""
        n_frames, n_mels = self.config.n_frames_per_step, self.config.n_mels
        n_values = n_frames * n_mels
        n_batch, n_text, n_out = len(self.frame), self.memory[0].shape[1], len(self.projection)
        while True:
            weights = torch.empty(n_batch, n_text)
            projected = torch.empty(n_batch, n_out)
            self._attend(weights.numpy())
            self._predict(projected.numpy())
            frames = projected[:, :n_values].view(n_batch, n_frames, n_mels)
            if self.pitch is not None:
                frames = frames + self.pitch.frame_offset(projected[:, n_values + n_frames :])
            self.frame[:] = frames[:, -1].numpy()
            yield frames, projected[:, n_values : n_values + n_frames], weights

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


class _PrenetDropout:
    """Draws the pre-net's dropout as :meth:`Prenet.step` does."""

    def __init__(self, prenet: Prenet, generator: Generators) -> None:
        import numpy as np

        self._generators: Sequence[torch.Generator | None] = (
            generator if isinstance(generator, Sequence) else [generator]
        )
        self._keep = 1 - prenet.dropout
        self._draws = prenet.dropout > 0
        masks = [torch.ones(len(self._generators), len(w)) for w in prenet.parameters()]
        self._rows = [list(mask[:, None]) for mask in masks]
        self._arrays = [mask.numpy() for mask in masks]
        self.scale = np.float32(1) / np.float32(self._keep)

    def draw(self) -> list[Any]:
        """Return two masks ``(1 or B, prenet_dim)`` of 0 and 1; the next call overwrites them."""
        if self._draws:
            for rows in self._rows:
                for row, generator in zip(rows, self._generators, strict=True):
                    row.bernoulli_(self._keep, generator=generator)
        return self._arrays


def _lstm(loops: Any, cell: nn.Module, n_batch: int) -> _Lstm | _Int8Lstm:
    """Return the compiled version of an LSTM cell, which begins with an all-zero state."""
    if isinstance(cell, Int8LSTMCell):
        return _Int8Lstm(loops, cell, n_batch)
    assert isinstance(cell, nn.LSTMCell)
    return _Lstm(loops, cell, n_batch)


class _Lstm:
    """Runs an LSTM cell whose hidden state lies in the first columns of a shared buffer."""

    def __init__(self, loops: Any, cell: nn.LSTMCell, n_batch: int) -> None:
        self.loops = loops
        self.weights = _array(cell.weight_ih), _array(cell.weight_hh)
        self.bias = _array(cell.bias_ih + cell.bias_hh)
        self.gates = _array(torch.empty(n_batch, len(self.bias)))
        self.cell = _array(torch.zeros(n_batch, cell.hidden_size))

    def step(self, inputs: Any, hidden: Any) -> None:
        """Run one step.

        Args:
            inputs: ``(B, K)``.
            hidden: ``(B, H or more)``, the hidden state in the first columns; overwritten.
        """
        self.loops.linear(self.gates, inputs, self.weights[0], self.bias)
        self.loops.add_product(self.gates, hidden, self.weights[1])
        self.loops.lstm(self.gates, self.cell, hidden)


class _Int8Lstm:
    """Runs an LSTM cell from 8-bit weights, with the interface of :class:`_Lstm`."""

    def __init__(self, loops: Any, cell: Int8LSTMCell, n_batch: int) -> None:
        from tts.models.kernels import int8_product

        self.loops, self.add_product = loops, int8_product.add_int8_product
        matrices = ((cell.weight_ih, cell.scale_ih), (cell.weight_hh, cell.scale_hh))
        self.weights = [
            (_array(torch.empty(n_batch, weight.shape[1]).short()), weight, scale)
            for weight, scale in (map(_array, pair) for pair in matrices)
        ]
        self.bias = _array(cell.bias)
        self.gates = _array(torch.empty(n_batch, len(self.bias)))
        self.cell = _array(torch.zeros(n_batch, len(self.bias) // 4))

    def step(self, inputs: Any, hidden: Any) -> None:
        """Run one step, see :meth:`_Lstm.step`."""
        self.gates[:] = self.bias
        for x, weights in zip((inputs, hidden), self.weights, strict=True):
            self.add_product(self.gates, x, *weights)
        self.loops.lstm(self.gates, self.cell, hidden)


class _Pitch:
    """Does the work of :class:`PitchHead`, without the products that join the projections."""

    def __init__(self, loops: Any, head: PitchHead, n_batch: int) -> None:
        self.loops, self.head = loops, head
        layers = (head.seen, head.code, head.frames)
        self.prenet_weight, self.code, self.frames = (_array(layer.weight) for layer in layers)
        self.bias = _array(head.frames.bias)
        self.last = _array(torch.zeros(n_batch, self.prenet_weight.shape[1]))

    def add_last(self, inputs: Any) -> None:
        """Add the last pitch to the first columns of ``inputs``, which are the pre-net's output."""
        self.loops.add_product(inputs, self.last, self.prenet_weight)

    def frame_offset(self, projected: Tensor) -> Tensor:
        """Return what the most probable pitch adds to the frames.

        Args:
            projected: ``(B, ·)``, logits and states next to each other.

        Returns:
            ``(B, r, n_mels)`` for ``r`` frames of a step.
        """
        n_batch, n_frames = len(projected), self.head.n_frames
        n_logits = n_frames * self.prenet_weight.shape[1]
        codes = self.head.best_code(projected[:, :n_logits].reshape(n_batch, n_frames, -1))
        self.last[:] = codes[:, -1].numpy()
        states = projected[:, n_logits:].reshape(n_batch * n_frames, -1).clone()
        self.loops.add_product(states.numpy(), codes.flatten(0, 1).numpy(), self.code)
        frames = projected.new_empty(len(states), len(self.bias))
        self.loops.linear(frames.numpy(), states.relu_().numpy(), self.frames, self.bias)
        return frames.view(n_batch, n_frames, -1)


def _array(tensor: Tensor) -> Any:
    """Return the values of a tensor in C order, without a copy if they already have it."""
    return tensor.detach().contiguous().numpy()
