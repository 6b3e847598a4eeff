"""Defines an adversarial critic that makes predicted spectrograms look like recordings.

A squared error is smallest for the mean of all spectrograms that fit a text, and
:func:`texture_loss` controls the amount of detail, but not what the detail looks like. The critic
learns to distinguish recorded from predicted spectrograms, and thereby teaches the network
(:mod:`tts.models.adversarial`; in speech synthesis: Kaneko et al., 2017, ICASSP). It judges small
patches (Isola et al., 2017, arXiv 1611.07004, section 2.2.2).

Shapes: ``B`` batch, ``T_mel`` frames.
"""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from tts.models.adversarial import CriticLosses, critic_losses
from tts.models.log_mel_statistics import LOG_MEL_MEAN, LOG_MEL_STD

#: Output channels and strides (bands, frames) of the layers.
_LAYERS = ((32, (2, 1)), (64, (2, 2)), (64, (2, 2)), (64, (1, 1)))
_FRAMES_PER_JUDGEMENT = prod(frames for _, (_, frames) in _LAYERS)
#: Slope of the leaky ReLU for negative inputs.
_SLOPE = 0.2


class SpectrogramCritic(nn.Module):
    """Judges each patch of a log-mel spectrogram: 1 means recorded, 0 predicted."""

    def __init__(self) -> None:
        super().__init__()
        n_in, layers = 1, []
        for n_out, stride in _LAYERS:
            layers.append(weight_norm(nn.Conv2d(n_in, n_out, 3, stride=stride, padding=1)))
            n_in = n_out
        self.layers = nn.ModuleList(layers)
        self.judgement = nn.Conv2d(n_in, 1, 3, padding=1)

    def forward(self, mel: Tensor, mask: Tensor) -> list[Tensor]:
        """Judge spectrograms.

        Args:
            mel: ``(B, n_mels, T_mel)`` log-mel spectrograms.
            mask: ``(B, T_mel)``, True for real frames.

        Returns:
            Features ``(B, C, bands, frames)`` of each layer, and last the judgement, with
            ``C = 1``; 0 where there is no real frame.
        """
        real = mask[:, None, None].to(mel.dtype)
        x = (mel[:, None] - LOG_MEL_MEAN) / LOG_MEL_STD * real
        features = []
        for layer, (_, (_, stride)) in zip(self.layers, _LAYERS, strict=True):
            real = real[..., ::stride]
            x = F.leaky_relu(layer(x), _SLOPE) * real
            features.append(x)
        return [*features, self.judgement(x) * real]

    def losses(
        self, predicted: Tensor, target: Tensor, mask: Tensor, n_frames: Tensor
    ) -> CriticLosses:
        """Compute the losses of the critic and of the network that made the predictions.

        Args:
            predicted: ``(B, n_mels, T_mel)`` log-mel spectrograms.
            target: ``(B, n_mels, T_mel)`` log-mel spectrograms of recordings.
            mask: ``(B, T_mel)``, True for real frames; the other frames have no influence.
            n_frames: scalar by which sums over frames are divided.
        """
        with torch.autocast(target.device.type, enabled=False):
            wide = torch.promote_types(target.dtype, torch.float32)
            return self._losses(predicted.to(wide), target.to(wide), mask, n_frames)

    def _losses(
        self, predicted: Tensor, target: Tensor, mask: Tensor, n_frames: Tensor
    ) -> CriticLosses:
        real = mask[:, None, None, ::_FRAMES_PER_JUDGEMENT].to(target.dtype)

        def mean(x: Tensor) -> Tensor:
            # a layer has one frame for as many real frames as its stride
            return x.sum() * _stride(mask, x) / (n_frames * x.shape[1] * x.shape[2])

        return critic_losses(self, predicted, target, real, mean, mask)


def _stride(mask: Tensor, x: Tensor) -> int:
    """Return the ratio of the frames of ``(B, T_mel)`` to those of ``(B, C, bands, frames)``."""
    return -(-mask.shape[1] // x.shape[3])
