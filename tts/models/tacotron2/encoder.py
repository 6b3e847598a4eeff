"""Defines the encoder of Tacotron 2 (Shen et al., 2018, §2.2).

Shapes: ``B`` batch, ``T_text`` symbols.
"""

from __future__ import annotations

import torch
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
        read = read_packed if x.device.type == "cpu" else read_padded
        return read(self.lstm, x.transpose(1, 2), lengths)


def read_packed(lstm: nn.LSTM, x: Tensor, lengths: Tensor) -> Tensor:
    """Apply a bidirectional LSTM to texts without their padding, the fastest way on a CPU.

    Packing needs the lengths on the host, so the host would wait for a GPU.

    Args:
        lstm: one layer, both directions, ``batch_first``.
        x: ``(B, T_text, n_in)``.
        lengths: ``(B,)``.

    Returns:
        ``(B, T_text, n_out)``, 0 on the padding.
    """
    packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
    memory, _ = pad_packed_sequence(lstm(packed)[0], batch_first=True, total_length=x.shape[1])
    return memory


def read_padded(lstm: nn.LSTM, x: Tensor, lengths: Tensor) -> Tensor:
    """Compute what :func:`read_packed` computes, without the lengths on the host.

    The backward direction reads each text reversed, from its own last symbol to its first. Then the
    padding comes last in both directions and changes nothing.
    """
    places = torch.arange(x.shape[1], device=x.device)
    is_real = places < lengths[:, None]
    reverse = torch.where(is_real, lengths[:, None] - 1 - places, places)[..., None]
    ahead = _one_direction(lstm, x, "")
    back = _one_direction(lstm, x.gather(1, reverse.expand_as(x)), "_reverse")
    memory = torch.cat((ahead, back.gather(1, reverse.expand_as(back))), 2)
    return memory.masked_fill(~is_real[..., None], 0.0)


def _one_direction(lstm: nn.LSTM, x: Tensor, suffix: str) -> Tensor:
    """Run the weights of one direction from left to right: ``(B, T_text, n_out / 2)``."""
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    weights = [getattr(lstm, f"{name}{suffix}") for name in names]
    state = x.new_zeros(1, len(x), lstm.hidden_size)
    return torch.lstm(x, [state, state], weights, True, 1, 0.0, lstm.training, False, True)[0]
