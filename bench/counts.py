"""Counts what a GPU is asked to do, without a GPU: launches of kernels, and waits of the host.

    python -m bench.counts

The device is the fake one of the tests (``tests/support/fake_device``), so the counts are the same
on every machine. A decoder step is small: a GPU computes its kernels in less time than the host
needs to launch them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from tests.support.fake_device import FakeDevice
from tests.support.gpu_batches import WAVEGLOW, acoustic_step, tacotron2
from tts.models import WaveGlow, waveglow_loss

#: Two numbers of steps, whose difference gives the count of a step: what happens once cancels out.
LENGTHS = 8, 16
#: The same for graphs, which have 32 steps.
LENGTHS_OF_GRAPHS = 8, 40
HEADER = "| what | per | counted | goal, at most |\n|---|---|---|---|"


@dataclass(frozen=True)
class Count:
    """Holds one count.

    Attributes:
        title: what was counted.
        unit: for what.
        value: the count.
        goal: largest value that meets the goal.
    """

    title: str
    unit: str
    value: float
    goal: float

    def line(self) -> str:
        """Return one line of Markdown."""
        return f"| {self.title} | {self.unit} | {self.value:.3g} | {self.goal:g} |"


def counts() -> list[Count]:
    """Count everything."""
    launches, half = "launches, Tacotron 2, forward and backward", torch.bfloat16
    graphs = launches_of_training(runner="graphs")
    return [
        Count(launches, "decoder step", launches_of_training(), 45),
        Count(f"{launches}, in half precision", "decoder step", launches_of_training(half), 45),
        Count(f"{launches}, as graphs", "decoder step", graphs, 45),
        Count("launches, speaking", "decoder step", speaking("launches"), 35),
        Count("launches, speaking, as graphs", "decoder step", speaking("launches", GRAPHS), 35),
        Count("launches, speaking with pitch", "decoder step", speaking("launches", PITCH), 73),
        Count("waits, speaking", "decoder step", speaking("waits"), 1 / 8),
        Count("waits, Tacotron 2, forward and backward", "step", waits_of_training(), 0),
        Count("waits, WaveGlow, forward and backward", "step", waits_of_waveglow(), 0),
        Count("waits, inverse of WaveGlow", "call", waits_of_inverse(), 1),
    ]


GRAPHS = {"runner": "graphs"}
PITCH = {"pitch_bins": 8, "n_mels": 40, "sample_rate": 8000, "f_max": 4000.0, "pitch_high": 400.0}
_DROPOUT = dict.fromkeys(("prenet_dropout", "p_attention_dropout", "p_decoder_dropout"), 0.1)


def launches_of_training(dtype: torch.dtype = torch.float32, runner: str = "eager") -> float:
    """Count the kernels that a decoder step launches in training, forward and backward.

    Args:
        dtype: type of the decoder, as mixed precision casts it.
        runner: see :class:`tts.models.tacotron2.config.Tacotron2Config`.
    """
    decoder = tacotron2(**_DROPOUT, runner=runner).decoder.to(dtype)
    frames, values = (
        torch.randn(LENGTHS_OF_GRAPHS[1], 2, 16, dtype=dtype),
        torch.randn(2, 9, 16, dtype=dtype),
    )

    def count(gpu: FakeDevice, n_steps: int) -> int:
        memory = decoder.prepare(values.to("cuda"), torch.tensor([9, 4]).to("cuda"))
        inputs = frames[:n_steps].to("cuda")
        for _ in range(2 if runner == "graphs" else 1):  # the first time records them
            gpu.clear()
            decoder.zero_grad()
            outputs = decoder(inputs, n_steps, memory)
            torch.stack([part.float().sum() for part in outputs]).sum().backward(retain_graph=True)
        return sum(gpu.launches.values())

    return _per_step(decoder, count, LENGTHS_OF_GRAPHS if runner == "graphs" else LENGTHS)


def speaking(what: str, options: dict[str, Any] | None = None) -> float:
    """Count for a decoder step of ``Tacotron2.generate``.

    Args:
        what: ``"launches"`` or ``"waits"``.
        options: of the network.
    """
    network = tacotron2(**{**_DROPOUT, "runner": "eager", **(options or {})}).eval()
    text, graphs = torch.arange(1, 10)[None], network.decoder.runner.choice == "graphs"

    def count(gpu: FakeDevice, n_steps: int) -> int:
        on_gpu, lengths = text.to("cuda"), torch.tensor([9]).to("cuda")
        limits: dict[str, Any] = {"max_steps": n_steps, "gate_threshold": 1.0}
        for _ in range(2 if graphs else 1):
            gpu.clear()
            generator = torch.Generator().manual_seed(1)
            network.generate(on_gpu, lengths, generator=generator, **limits)
        return sum(getattr(gpu, what).values())

    return _per_step(network, count, LENGTHS_OF_GRAPHS if graphs else LENGTHS)


def waits_of_training() -> int:
    """Count the waits of a training step of Tacotron 2, without those of the Trainer."""
    network = tacotron2(**_DROPOUT)
    with FakeDevice() as gpu:
        network.to("cuda")
        batch = _batch(LENGTHS[0])
        acoustic_step(network, batch)
        gpu.clear()
        acoustic_step(network, batch)
        return sum(gpu.waits.values())


def waits_of_waveglow() -> int:
    """Count the waits of a training step of WaveGlow, without those of the Trainer."""
    network = WaveGlow(**WAVEGLOW)
    with FakeDevice() as gpu:
        network.to("cuda")
        mel, wave = torch.randn(2, 8, 32).to("cuda"), torch.randn(2, 2048).to("cuda")
        gpu.clear()
        waveglow_loss(network(mel, wave))["total"].backward()
        return sum(gpu.waits.values())


def waits_of_inverse() -> int:
    """Count the waits of ``WaveGlow.inverse``."""
    network = WaveGlow(**WAVEGLOW)
    with FakeDevice() as gpu:
        network.to("cuda")
        mel = torch.randn(2, 8, 32).to("cuda")
        gpu.clear()
        network.inverse(mel, generator=torch.Generator().manual_seed(1))
        return sum(gpu.waits.values())


def _per_step(
    network: torch.nn.Module, count: Callable[[FakeDevice, int], int], lengths: tuple[int, int]
) -> float:
    """Return how much a count grows with each step."""
    with FakeDevice() as gpu:
        network.to("cuda")
        short, long = (count(gpu, n_steps) for n_steps in lengths)
    return (long - short) / (lengths[1] - lengths[0])


def _batch(n_frames: int) -> tuple[torch.Tensor, ...]:
    """Return text, text lengths, mel and mel lengths of two utterances on the device."""
    text, mel = torch.randint(1, 20, (2, 9)), torch.randn(2, 16, n_frames)
    lengths = torch.tensor([9, 4]), torch.tensor([n_frames, n_frames - 5])
    return tuple(x.to("cuda") for x in (text, lengths[0], mel, lengths[1]))


if __name__ == "__main__":
    sys.stdout.write("\n".join([HEADER, *(count.line() for count in counts()), ""]))
