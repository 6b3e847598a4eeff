"""Compares what a device computes with float64 on a CPU.

The relative error of a tensor, or of all gradients together, is the length of the difference
divided by the length of the true value.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from bench.gpu.rows import Value
from bench.gpu.work import (
    NO_DROPOUT,
    Bench,
    autocast,
    loss_of,
    tf32,
)
from tts.audio import LogMel
from tts.models import WaveGlow
from tts.models.kernels import runner

CPU = torch.device("cpu")
KINDS = ("tacotron2", "waveglow", "compact")


def parity(bench: Bench) -> Iterator[tuple[str, Value]]:
    """Yield the errors of networks, inverse, mel front end and voice."""
    for kind in KINDS:
        what = "mel" if kind == "tacotron2" else "latent"
        truth = _computed(bench, kind, CPU, torch.float64)
        with tf32(False):
            found = _computed(bench, kind, bench.device, torch.float32)
        yield f"{kind}-{what}-float32", Value(relative_error(found[0], truth[0]))
        yield f"{kind}-gradient-float32", Value(relative_error(found[1], truth[1]))
        if kind == "compact":
            continue
        if kind == "tacotron2":
            yield from _graphs(bench, truth[1])
        with tf32(True):
            narrow = _computed(bench, kind, bench.device, torch.float32)[1]
        half = _computed(bench, kind, bench.device, torch.bfloat16)[1]
        yield f"{kind}-gradient-TF32", Value(relative_error(narrow, truth[1]))
        yield f"{kind}-gradient-bfloat16", Value(relative_error(half, truth[1]))
        if kind == "waveglow":
            constant = _computed(bench, kind, bench.device, torch.bfloat16, constant_memory=True)
            yield "waveglow-gradient-constant", Value(relative_error(constant[1], truth[1]))
    for kind in ("waveglow", "compact"):
        network = bench.vocoder(kind).to(bench.device)
        with tf32(False):
            yield f"{kind}-inverse", Value(_inverse_error(bench, network))
        with tf32(True):
            yield f"{kind}-mixing", Value(mixing_error(bench, network))
    with tf32(True):
        yield "log-mel", Value(_mel_error(bench))
    yield "voice", Value(_voice_frames(bench))


def _graphs(bench: Bench, truth: Tensor) -> Iterator[tuple[str, Value]]:
    """Yield the error of the gradient with graphs, and why there were none, if so."""
    refused: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: refused.append(record.getMessage())  # type: ignore[method-assign]
    log = logging.getLogger(runner.__name__)
    log.addHandler(handler)
    try:
        with tf32(False):
            options = {"runner": "graphs"}
            found = _computed(bench, "tacotron2", bench.device, torch.float32, **options)
    finally:
        log.removeHandler(handler)
    yield "tacotron2-gradient-graphs", Value(relative_error(found[1], truth))
    yield "refused-graphs", Value(len(refused), "; ".join(refused))


def relative_error(found: Tensor, truth: Tensor) -> float:
    """Return the length of the difference, as a share of the length of the true value."""
    return float((found.double() - truth).norm() / truth.norm())


def _computed(
    bench: Bench, kind: str, device: torch.device, dtype: torch.dtype, **options: Any
) -> tuple[Tensor, Tensor]:
    """Return prediction and gradient of a network on the CPU; bfloat16 means autocast."""
    network: nn.Module
    if kind == "tacotron2":
        network = bench.acoustic(**{**NO_DROPOUT, "runner": "eager", **options})
        batch = bench.batch(bench.sizes.small_batch, device)
    else:
        network = bench.vocoder(kind, **options)
        batch = bench.segments(bench.sizes.small_segments, device)
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    network = network.to(device, wide).train()
    batch = tuple(x.to(wide) if x.is_floating_point() else x for x in batch)
    with autocast(device, dtype == torch.bfloat16):
        loss, predicted = loss_of(network, batch)
    loss.backward()
    gradients = [p.grad.flatten() for p in network.parameters() if p.grad is not None]
    return predicted.detach().cpu().double(), torch.cat(gradients).cpu().double()


@torch.no_grad()
def _inverse_error(bench: Bench, network: WaveGlow) -> float:
    """Return by how much samples differ after they went through a network and back."""
    mel, wave = bench.segments(bench.sizes.small_segments)
    return float((network.inverse(mel, z=network(mel, wave).z) - wave).abs().max())


@torch.no_grad()
def mixing_error(bench: Bench, network: WaveGlow) -> float:
    """Return by how much they differ after the operations that no setting may round."""
    _, wave = bench.segments(bench.sizes.small_segments)
    x = network.front(wave)
    mix: Any = network.flows[0].mix
    return float((network.front.inverse(mix.inverse(mix(x)[0])) - wave).abs().max())


def _mel_error(bench: Bench) -> float:
    wave = 0.1 * torch.randn(1, 22_050, generator=torch.Generator().manual_seed(3))
    there = LogMel().to(bench.device)(wave.to(bench.device)).cpu()
    return float((there - LogMel()(wave)).abs().max())


def _voice_frames(bench: Bench) -> float:
    """Return by how many frames the package's voice speaks a sentence longer or shorter."""
    from tts.inference import Synthesizer

    frames = []
    for device in (CPU, bench.device):
        synthesizer = Synthesizer.from_pretrained("voice_acoustic", "voice_vocoder", device)
        frames.append(synthesizer.speak(bench.sizes.sentence, seed=1, guard=False).mel.shape[1])
    return abs(frames[0] - frames[1])
