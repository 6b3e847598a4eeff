"""Trains WaveGlow on the negative log-likelihood of samples, and inverts it for listening."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tts.core.ranges import Amount, Positive, check_fields
from tts.data.loading.batch import MelWaveBatch
from tts.models import WaveGlow, waveglow_loss
from tts.training.task import SpeechTask
from tts.training.task_samples import TaskSamples


@dataclass(frozen=True)
class WaveGlowLossOptions:
    """Holds the options of the likelihood and of the samples.

    Attributes:
        sigma: standard deviation of the prior in training (Prenger et al., 2019, §3.2).
        sample_sigma: standard deviation of the noise that the samples are made from.
    """

    sigma: Positive = 1.0
    sample_sigma: Amount = 0.6

    def __post_init__(self) -> None:
        check_fields(self, "loss.")


class WaveGlowTask(SpeechTask):
    """Trains WaveGlow; takes the arguments of :class:`SpeechTask`, and ``loss``."""

    network: WaveGlow

    def __init__(
        self, network: WaveGlow, *args: Any, loss: WaveGlowLossOptions | None = None, **kwargs: Any
    ) -> None:
        super().__init__(network, *args, **kwargs)
        self.loss = loss or WaveGlowLossOptions()

    def losses(self, batch: MelWaveBatch, stage: str) -> tuple[dict[str, Tensor], int]:
        """Return the negative log-likelihood per audio sample, and the number of samples."""
        output = self.network(batch.mel, batch.wave)
        return waveglow_loss(output, sigma=self.loss.sigma), batch.wave.numel()

    def loss_names(self, stage: str) -> list[str]:
        """Return the names of the terms of the likelihood."""
        return ["prior", "log_s", "log_det"]

    def samples(self, batch: MelWaveBatch, generator: torch.Generator) -> TaskSamples:
        """Return the recordings and the sound that the network makes of their spectrograms."""
        wave = self.network.inverse(batch.mel, sigma=self.loss.sample_sigma, generator=generator)
        return TaskSamples(
            names=list(batch.names),
            mels={"target": [mel.float().cpu() for mel in batch.mel]},
            waves={
                "target": [x.float().cpu() for x in batch.wave],
                "inverse": [x.float().cpu() for x in wave[:, : batch.wave.shape[1]]],
            },
        )
