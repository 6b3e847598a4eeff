"""Defines the post-net of Tacotron 2 (Shen et al., 2018, §2.2).

Shapes: ``B`` batch, ``T_mel`` frames.
"""

from __future__ import annotations

from torch import Tensor, nn

from tts.models.layers import ConvBlock
from tts.models.tacotron2.config import Tacotron2Config


class Postnet(nn.Module):
    """Predicts the residual that is added to the decoder's spectrogram (§2.2).

    Args:
        config: sizes of the network; five convolutions by default.
    """

    def __init__(self, config: Tacotron2Config) -> None:
        super().__init__()
        n_layers, width = config.postnet_n_convolutions, config.postnet_embedding_dim
        dims = [config.n_mels, *[width] * (n_layers - 1), config.n_mels]
        self.convolutions = nn.ModuleList(
            ConvBlock(
                dims[i],
                dims[i + 1],
                config.postnet_kernel_size,
                activation="tanh" if i < n_layers - 1 else "linear",
                dropout=config.postnet_dropout,
            )
            for i in range(n_layers)
        )

    def forward(self, mel: Tensor, mask: Tensor | None) -> Tensor:
        """Return the residual of a spectrogram.

        Args:
            mel: ``(B, n_mels, T_mel)``, normalised as the decoder predicts it.
            mask: ``(B, 1, T_mel)``, True for real frames; None lets padding leak.

        Returns:
            ``(B, n_mels, T_mel)``.
        """
        for block in self.convolutions:
            mel = block(mel, mask)
        return mel
