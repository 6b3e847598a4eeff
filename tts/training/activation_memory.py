"""Predicts how much memory the activations of a training step need, before a GPU has computed one.

What a forward pass keeps for the backward pass is a sum of terms: some grow with the batch, some
with the batch and a length, and the attention's with the batch and both lengths. So the network
runs on the CPU with a few tiny batches, in the precision of the run; the bytes that are alive at
the end of each pass give the factors of the terms. The kernels are torch's own ones, because those
of oneDNN keep other tensors than a GPU does.
"""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tts.core.random_state import isolated_rng
from tts.models import Tacotron2, WaveGlow, tacotron2_loss, waveglow_loss
from tts.models.layers import MaskedBatchNorm1d

#: The backward pass allocates gradients of activations while most activations are still there.
_BACKWARD = 1.25
#: With constant memory it computes one flow again, with its gradients.
_FLOWS_AGAIN = 2

#: Sizes of a batch: utterances and samples, or utterances, symbols and frames.
Sizes = tuple[int, ...]


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of the tensors that are made inside its ``with`` block and still exist.

    Attributes:
        now: bytes that exist.
        peak: the most bytes that existed at once.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        # a result may be a view, or the changed operand
        given = {storage._cdata for storage in _storages((args, kwargs))}
        result = func(*args, **(kwargs or {}))
        for storage in _storages(result):
            if storage._cdata not in given and storage._cdata not in self._known:
                self._add(storage)
        return result

    def _add(self, storage: torch.UntypedStorage) -> None:
        key, n_bytes = storage._cdata, storage.nbytes()
        self._known.add(key)
        self.now += n_bytes
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._remove, key, n_bytes)

    def _remove(self, key: int, n_bytes: int) -> None:
        self._known.discard(key)
        self.now -= n_bytes


def activation_bytes(network: nn.Module, precision: str) -> Callable[[Sizes], int] | None:
    """Return a function that predicts the most bytes that activations of a step hold at once.

    Args:
        network: on the CPU; it is not changed.
        precision: of the run, as ``trainer.precision``.

    Returns:
        A function of the sizes of a batch: ``(B, T_text, T_mel)`` for Tacotron 2, ``(B, T_wave)``
        for WaveGlow; or None for another network.
    """
    if isinstance(network, Tacotron2):
        step = 4 * network.config.n_frames_per_step
        # not one utterance, for which torch need not copy what it copies for several
        probes = [(2, 8, step), (3, 8, step), (2, 16, step), (2, 8, 2 * step), (2, 16, 2 * step)]
        kept = fitted_bytes(network, precision, probes, _cells)
        return lambda sizes: round(_BACKWARD * kept(sizes))
    return waveglow_bytes(network, precision) if isinstance(network, WaveGlow) else None


def waveglow_bytes(network: WaveGlow, precision: str) -> Callable[[Sizes], int]:
    """Return what :func:`activation_bytes` returns, for WaveGlow."""
    hop, config = network.config.hop_length, network.config
    probes = [(1, 2 * hop), (2, 2 * hop), (1, 4 * hop)]
    kept = fitted_bytes(network, precision, probes, _samples)
    if not config.constant_memory:
        return lambda sizes: round(_BACKWARD * kept(sizes))
    try:
        network.config = replace(config, constant_memory=False)
        all_flows = fitted_bytes(network, precision, probes, _samples)
    finally:
        network.config = config
    share = _FLOWS_AGAIN / config.n_flows
    return lambda sizes: round(kept(sizes) + share * all_flows(sizes))


def _cells(sizes: Sizes) -> list[int]:
    n_batch, n_text, n_mel = sizes
    return [1, n_batch, n_batch * n_text, n_batch * n_mel, n_batch * n_text * n_mel]


def _samples(sizes: Sizes) -> list[int]:
    n_batch, n_wave = sizes
    return [1, n_batch, n_batch * n_wave]


def fitted_bytes(
    network: nn.Module,
    precision: str,
    probes: Sequence[Sizes],
    terms: Callable[[Sizes], list[int]],
) -> Callable[[Sizes], int]:
    """Return a function that predicts the bytes that are alive after a forward pass.

    Args:
        network: on the CPU; it is not changed.
        precision: of the run.
        probes: sizes of the batches that are measured, as many as there are terms.
        terms: returns for the sizes of a batch what the bytes are a weighted sum of.
    """
    # a training must not see a trace of this: neither statistics nor draws, nor other ranks
    trial = copy.deepcopy(network).train()
    for part in trial.modules():
        if isinstance(part, MaskedBatchNorm1d):
            part.over_ranks = False
    with isolated_rng(0):
        measured = [float(kept_bytes(trial, sizes, precision)) for sizes in probes]
    matrix = torch.tensor([terms(sizes) for sizes in probes], dtype=torch.float64)
    factors = torch.linalg.solve(matrix, torch.tensor(measured, dtype=torch.float64)).tolist()
    return lambda sizes: round(sum(a * b for a, b in zip(factors, terms(sizes), strict=True)))


def kept_bytes(network: nn.Module, sizes: Sizes, precision: str) -> int:
    """Return the bytes that are alive after the forward pass and loss of a batch of these sizes."""
    with LiveBytes() as live:
        loss = batch_loss(network, sizes, precision)
        n_bytes: int = live.now
        del loss
    return n_bytes


def batch_loss(network: nn.Module, sizes: Sizes, precision: str) -> Tensor:
    """Return the loss of a random batch of these sizes, on the CPU."""
    with _autocast(precision), _without_onednn():
        if isinstance(network, WaveGlow):
            wave = 0.1 * torch.randn(sizes)
            mel = torch.randn(
                sizes[0], network.config.n_mels, sizes[1] // network.config.hop_length
            )
            return waveglow_loss(network(mel, wave))["total"]
        assert isinstance(network, Tacotron2)
        n_batch, n_text, n_mel = sizes
        lengths = torch.full((n_batch,), n_text), torch.full((n_batch,), n_mel)
        mel = torch.randn(n_batch, network.config.n_mels, n_mel)
        text, speakers = torch.zeros(n_batch, n_text, dtype=torch.int64), torch.zeros(1).long()
        output = network(text, lengths[0], mel, lengths[1], speakers)
        options: dict[str, Any] = {"text_lengths": lengths[0], "guided_weight": 1.0}
        return tacotron2_loss(output, mel, lengths[1], **options)["total"]


def _autocast(precision: str) -> AbstractContextManager[Any]:
    # as Lightning does; a number of float16 has as many bytes
    if precision.endswith("-mixed"):
        return torch.autocast("cpu", torch.bfloat16, cache_enabled=False)
    return nullcontext()


@contextmanager
def _without_onednn() -> Iterator[None]:
    # torch's own context manager sets further flags, of which some machines warn
    onednn: Any = torch.backends.mkldnn
    before, onednn.enabled = onednn.enabled, False
    try:
        yield
    finally:
        onednn.enabled = before


def _storages(values: Any) -> Iterator[torch.UntypedStorage]:
    for value in tree_leaves(values):
        # weights that oneDNN has packed exist for the duration of a pass on a CPU only
        if isinstance(value, Tensor) and value.layout == torch.strided:
            yield value.untyped_storage()
