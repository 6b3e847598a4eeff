"""Runs loops over decoder steps: one operation after the other, or as graphs of a GPU.

The host needs longer to start the kernels of a decoder step than a GPU needs to compute them. A GPU
can record the kernels of several steps once, and start them all with one call. Such a graph reads
and writes the same memory each time. So a loop is cut into chunks of equal length, which are copied
to buffers that never move, and their results are copied back. The last chunk is filled with zeros
behind the end.

The first results of a graph are compared with those of the steps, which are started one by one. A
graph that differs is not used.

On a CPU there are no graphs: the same function runs on the same buffers, so that tests can prove
everything but the recording itself.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import torch
from torch import Tensor

#: Number of graphs of one network that are kept; the one used longest ago is dropped. Training
#: needs two for each pair of batch size and rounded text length, and speaking needs one.
MOST_GRAPHS = 32
#: Text lengths are rounded up to a multiple of this, so that they need fewer graphs.
TEXT_MULTIPLE = 16

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Program:
    """Describes a loop over steps. Its tensors are the fields of a named tuple.

    Fields that are not named here have no axis of steps, and are only read. A field with such an
    axis has a row for each step, or one more.

    Attributes:
        name: says which programs are equal.
        run: runs all steps of the tuple that it is given.
        n_steps: number of steps of a chunk.
        count: the field whose rows are the steps.
        read: fields with rows that are read.
        written: fields with rows that are written.
        chained: fields with one row more than steps, of which the first is read and the others are
            written.
        carried: fields without rows that are read and written.
        backwards: whether the last chunk runs first.
    """

    name: str
    run: Callable[[Any], None]
    n_steps: int
    count: str
    read: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    chained: tuple[str, ...] = ()
    carried: tuple[str, ...] = ()
    backwards: bool = False

    def chunks(self, n_steps: int) -> list[slice]:
        """Return the steps of each chunk, in the order in which they run."""
        chunks = divided(n_steps, self.n_steps)
        return chunks[::-1] if self.backwards else chunks


class Runner:
    """Runs programs; keeps the graphs that it has recorded.

    A copy of a runner starts without graphs.

    Args:
        choice: ``runner`` of :class:`tts.models.tacotron2.config.Tacotron2Config`.
    """

    def __init__(self, choice: str = "auto") -> None:
        self.choice = choice
        self._failed = False
        self._lock = Lock()
        self._graphs: OrderedDict[Any, _Chunk] = OrderedDict()
        # programs share buffers of the same name and size: none of them is needed between two runs
        self._buffers: WeakValueDictionary[Any, Tensor] = WeakValueDictionary()
        self._pool: Any = None
        self._owner: object = None

    def __reduce__(self) -> tuple[type[Runner], tuple[str]]:
        return Runner, (self.choice,)

    def uses_graphs(self, device: torch.device) -> bool:
        """Return whether programs on this device run in chunks."""
        if self._failed or self.choice == "eager":
            return False
        if device.type != "cuda":
            return self.choice == "graphs"
        # graphs are recorded on the current device
        return device.index in (None, torch.get_device_module(device).current_device())

    def run(self, program: Program, tensors: NamedTuple, owner: object = None) -> None:
        """Run a program.

        Args:
            program: the program.
            tensors: what it reads and writes.
            owner: fields without rows that are only read are not copied again as long as the owner
                stays the same; None copies them.
        """
        with self._lock:
            chunk = self._recorded(program, tensors)
            if chunk is not None:
                if owner is None or owner is not self._owner:
                    chunk.copy_fixed(tensors)
                self._owner = owner
                if chunk.is_checked:
                    chunk.run(tensors)
                else:
                    self._run_both(chunk, program, tensors)
                return
        program.run(tensors)

    def _run_both(self, chunk: _Chunk, program: Program, tensors: NamedTuple) -> None:
        """Run a new chunk and the single steps; if their results differ, the steps' are kept."""
        ours = {name: _fields(tensors)[name] for name in chunk.changed}
        expected = {name: tensor.clone() for name, tensor in ours.items()}
        program.run(tensors._replace(**expected))
        chunk.run(tensors)
        pairs = [(ours[name], expected[name]) for name in ours]
        # the host waits here, once for each graph
        chunk.is_checked = bool(torch.stack([_agree(*pair) for pair in pairs]).all())
        if not chunk.is_checked:
            self._give_up("its results differ from those of the single steps")
            for result, right in pairs:
                result.copy_(right)

    def _recorded(self, program: Program, tensors: NamedTuple) -> _Chunk | None:
        """Return the chunk for a program and tensors of these sizes; None to run without one."""
        count = getattr(tensors, program.count)
        if not self.uses_graphs(count.device):
            return None
        sizes = _buffer_sizes(program, tensors)
        key = program.name, tuple(sizes.items())
        if key not in self._graphs:
            try:
                self._graphs[key] = self._record(program, tensors, sizes)
            except RuntimeError as error:
                self._give_up(str(error).strip().partition("\n")[0])
                return None
        self._graphs.move_to_end(key)
        while len(self._graphs) > MOST_GRAPHS:
            self._graphs.popitem(last=False)
        return self._graphs[key]

    def _give_up(self, reason: str) -> None:
        self._failed = True
        self._graphs.clear()
        _log.warning(
            "model.network.runner=%s: the decoder could not be recorded as a graph (%s); "
            "its steps are started one by one",
            *(self.choice, reason),
        )

    def _record(self, program: Program, tensors: NamedTuple, sizes: dict[str, Any]) -> _Chunk:
        buffers = {name: self._buffer(name, *size) for name, size in sizes.items()}
        chunk = _Chunk(program, tensors._replace(**buffers))
        device = getattr(tensors, program.count).device
        if device.type != "cpu":
            chunk.replay = self._graph(chunk.replay, device)
        return chunk

    def _buffer(self, name: str, shape: torch.Size, dtype: torch.dtype, device: Any) -> Tensor:
        key = name, shape, dtype, device
        buffer = self._buffers.get(key)
        if buffer is None:
            # a tensor of the inference mode could not be used in training
            with torch.inference_mode(False):
                buffer = torch.zeros(shape, dtype=dtype, device=device)
            self._buffers[key] = buffer
        return buffer

    def _graph(self, run: Callable[[], None], device: torch.device) -> Callable[[], None]:
        """Record what a function does on the GPU, and return what repeats it."""
        module: Any = torch.get_device_module(device)
        if not hasattr(module, "CUDAGraph"):
            raise RuntimeError(f"{device.type} has no graphs")
        stream = module.Stream()
        stream.wait_stream(module.current_stream())
        with module.stream(stream):
            run()  # libraries allocate their memory in the first call
        module.current_stream().wait_stream(stream)
        self._pool = self._pool or module.graph_pool_handle()
        graph = module.CUDAGraph()
        # a thread that loads data may call the GPU meanwhile
        with module.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
            run()
        replay: Callable[[], None] = graph.replay
        return replay


class _Chunk:
    """Holds the buffers of one chunk, and runs a program through them.

    Attributes:
        replay: runs the program on the buffers.
        is_checked: whether its results were those of the single steps, when it was new.
    """

    def __init__(self, program: Program, buffers: NamedTuple) -> None:
        self.program, self.buffers = program, _fields(buffers)
        self.read, self.written, self.chained, self.carried = (
            [name for name in names if name in self.buffers]
            for names in (program.read, program.written, program.chained, program.carried)
        )
        self.replay: Callable[[], None] = lambda: program.run(buffers)
        self.is_checked = False

    @property
    def changed(self) -> list[str]:
        """Return the fields in which a program leaves its results."""
        return [*self.written, *self.chained, *self.carried]

    def copy_fixed(self, tensors: NamedTuple) -> None:
        """Copy what has no rows and is only read."""
        moving = (*self.read, *self.written, *self.chained, *self.carried)
        names = [name for name in _fields(tensors) if name not in moving]
        self._copy((self.buffers[name], _fields(tensors)[name]) for name in names)

    def run(self, tensors: NamedTuple) -> None:
        """Run all chunks: copy each in, run it, and copy it out."""
        program, whole = self.program, _fields(tensors)
        carried = [(self.buffers[name], whole[name]) for name in self.carried]
        self._copy(carried)
        n_steps = len(whole[program.count])
        for steps in program.chunks(n_steps):
            self._copy_in(whole, steps, n_steps)
            self.replay()
            self._copy_out(whole, steps, n_steps)
        self._copy((theirs, ours) for ours, theirs in carried)

    def _copy_in(self, whole: dict[str, Tensor], steps: slice, n_steps: int) -> None:
        pairs = [
            (self.buffers[name][:1], whole[name][steps.start : steps.start + 1])
            for name in self.chained
        ]
        for name in self.read:
            rows = whole[name][steps.start : steps.stop + len(whole[name]) - n_steps]
            pairs.append((self.buffers[name][: len(rows)], rows))
            if steps.stop - steps.start < self.program.n_steps:
                self.buffers[name][len(rows) :].zero_()
        self._copy(pairs)

    def _copy_out(self, whole: dict[str, Tensor], steps: slice, n_steps: int) -> None:
        pairs = []
        for name in self.chained:
            rows = whole[name][steps.start + 1 : steps.stop + 1]
            pairs.append((rows, self.buffers[name][1 : len(rows) + 1]))
        for name in self.written:
            rows = whole[name][steps.start : steps.stop + len(whole[name]) - n_steps]
            pairs.append((rows, self.buffers[name][: len(rows)]))
        self._copy(pairs)

    @staticmethod
    def _copy(pairs: Any) -> None:
        """Copy the second tensor of each pair to the first, with as few kernels as possible."""
        by_type: dict[torch.dtype, tuple[list[Tensor], list[Tensor]]] = {}
        for target, source in pairs:
            targets, sources = by_type.setdefault(target.dtype, ([], []))
            targets.append(target)
            sources.append(source)
        for targets, sources in by_type.values():
            torch._foreach_copy_(targets, sources)


def divided(n_steps: int, most: int) -> list[slice]:
    """Divide steps into slices of ``most``; the last one can be shorter."""
    return [slice(start, min(start + most, n_steps)) for start in range(0, n_steps, most)]


def round_up(n: int, multiple: int = TEXT_MULTIPLE) -> int:
    """Round a length up to a multiple."""
    return -(-n // multiple) * multiple


def _fields(tensors: NamedTuple) -> dict[str, Tensor]:
    """Return the fields that are not None."""
    return {name: tensor for name, tensor in tensors._asdict().items() if tensor is not None}


def _agree(ours: Tensor, expected: Tensor) -> Tensor:
    """Return whether two results are equal but for rounding; faults differ by far more."""
    if not ours.is_floating_point():
        return (ours == expected).all()
    tolerance = max(1e-3, 8 * torch.finfo(ours.dtype).eps)
    ours, expected = ours.float(), expected.float()
    finite = expected.isfinite()
    scale = torch.where(finite, expected, 0).abs().amax()
    near = (ours - expected).abs() <= tolerance * scale
    # where single steps overflow, graphs may
    return (near | ~finite).all()


def _buffer_sizes(program: Program, tensors: NamedTuple) -> dict[str, Any]:
    """Return shape, type and device of the buffer for each field."""
    n_steps = len(getattr(tensors, program.count))
    with_rows = (*program.read, *program.written, *program.chained)
    sizes = {}
    for name, tensor in _fields(tensors).items():
        shape = list(tensor.shape)
        if name in with_rows:
            shape[0] += program.n_steps - n_steps
        sizes[name] = torch.Size(shape), tensor.dtype, tensor.device
    return sizes
