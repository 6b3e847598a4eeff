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

#: Of log-mels, roughly: the critic sees numbers around 0.
_MEAN, _STD = -5.5, 2.1
#: Channels and strides (bands, frames) of the layers.
_LAYERS = ((32, (2, 1)), (64, (2, 2)), (64, (2, 2)), (64, (1, 1)))
_SLOPE = 0.2
#: What features weigh against the judgement. The critic's own loss does not pull at the network,
#: but it counts in the norm to which gradients are clipped.
_FEATURES, _CRITIC = 5.0, 0.1


class Verdict(NamedTuple):
    """What the two networks are told: scalars, means over the real frames.

    Attributes:
        critic: how far the critic is from telling recordings (1) from predictions (0).
        fooled: how far predictions are from passing for recordings.
        features: absolute difference of the critic's features of both.
    """

    critic: Tensor
    fooled: Tensor
    features: Tensor

    def total(self, weight: float) -> Tensor:
        """What is added to the loss; ``weight`` is that of the predictions' part in it."""
        return weight * (self.fooled + _FEATURES * self.features) + _CRITIC * self.critic


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
        x = (mel[:, None] - _MEAN) / _STD * real
        found = []
        for layer, (_, (_, stride)) in zip(self.layers, _LAYERS, strict=True):
            real = real[..., ::stride]
            x = F.leaky_relu(layer(x), _SLOPE) * real
            found.append(x)
        return [*found, self.judgement(x) * real]

    def judge(self, predicted: Tensor, target: Tensor, mask: Tensor, n_frames: Tensor) -> Verdict:
        """Compare predictions with recordings.

        The gradient of `Verdict.critic` reaches the critic alone, that of the others the
        prediction alone.

        Args:
            predicted: ``(B, n_mels, T_mel)`` log-mel spectrograms.
            target: of the same shape.
            mask: ``(B, T_mel)``, True where real; the rest has no influence.
            n_frames: scalar, what sums over frames are divided by.
        """
        with torch.autocast(target.device.type, enabled=False):
            wide = torch.promote_types(target.dtype, torch.float32)
            return self._judge(predicted.to(wide), target.to(wide), mask, n_frames)

    def _judge(self, predicted: Tensor, target: Tensor, mask: Tensor, n_frames: Tensor) -> Verdict:
        *theirs, believed = self(target, mask)
        doubted = self(predicted.detach(), mask)[-1]
        # the same weights without their gradients
        fixed = {name: value.detach() for name, value in self.named_parameters()}
        *ours, judgement = functional_call(self, fixed, (predicted, mask))
        real = mask[:, None, None, :: _stride(mask, believed)].to(believed.dtype)

        def mean(x: Tensor) -> Tensor:
            # of every layer there are as many frames as its stride leaves of the real ones
            return x.sum() * _stride(mask, x) / (n_frames * x.shape[1] * x.shape[2])

        return Verdict(
            critic=(mean(doubted.square()) + mean((believed - real).square())) / 2,
            fooled=mean((judgement - real).square()),
            features=torch.stack(
                [mean((a - b.detach()).abs()) for a, b in zip(ours, theirs, strict=True)]
            ).mean(),
        )


def _stride(mask: Tensor, x: Tensor) -> int:
    """Frames of ``mask`` ``(B, T_mel)`` for each of ``x`` ``(B, C, bands, frames)``."""
    return -(-mask.shape[1] // x.shape[3])
