"""Defines the pre-net of Tacotron 2's decoder (Shen et al., 2018, §2.2).

Shapes: ``B`` batch, ``S`` decoder steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tts.models.kernels.products import dense
from tts.models.layers import xavier_linear
from tts.models.tacotron2.config import Tacotron2Config
from tts.models.tacotron2.prenet_dropout import FactorsAhead

#: Sources of dropout in generation: one for the batch, one for each utterance, or torch's own.
Generators = torch.Generator | Sequence[torch.Generator] | None


class Prenet(nn.Module):
    """Passes the last frame to the decoder through two narrow layers; its dropout is never off.

    The dropout is active in generation too (§2.2).

    Args:
        config: sizes of the network.
    """

    def __init__(self, config: Tacotron2Config) -> None:
        super().__init__()
        dims = [config.n_mels, config.prenet_dim, config.prenet_dim]
        self.layers = nn.ModuleList(
            xavier_linear(n_in, n_out, bias=False) for n_in, n_out in pairwise(dims)
        )
        self.width, self.dropout = config.prenet_dim, config.prenet_dropout

    def forward(self, frames: Tensor) -> Tensor:
        """Map ``(S, B, n_mels)`` frames to ``(S, B, prenet_dim)``.

        Each utterance gets its own dropout mask.
        """
        for layer in self.layers:
            frames = F.dropout(F.relu(dense(layer, frames)), p=self.dropout, training=True)
        return frames

    def step(self, frame: Tensor, generator: Generators | FactorsAhead) -> Tensor:
        """Map one frame ``(B, n_mels)`` to ``(B, prenet_dim)``.

        The utterances of a batch share one dropout mask, or have one generator each. So the result
        depends on the seed and not on the other utterances of the batch.

        Args:
            frame: ``(B, n_mels)``.
            generator: source of the dropout, or factors that were drawn before.
        """
        for layer in self.layers:
            frame = F.relu(layer(frame))
            frame = frame * self._dropout_scale(frame, generator)
        return frame

    def draw_ahead(self, generator: Generators, like: Tensor) -> FactorsAhead | None:
        """Return a source that draws for many steps, or None if nothing needs a generator.

        Args:
            generator: source of the dropout.
            like: a tensor of the type and on the device of the frames.
        """
        if generator is None or self.dropout == 0.0:
            return None
        generators = [generator] if isinstance(generator, torch.Generator) else generator
        return FactorsAhead(generators, self.width, len(self.layers), self.dropout, like)

    def factors(self, n_steps: int, generator: Generators | FactorsAhead, like: Tensor) -> Tensor:
        """Draw the dropout factors of some steps at once.

        Args:
            n_steps: number of steps, a divisor of ``STEPS_AHEAD``.
            generator: from :meth:`draw_ahead`; otherwise torch's own generator is used.
            like: a tensor of the type and on the device of the frames.

        Returns:
            ``(n_steps, 2, B or 1, prenet_dim)``.
        """
        if isinstance(generator, FactorsAhead):
            return generator.take_steps(n_steps)
        ones = like.new_ones(n_steps, len(self.layers), 1, self.width)
        return F.dropout(ones, p=self.dropout, training=True)

    def _dropout_scale(self, x: Tensor, generator: Generators | FactorsAhead) -> Tensor:
        """Draw dropout factors, 0 or ``1 / (1 - p)``, for ``x`` ``(B, dim)``.

        Returns:
            ``(1, dim)`` or, with one generator for each utterance, ``(B, dim)``.
        """
        if isinstance(generator, FactorsAhead):
            return generator.take()
        if generator is None or self.dropout == 0.0:
            return F.dropout(x.new_ones(1, x.shape[1]), p=self.dropout, training=True)
        generators = [generator] if isinstance(generator, torch.Generator) else generator
        # draw on the generator's device: then a seed gives the same factors on every device
        rows = [
            torch.empty(1, x.shape[1], device=g.device).bernoulli_(1 - self.dropout, generator=g)
            for g in generators
        ]
        return torch.cat(rows).to(x) / (1 - self.dropout)
