"""A critic of spectrograms: predictions that look like recordings, and not like their mean.

A squared error is least for the mean of everything that fits a text, and :func:`texture_loss` says
how much detail there should be, not what it looks like. A critic is a second network that learns to
tell recorded from predicted spectrograms while the first learns to pass for recorded (Goodfellow et
al., 2014, arXiv 1406.2661; in synthesis of speech: Kaneko et al., 2017, ICASSP). It judges small
patches (Isola et al., 2017, arXiv 1611.07004, section 2.2.2) by squares (Mao et al., 2017, arXiv
1611.04076), and the features by which it does are compared, too (Larsen et al., 2016, arXiv
1512.09300, section 2.2). It is there for training only.

Shapes: ``B`` batch, ``T_mel`` frames.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from tts.models.log_mel import LOG_MEL_MEAN, LOG_MEL_STD

#: Channels and strides (bands, frames) of the layers.
_LAYERS = ((32, (2, 1)), (64, (2, 2)), (64, (2, 2)), (64, (1, 1)))
_SLOPE = 0.2
#: What features weigh against the judgement. The critic's own loss does not pull at the network,
#: but it counts in the norm to which gradients are clipped.
_FEATURE_WEIGHT, _CRITIC_WEIGHT = 5.0, 0.1


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
        """Return the three scalars under their names in the logs (``train/loss_fooled``, ...)."""
        return {
            "critic": self.critic_loss,
            "fooled": self.generator_loss,
            "features": self.feature_loss,
        }

    def total(self, weight: float) -> Tensor:
        """Return the scalar that is added to the loss of Tacotron 2.

        Args:
            weight: weight of the two losses whose gradient reaches the prediction.
        """
        generator = self.generator_loss + _FEATURE_WEIGHT * self.feature_loss
        return weight * generator + _CRITIC_WEIGHT * self.critic_loss


class SpectrogramCritic(nn.Module):
    """Judges each patch of a log-mel spectrogram: 1 recorded, 0 predicted."""

    def __init__(self) -> None:
        super().__init__()
        n_in, layers = 1, []
        for n_out, stride in _LAYERS:
            layers.append(weight_norm(nn.Conv2d(n_in, n_out, 3, stride=stride, padding=1)))
            n_in = n_out
        self.layers = nn.ModuleList(layers)
        self.judgement = nn.Conv2d(n_in, 1, 3, padding=1)

    def forward(self, mel: Tensor, mask: Tensor) -> list[Tensor]:
        """Judge ``(B, n_mels, T_mel)``, of which ``mask`` ``(B, T_mel)`` tells the real frames.

        Returns:
            Features ``(B, C, bands, frames)`` of each layer, and last the judgement, with
            ``C = 1``; 0 where there is no real frame.
        """
        real = mask[:, None, None].to(mel.dtype)
        x = (mel[:, None] - LOG_MEL_MEAN) / LOG_MEL_STD * real
        found = []
        for layer, (_, (_, stride)) in zip(self.layers, _LAYERS, strict=True):
            real = real[..., ::stride]
            x = F.leaky_relu(layer(x), _SLOPE) * real
            found.append(x)
        return [*found, self.judgement(x) * real]

    def losses(
        self, predicted: Tensor, target: Tensor, mask: Tensor, n_frames: Tensor
    ) -> CriticLosses:
        """Compare predictions with recordings.

        The gradient of `critic_loss` reaches the critic alone, that of the others the
        prediction alone.

        Args:
            predicted: ``(B, n_mels, T_mel)`` log-mel spectrograms.
            target: of the same shape.
            mask: ``(B, T_mel)``, True where real; the rest has no influence.
            n_frames: scalar, what sums over frames are divided by.
        """
        with torch.autocast(target.device.type, enabled=False):
            wide = torch.promote_types(target.dtype, torch.float32)
            return self._losses(predicted.to(wide), target.to(wide), mask, n_frames)

    def _losses(
        self, predicted: Tensor, target: Tensor, mask: Tensor, n_frames: Tensor
    ) -> CriticLosses:
        *theirs, believed = self(target, mask)
        doubted = self(predicted.detach(), mask)[-1]
        # the same weights without their gradients
        fixed = {name: value.detach() for name, value in self.named_parameters()}
        *ours, judgement = functional_call(self, fixed, (predicted, mask))
        real = mask[:, None, None, :: _stride(mask, believed)].to(believed.dtype)

        def mean(x: Tensor) -> Tensor:
            # of every layer there are as many frames as its stride leaves of the real ones
            return x.sum() * _stride(mask, x) / (n_frames * x.shape[1] * x.shape[2])

        return CriticLosses(
            critic_loss=(mean(doubted.square()) + mean((believed - real).square())) / 2,
            generator_loss=mean((judgement - real).square()),
            feature_loss=torch.stack(
                [mean((a - b.detach()).abs()) for a, b in zip(ours, theirs, strict=True)]
            ).mean(),
        )


def _stride(mask: Tensor, x: Tensor) -> int:
    """Frames of ``mask`` ``(B, T_mel)`` for each of ``x`` ``(B, C, bands, frames)``."""
    return -(-mask.shape[1] // x.shape[3])
