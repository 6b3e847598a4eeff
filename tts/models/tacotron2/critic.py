"""Defines an adversarial critic that makes predicted spectrograms look like recordings.

A squared error is smallest for the mean of all spectrograms that fit a text, and
:func:`texture_loss` controls the amount of detail, but not what the detail looks like. The critic
is a second network. It learns to distinguish recorded from predicted spectrograms, while the first
network learns to make predictions that the critic takes for recordings (Goodfellow et al., 2014,
arXiv 1406.2661; in speech synthesis: Kaneko et al., 2017, ICASSP). The critic judges small patches
(Isola et al., 2017, arXiv 1611.07004, section 2.2.2) with a squared error (Mao et al., 2017, arXiv
1611.04076). The features of its layers are compared as well (Larsen et al., 2016, arXiv 1512.09300,
section 2.2). The critic exists in training only.

Shapes: ``B`` batch, ``T_mel`` frames.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from tts.models.log_mel_statistics import LOG_MEL_MEAN, LOG_MEL_STD

#: Output channels and strides (bands, frames) of the layers.
_LAYERS = ((32, (2, 1)), (64, (2, 2)), (64, (2, 2)), (64, (1, 1)))
#: Slope of the leaky ReLU for negative inputs.
_SLOPE = 0.2
#: Weight of the features relative to the judgement, and weight of the critic's own loss. The latter
#: has no gradient in the network, but it counts in the norm by which gradients are clipped.
_FEATURE_WEIGHT, _CRITIC_WEIGHT = 5.0, 0.1


#: Names of the losses in the logs (``train/loss_fooled``, ...), in the order of `CriticLosses`.
CRITIC_LOSSES = ("critic", "fooled", "features")


class CriticLosses(NamedTuple):
    """Holds the losses of the critic and of the network that it judges.

    Each is a scalar, a mean over the real frames.

    Attributes:
        critic_loss: squared distance of the critic's judgements from 1 for recordings and from 0
            for predictions; its gradient reaches the critic only.
        generator_loss: squared distance of the critic's judgements of predictions from 1; its
            gradient reaches the prediction only.
        feature_loss: absolute difference between the critic's features of predictions and of
            recordings; its gradient reaches the prediction only.
    """

    critic_loss: Tensor
    generator_loss: Tensor
    feature_loss: Tensor

    def to_dict(self) -> dict[str, Tensor]:
        """Return the three scalars under their names in the logs."""
        return dict(zip(CRITIC_LOSSES, self, strict=True))

    def total(self, weight: float) -> Tensor:
        """Return the scalar that is added to the loss of Tacotron 2.

        Args:
            weight: weight of the two losses whose gradient reaches the prediction.
        """
        generator = self.generator_loss + _FEATURE_WEIGHT * self.feature_loss
        return weight * generator + _CRITIC_WEIGHT * self.critic_loss


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
        *target_features, judged_target = self(target, mask)
        judged_predicted = self(predicted.detach(), mask)[-1]
        # with detached weights the gradient of the next pass reaches the prediction only
        fixed = {name: value.detach() for name, value in self.named_parameters()}
        *predicted_features, judgement = functional_call(self, fixed, (predicted, mask))
        real = mask[:, None, None, :: _stride(mask, judged_target)].to(judged_target.dtype)

        def mean(x: Tensor) -> Tensor:
            # a layer has one frame for as many real frames as its stride
            return x.sum() * _stride(mask, x) / (n_frames * x.shape[1] * x.shape[2])

        return CriticLosses(
            critic_loss=(mean(judged_predicted.square()) + mean((judged_target - real).square()))
            / 2,
            generator_loss=mean((judgement - real).square()),
            feature_loss=torch.stack(
                [
                    mean((a - b.detach()).abs())
                    for a, b in zip(predicted_features, target_features, strict=True)
                ]
            ).mean(),
        )


def _stride(mask: Tensor, x: Tensor) -> int:
    """Return the ratio of the frames of ``(B, T_mel)`` to those of ``(B, C, bands, frames)``."""
    return -(-mask.shape[1] // x.shape[3])
