"""Free-running decoding on a CPU at the speed of its memory: loops compiled, buffers kept.

:meth:`tts.models.tacotron2.decoder.Decoder.step` says what a step is. In torch a step of one
utterance is some forty small operations around two matrix-vector products that do not reach the
memory's speed. Here it is eleven calls of compiled loops
(:mod:`tts.models.kernels.decoder_kernels`) that write
where the next one reads. Weights are read where torch has them, so nothing is prepared that
training could make stale.

Shapes: ``B`` batch, ``T_text`` symbols, ``H`` hidden units, ``M`` width of the memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tts.models.tacotron2.decoder import Decoder, Generators, LocationAttention, Memory, Prenet
from tts.models.tacotron2.int8 import Int8LSTMCell
from tts.models.tacotron2.pitch import PitchHead

# Loading the loops takes half a second, compiling them (once on a machine) a few. With so many
# recurrent weights that is won back in one utterance. Smaller networks would save a hundredth of
# the time that their speech lasts, and keep their first words waiting; and to begin with the loops
# later would let what was said before change the rounding of what is said now.
MIN_COMPILED_WEIGHTS = 8_000_000
# The loops take one thread. More of torch's threads than these are faster: a batch is arithmetic,
# which they divide; one utterance is reading, and a few threads take all that memory gives. Of a
# small network's steps most is calling torch, which no thread makes faster.
MAX_THREADS_SINGLE, MAX_THREADS_BATCH = 4, 2

_KNOWN = {
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
_KNOWN_PITCH = {
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
    """Steps of speaking without an end, or None where the loops do not apply or do not pay.

    Args:
        decoder: that speaks.
        memory: from :meth:`Decoder.prepare`.
        generator: seeds the pre-net's dropout.
        window: see ``attention_window`` of :meth:`Tacotron2.generate`.

    Returns:
        Frames ``(B, n_frames_per_step, n_mels)``, gate logits ``(B, n_frames_per_step)`` and
        alignment ``(B, T_text)`` of each step, equal to those of :meth:`Decoder.step` up to
        float32's rounding.
    """
    if decoder.config.recurrence != "fast" or not _pays(decoder, len(memory.values)):
        return None
    if not _applies(decoder, memory, generator):
        return None
    return _Walk(decoder, memory, generator, window).steps()


def _pays(decoder: Decoder, n_batch: int) -> bool:
    """Whether compiled loops save more time than it takes to get them."""
    cells: list[nn.Module] = [decoder.attention_rnn, decoder.decoder_rnn]
    if any(isinstance(cell, Int8LSTMCell) for cell in cells):
        return True  # needs them in any case
    is_large = (
        sum(weight.numel() for cell in cells for weight in cell.parameters())
        >= MIN_COMPILED_WEIGHTS
    )
    if n_batch > 1 or is_large:
        n_threads = MAX_THREADS_SINGLE if n_batch == 1 else MAX_THREADS_BATCH
        if torch.get_num_threads() > n_threads:
            return False
    return is_large


def _applies(decoder: Decoder, memory: Memory, generator: Generators) -> bool:
    """Whether the decoder is what the loops were written for, to the last layer."""
    if torch.is_grad_enabled() or torch.is_autocast_enabled("cpu") or torch.compiler.is_compiling():
        return False
    modules = dict(decoder.named_modules())
    own = {"step", "advance"} & vars(decoder).keys() or decoder._parameters or decoder._buffers
    known = _KNOWN | (_KNOWN_PITCH if decoder.config.pitch_bins else {})
    if modules.keys() != known.keys() or own:
        return False
    for name, module in modules.items():
        kinds = known[name]
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


class _Walk:
    """The buffers of one batch, from which each step takes what the one before it left."""

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
        self.masks = _Masks(decoder.prenet, generator)
        self.prenet = [_array(weight) for weight in decoder.prenet.parameters()]
        self.bottleneck = zeros(config.prenet_dim)
        # what an LSTM sees beside itself, and what is seen of it: context in the last columns
        self.found = zeros(config.prenet_dim + n_memory)
        self.heard = zeros(n_hidden + n_memory)
        self.said = zeros(config.decoder_rnn_dim + n_memory)
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
        self.looked = zeros(2, n_text + memory.kernel.shape[2] - 1)
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
        """See :func:`compiled_steps`."""
        n_frames, n_mels = self.config.n_frames_per_step, self.config.n_mels
        n_values = n_frames * n_mels
        n_batch, n_text, n_out = len(self.frame), self.memory[0].shape[1], len(self.projection)
        while True:
            weights = torch.empty(n_batch, n_text)
            projected = torch.empty(n_batch, n_out)
            self._look(weights.numpy())
            self._say(projected.numpy())
            frames = projected[:, :n_values].view(n_batch, n_frames, n_mels)
            if self.pitch is not None:
                frames = frames + self.pitch.drawn(projected[:, n_values + n_frames :])
            self.frame[:] = frames[:, -1].numpy()
            yield frames, projected[:, n_values : n_values + n_frames], weights

    def _look(self, weights: Any) -> None:
        """Pre-net, attention LSTM and attention; fills the weights ``(B, T_text)``."""
        loops = self.loops
        first, second = self.masks.draw()
        loops.prenet_layer(self.bottleneck, self.frame, self.prenet[0], first, self.masks.scale)
        loops.prenet_layer(self.found, self.bottleneck, self.prenet[1], second, self.masks.scale)
        if self.pitch is not None:
            self.pitch.add_last(self.found)
        self.attention_rnn.step(self.found, self.heard)
        loops.linear(self.query, self.heard, self.query_weight, self.no_bias)
        loops.attend(
            weights,
            self.query,
            *self.memory,
            self.looked,
            self.window,
            self.activation,
            self.context,
        )
        for seen in (self.found, self.heard, self.said):
            seen[:, -self.context.shape[1] :] = self.context

    def _say(self, projected: Any) -> None:
        """Decoder LSTM and projections; fills frames, gates, and what the pitch is told from."""
        self.decoder_rnn.step(self.heard, self.said)
        self.loops.linear(projected, self.said, self.projection, self.projection_bias)


class _Masks:
    """The pre-net's dropout, drawn as :meth:`Prenet.step` draws it."""

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
        """Two of ``(1 or B, prenet_dim)``, 0 or 1; valid until the next."""
        if self._draws:
            for rows in self._rows:
                for row, generator in zip(rows, self._generators, strict=True):
                    row.bernoulli_(self._keep, generator=generator)
        return self._arrays


def _lstm(loops: Any, cell: nn.Module, n_batch: int) -> _Lstm | _Int8Lstm:
    if isinstance(cell, Int8LSTMCell):
        return _Int8Lstm(loops, cell, n_batch)
    assert isinstance(cell, nn.LSTMCell)
    return _Lstm(loops, cell, n_batch)


class _Lstm:
    """An LSTM cell whose hidden state lies in the first columns of what others see of it."""

    def __init__(self, loops: Any, cell: nn.LSTMCell, n_batch: int) -> None:
        self.loops = loops
        self.weights = _array(cell.weight_ih), _array(cell.weight_hh)
        self.bias = _array(cell.bias_ih + cell.bias_hh)
        self.gates = _array(torch.empty(n_batch, len(self.bias)))
        self.cell = _array(torch.zeros(n_batch, cell.hidden_size))

    def step(self, inputs: Any, seen: Any) -> None:
        """``(B, K)``, and ``(B, H or more)`` with the hidden state, which is replaced."""
        self.loops.linear(self.gates, inputs, self.weights[0], self.bias)
        self.loops.add_product(self.gates, seen, self.weights[1])
        self.loops.lstm(self.gates, self.cell, seen)


class _Int8Lstm:
    """The same from 8-bit weights."""

    def __init__(self, loops: Any, cell: Int8LSTMCell, n_batch: int) -> None:
        self.loops = loops
        matrices = ((cell.weight_ih, cell.scale_ih), (cell.weight_hh, cell.scale_hh))
        self.weights = [
            (_array(torch.empty(n_batch, weight.shape[1]).short()), weight, scale)
            for weight, scale in (map(_array, pair) for pair in matrices)
        ]
        self.bias = _array(cell.bias)
        self.gates = _array(torch.empty(n_batch, len(self.bias)))
        self.cell = _array(torch.zeros(n_batch, len(self.bias) // 4))

    def step(self, inputs: Any, seen: Any) -> None:
        """As :meth:`_Lstm.step`."""
        self.gates[:] = self.bias
        for x, weights in zip((inputs, seen), self.weights, strict=True):
            self.loops.add_int8_product(self.gates, x, *weights)
        self.loops.lstm(self.gates, self.cell, seen)


class _Pitch:
    """What :class:`PitchHead` does between two steps, with its large products left to others."""

    def __init__(self, loops: Any, head: PitchHead, n_batch: int) -> None:
        self.loops, self.head = loops, head
        layers = (head.seen, head.code, head.frames)
        self.seen, self.code, self.frames = (_array(layer.weight) for layer in layers)
        self.bias = _array(head.frames.bias)
        self.last = _array(torch.zeros(n_batch, self.seen.shape[1]))

    def add_last(self, found: Any) -> None:
        """Add what is seen of the last pitch to the first columns, which are the pre-net's."""
        self.loops.add_product(found, self.last, self.seen)

    def drawn(self, told: Tensor) -> Tensor:
        """Logits and states side by side -> what is added to the frames, ``(B, r, n_mels)``."""
        n_batch, n_frames = len(told), self.head.n_frames
        n_logits = n_frames * self.seen.shape[1]
        codes = self.head.best_code(told[:, :n_logits].reshape(n_batch, n_frames, -1))
        self.last[:] = codes[:, -1].numpy()
        states = told[:, n_logits:].reshape(n_batch * n_frames, -1).clone()
        self.loops.add_product(states.numpy(), codes.flatten(0, 1).numpy(), self.code)
        frames = told.new_empty(len(states), len(self.bias))
        self.loops.linear(frames.numpy(), states.relu_().numpy(), self.frames, self.bias)
        return frames.view(n_batch, n_frames, -1)


def _array(tensor: Tensor) -> Any:
    """The values of a tensor in C order, where they are if they lie so."""
    return tensor.detach().contiguous().numpy()
