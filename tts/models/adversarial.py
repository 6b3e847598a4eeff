"""Defines what critics have in common: how they are trained, and how they train a network.

A critic is a second network, which exists in training only. It learns to distinguish recordings
from predictions, while the first network learns to make predictions that the critic takes for
recordings (Goodfellow et al., 2014, arXiv 1406.2661). The judgements are compared with a squared
error (Mao et al., 2017, arXiv 1611.04076). The features of the critic's layers are compared as well
(Larsen et al., 2016, arXiv 1512.09300, section 2.2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

#: Weight of the features relative to the judgement, and weight of the critic's own loss. The latter
#: has no gradient in the network, but it counts in the norm by which gradients are clipped.
_FEATURE_WEIGHT, _CRITIC_WEIGHT = 5.0, 0.1

#: Names of the losses in the logs (``train/loss_fooled``, ...), in the order of `CriticLosses`.
CRITIC_LOSSES = ("critic", "fooled", "features")


class CriticLosses(NamedTuple):
    """Holds the losses of the critic and of the network that it judges, scalars.

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
        """Return the scalar that is added to the loss of the network.

        Args:
            weight: weight of the two losses whose gradient reaches the prediction.
        """
        generator = self.generator_loss + _FEATURE_WEIGHT * self.feature_loss
        return weight * generator + _CRITIC_WEIGHT * self.critic_loss


def critic_losses(
    critic: nn.Module,
    predicted: Tensor,
    target: Tensor,
    real: Tensor | float,
    mean: Callable[[Tensor], Tensor],
    *context: Tensor,
) -> CriticLosses:
    """Let a critic judge predictions and recordings, and compute all losses.

    Args:
        critic: called with a prediction or a recording and ``context``; it returns the features of
            its layers, and last the judgement.
        predicted: what the network made.
        target: the recordings.
        real: the judgement that recordings should get: 1 where there is something to judge.
        mean: reduces a tensor of features or judgements to a scalar.
        *context: further arguments of the critic.
    """
    *target_features, judged_target = critic(target, *context)
    judged_predicted = critic(predicted.detach(), *context)[-1]
    # with detached weights the gradient of the next pass reaches the prediction only
    fixed = {name: value.detach() for name, value in critic.named_parameters()}
    *features, judgement = functional_call(critic, fixed, (predicted, *context))
    pairs = zip(features, target_features, strict=True)
    return CriticLosses(
        critic_loss=(mean(judged_predicted.square()) + mean((judged_target - real).square())) / 2,
        generator_loss=mean((judgement - real).square()),
        feature_loss=torch.stack([mean((a - b.detach()).abs()) for a, b in pairs]).mean(),
    )
