"""Makes the work that is measured: networks, batches, training steps, and their times."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bench.gpu.sizes import Sizes
from tts.models import Tacotron2, WaveGlow, tacotron2_loss, waveglow_loss

#: A function that is measured.
Work = Callable[[], Any]
#: Share of the frames of a batch that are real, as in batches of utterances of similar length.
REAL = 0.9
#: Dropout off: then two devices compute the same.
NO_DROPOUT = dict.fromkeys(
    (
        *("encoder_dropout", "prenet_dropout", "postnet_dropout"),
        *("p_attention_dropout", "p_decoder_dropout"),
    ),
    0.0,
)


@dataclass(frozen=True)
class Bench:
    """Says where to measure, and in which sizes."""

    device: torch.device
    sizes: Sizes

    @property
    def is_gpu(self) -> bool:
        """Return whether the device has memory and a queue of its own."""
        return self.device.type == "cuda"

    def wait(self) -> None:
        """Wait until the device has done what was asked for."""
        if self.is_gpu:
            torch.cuda.synchronize(self.device)

    def acoustic(self, **options: Any) -> Tacotron2:
        """Return an acoustic model with always the same weights, on the CPU."""
        torch.manual_seed(0)
        return Tacotron2(**{**self.sizes.tacotron2, "n_mels": self.sizes.n_mels, **options})

    def vocoder(self, kind: str = "waveglow", **options: Any) -> WaveGlow:
        """Return a WaveGlow with always the same weights, whose couplings change their input."""
        torch.manual_seed(0)
        sizes = self.sizes.waveglow if kind == "waveglow" else self.sizes.compact
        network = WaveGlow(**{**sizes, "n_mels": self.sizes.n_mels, **options})
        for flow in network.flows:
            nn.init.normal_(flow.coupling.end.weight, std=0.01)  # type: ignore[union-attr]
        return network

    def batch(
        self, sizes: tuple[int, int, int], device: torch.device | None = None
    ) -> tuple[Tensor, ...]:
        """Return texts, their lengths, spectrograms and theirs; ``REAL`` of the frames are real.

        Args:
            sizes: utterances, symbols and most frames.
            device: where they are; the measured device by default.
        """
        n, n_symbols, n_frames = sizes
        random = torch.Generator().manual_seed(1)
        lengths = [
            torch.linspace((2 * REAL - 1) * longest, longest, n).round().long().flip(0)
            for longest in (n_symbols, n_frames)
        ]
        text = torch.randint(1, 148, (n, n_symbols), generator=random)
        mel = torch.randn(n, self.sizes.n_mels, n_frames, generator=random) - 5
        mel *= torch.arange(n_frames) < lengths[1][:, None, None]
        return tuple(x.to(device or self.device) for x in (text, lengths[0], mel, lengths[1]))

    def segments(
        self, sizes: tuple[int, int], device: torch.device | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return spectrograms and the samples that belong to them.

        Args:
            sizes: segments, and samples of each.
            device: where they are; the measured device by default.
        """
        n, n_samples = sizes
        random = torch.Generator().manual_seed(2)
        mel = torch.randn(n, self.sizes.n_mels, n_samples // 256 + 1, generator=random) - 5
        wave = 0.1 * torch.randn(n, n_samples, generator=random)
        return mel.to(device or self.device), wave.to(device or self.device)


def loss_of(network: nn.Module, batch: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """Return the loss of a batch, and what the network predicts: a mel, or a latent."""
    output = network(*batch)
    if isinstance(network, Tacotron2):
        return tacotron2_loss(output, batch[2], batch[3])["total"], output.mel_post
    return waveglow_loss(output)["total"], output.z


def autocast(device: torch.device, is_half: bool) -> torch.autocast:
    """Return the context in which a device computes in bfloat16 where it may."""
    return torch.autocast(device.type, torch.bfloat16, enabled=is_half)


@contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """Allow or forbid that products and convolutions in float32 are rounded to TF32."""
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("high" if allowed else "highest")
    torch.backends.cudnn.allow_tf32 = allowed
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]


def training_step(
    network: nn.Module, batch: tuple[Tensor, ...], is_half: bool = False, fused: bool | None = None
) -> Work:
    """Return a function that does a whole training step, as the recipe does, without Lightning."""
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, fused=fused)
    network.train()

    def step() -> None:
        optimizer.zero_grad()
        with autocast(batch[0].device, is_half):
            loss, _ = loss_of(network, batch)
        loss.backward()
        if isinstance(network, Tacotron2):
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()

    return step


def seconds_of(bench: Bench, work: Work) -> float:
    """Return the median time of a call, of as many as fit into the time for one measurement."""
    work()
    bench.wait()
    times: list[float] = []
    while len(times) < bench.sizes.repeats or (sum(times) < bench.sizes.seconds):
        start = time.perf_counter()
        work()
        bench.wait()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
