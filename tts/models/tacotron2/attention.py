"""Defines the location-sensitive attention of Tacotron 2, and what it reads and remembers.

Source: Chorowski et al., 2015, §2.1; Shen et al., 2018, §2.2.

Shapes: ``B`` batch, ``T_text`` symbols.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tts.models.layers import xavier_conv, xavier_linear
from tts.models.tacotron2.config import Tacotron2Config


class Memory(NamedTuple):
    """Holds what every decoder step reads: the encoder outputs and what follows from them."""

    values: Tensor  # (B, T_text, memory_dim)
    keys: Tensor  # (B, attention_dim, T_text)
    bias: Tensor  # (B, T_text), 0 or minus infinity
    kernel: Tensor  # (attention_dim, 2, attention_location_kernel_size)

    @classmethod
    def joined(cls, memories: Sequence[Memory]) -> Memory:
        """Join memories of one text each into that of a batch."""
        width = max(memory.bias.shape[1] for memory in memories)
        values, keys, biases, kernels = zip(
            *(memory.padded_to(width) for memory in memories), strict=True
        )
        return cls(torch.cat(values), torch.cat(keys), torch.cat(biases), kernels[0])

    def padded_to(self, width: int) -> Memory:
        """Return a memory of this many symbols; nothing is read from those that are added."""
        missing = width - self.bias.shape[1]
        if not missing:
            return self
        return Memory(
            F.pad(self.values, (0, 0, 0, missing)),
            F.pad(self.keys, (0, missing)),
            F.pad(self.bias, (0, missing), value=float("-inf")),
            self.kernel,
        )


class AttentionState(NamedTuple):
    """Holds the recurrent state of the attention LSTM and of the attention itself."""

    hidden: Tensor  # (B, attention_rnn_dim)
    cell: Tensor  # (B, attention_rnn_dim)
    context: Tensor  # (B, memory_dim)
    weights: Tensor  # (B, 2, T_text), of the last step and their sum over all steps


class LocationAttention(nn.Module):
    """Computes additive attention that also depends on its earlier weights.

    The energies are ``e = v . tanh(W h + V m + U f)`` (Chorowski et al., 2015, §2.1), where
    ``f`` is a convolution over the last and the accumulated weights (Shen et al., 2018, §2.2). The
    convolution and the dense layer ``U`` are both linear, so they are applied as one kernel.

    Args:
        config: sizes of the network.
    """

    def __init__(self, config: Tacotron2Config) -> None:
        super().__init__()
        dim, n_filters = config.attention_dim, config.attention_location_n_filters
        self.query = xavier_linear(config.attention_rnn_dim, dim, bias=False, gain="tanh")
        self.memory = xavier_linear(config.memory_dim, dim, bias=False, gain="tanh")
        self.score = xavier_linear(dim, 1, bias=False)
        self.location_conv = xavier_conv(
            2, n_filters, config.attention_location_kernel_size, bias=False
        )
        self.location_dense = xavier_linear(n_filters, dim, bias=False, gain="tanh")

    def location_kernel(self) -> Tensor:
        """Return the location convolution with its dense layer as one kernel.

        The kernel is ``(attention_dim, 2, attention_location_kernel_size)``.
        """
        conv = self.location_conv.weight
        return (self.location_dense.weight @ conv.flatten(1)).view(-1, *conv.shape[1:])

    def forward(
        self, query: Tensor, keys: Tensor, bias: Tensor, kernel: Tensor, weights: Tensor
    ) -> Tensor:
        """Compute the attention weights of one step.

        Args:
            query: ``(B, attention_rnn_dim)``.
            keys: ``(B, attention_dim, T_text)``, the memory after its linear layer.
            bias: ``(B, T_text)``, 0 for real symbols, minus infinity on the padding.
            kernel: ``(attention_dim, 2, kernel_size)`` from :meth:`location_kernel`.
            weights: ``(B, 2, T_text)``, the weights of the last step and their sum over all steps.

        Returns:
            ``(B, T_text)`` weights that sum to 1 over the real symbols.
        """
        location = F.conv1d(weights, kernel, padding=kernel.shape[2] // 2)
        hidden = torch.tanh(location + keys + self.query(query)[:, :, None])
        energies = torch.matmul(self.score.weight, hidden).squeeze(1)
        return torch.softmax(energies + bias, dim=1)
