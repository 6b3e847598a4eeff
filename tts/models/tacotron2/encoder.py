"""Defines the encoder of Tacotron 2 (Shen et al., 2018, §2.2).

Shapes: ``B`` batch, ``T_text`` symbols.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from tts.models.layers import ConvBlock, sequence_mask
from tts.models.tacotron2.config import Tacotron2Config


class Encoder(nn.Module):
    """Encodes embedded symbols by convolutions and a bidirectional LSTM (§2.2).

    Args:
        config: sizes of the network.
    """

    def __init__(self, config: Tacotron2Config) -> None:
        super().__init__()
        width = config.encoder_embedding_dim
        inputs = [config.symbols_embedding_dim] + [width] * (config.encoder_n_convolutions - 1)
        self.convolutions = nn.ModuleList(
            ConvBlock(
                n_in,
                width,
                config.encoder_kernel_size,
                activation="relu",
                dropout=config.encoder_dropout,
            )
            for n_in in inputs
        )
        self.lstm = nn.LSTM(width, width // 2, batch_first=True, bidirectional=True)
        self.mask_convolutions = config.mask_convolutions

    def forward(self, embedded: Tensor, lengths: Tensor) -> Tensor:
        """Encode a batch of texts.

        Args:
            embedded: ``(B, T_text, symbols_embedding_dim)``.
            lengths: ``(B,)`` numbers of symbols.

        Returns:
            ``(B, T_text, encoder_embedding_dim)``, 0 on the padding.
        """
        x = embedded.transpose(1, 2)
        mask = sequence_mask(lengths, x.shape[2])[:, None] if self.mask_convolutions else None
        for block in self.convolutions:
            x = block(x, mask)
        packed = pack_padded_sequence(
            x.transpose(1, 2), lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        memory, _ = pad_packed_sequence(
            self.lstm(packed)[0], batch_first=True, total_length=embedded.shape[1]
        )
        return memory
