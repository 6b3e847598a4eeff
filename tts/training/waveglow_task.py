"""Trains WaveGlow on the likelihood of samples and on the sound that it makes of noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tts.core.errors import InputError
from tts.core.ranges import Sigma, SigmaOrZero, Weight, check_fields
from tts.data.loading.batch import MelWaveBatch
from tts.models import WaveGlow, waveglow_loss
from tts.models.adversarial import CRITIC_LOSSES
from tts.models.waveglow.spectral_loss import band_loss, spectral_loss
from tts.models.waveglow.wave_critic import WaveCritic
from tts.training.task import SpeechTask
from tts.training.task_samples import TaskSamples


@dataclass(frozen=True)
class WaveGlowLossOptions:
    """Holds the weights of WaveGlow's losses, and the noise of its samples.

    The likelihood trains the direction from samples to noise. The spoken loss and the critic train
    the other direction, which is the one that is heard: the network makes sound of noise, and the
    sound is compared with the recording.

    Attributes:
        sigma: standard deviation of the prior in training (Prenger et al., 2019, §3.2).
        sample_sigma: standard deviation of the noise that the samples are made from.
        likelihood_weight: weight of the negative log-likelihood; 0 trains without it.
        spoken_weight: weight of the distance between the spectra of a recording and of the sound
            that the network makes of its mel; 0 switches it off.
        band_weight: weight of the distance between their mel spectra; 0 switches it off.
        spoken_sigma: standard deviation of the noise that this sound is made from.
        critic_weight: weight of the losses of a critic that is trained together with the network
            and judges this sound (:class:`tts.models.waveglow.wave_critic.WaveCritic`); 0 trains
            without a critic.
    """

    sigma: Sigma = 1.0
    sample_sigma: SigmaOrZero = 0.6
    likelihood_weight: Weight = 1.0
    spoken_weight: Weight = 0.0
    band_weight: Weight = 0.0
    spoken_sigma: SigmaOrZero = 0.7
    critic_weight: Weight = 0.0

    def __post_init__(self) -> None:
        check_fields(self, "loss.")
        if not (self.likelihood_weight > 0 or self.needs_sound):
            raise InputError(
                "loss.likelihood_weight, loss.spoken_weight, loss.band_weight and "
                "loss.critic_weight are all 0: nothing would be learned; set one above 0"
            )

    @property
    def needs_sound(self) -> bool:
        """Return whether a training step makes sound."""
        return self.spoken_weight > 0 or self.band_weight > 0 or self.critic_weight > 0


class WaveGlowTask(SpeechTask):
    """Trains WaveGlow; takes the arguments of :class:`SpeechTask`, and ``loss``."""

    network: WaveGlow
    critic: WaveCritic | None

    def __init__(
        self, network: WaveGlow, *args: Any, loss: WaveGlowLossOptions | None = None, **kwargs: Any
    ) -> None:
        super().__init__(network, *args, **kwargs)
        self.loss = loss or WaveGlowLossOptions()
        self.critic = WaveCritic() if self.loss.critic_weight > 0 else None

    def losses(self, batch: MelWaveBatch, stage: str) -> tuple[dict[str, Tensor], int]:
        """Return the losses, which are means over segments, and the number of samples."""
        losses: dict[str, Tensor] = {}
        total = batch.wave.new_zeros(())
        # Validation measures the likelihood in any case, so that runs can be compared
        if self.loss.likelihood_weight > 0 or stage != "train":
            losses = waveglow_loss(self.network(batch.mel, batch.wave), sigma=self.loss.sigma)
            total = self.loss.likelihood_weight * losses.pop("total")
        if self.loss.needs_sound:
            spoken = self._speak(batch)
            losses["spoken"] = spectral_loss(spoken, batch.wave)
            total = total + self.loss.spoken_weight * losses["spoken"]
            if self.loss.band_weight > 0:
                losses["bands"] = band_loss(spoken, batch.wave)
                total = total + self.loss.band_weight * losses["bands"]
            if self.critic is not None and stage == "train":
                judged = self.critic.losses(spoken, batch.wave)
                losses |= judged.to_dict()
                total = total + judged.total(self.loss.critic_weight)
        return {**losses, "total": total}, batch.wave.numel()

    def _speak(self, batch: MelWaveBatch) -> Tensor:
        """Make sound of the spectrograms, with its gradients: ``(B, T_wave)``."""
        n_samples = batch.wave.shape[1]
        n_groups = n_samples // self.network.config.n_group
        noise = self.network.draw_noise(len(batch.mel), n_groups, batch.mel.device)
        return self.network.invert(batch.mel, self.loss.spoken_sigma * noise)

    def loss_names(self, stage: str) -> list[str]:
        """Return the names of the parts of the loss."""
        names = ["prior", "log_s", "log_det"]
        if stage == "train" and self.loss.likelihood_weight == 0:
            names = []
        names += ["spoken"] if self.loss.needs_sound else []
        names += ["bands"] if self.loss.band_weight > 0 else []
        names += list(CRITIC_LOSSES) if self.critic is not None and stage == "train" else []
        return names

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
