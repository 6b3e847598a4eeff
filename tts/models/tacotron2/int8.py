"""Tacotron 2 that decodes from 8-bit weights on a CPU: the recurrent weights fit the cache then.

At batch 1 a decoder step does nothing but read its weights, 72 MB of float32 in NVIDIA's sizes, of
which the two LSTMs have nearly all. Here each row of theirs is kept as 8-bit integers and one
scale (the largest weight is 127); the state and all other layers stay float32. Here is what that
means; :mod:`tts.models.tacotron2.compiled_decoder` speaks with it, and there what is multiplied
is rounded too, to 13 bits or so, which changes a hundredth of what the weights' rounding does.

Shapes: ``B`` batch, ``N`` rows, ``K`` columns, ``H`` hidden units.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from tts.models.tacotron2.network import Tacotron2


class Int8LSTMCell(nn.Module):
    """An LSTM cell with the weights of another one, rounded to 8 bits; for inference on a CPU.

    Args:
        cell: whose weights are taken over; not changed.
    """

    weight_ih: Tensor
    weight_hh: Tensor
    scale_ih: Tensor
    scale_hh: Tensor
    bias: Tensor

    def __init__(self, cell: nn.LSTMCell) -> None:
        super().__init__()
        for name in ("ih", "hh"):
            weight, scale = quantized_rows(getattr(cell, f"weight_{name}").detach().float())
            self.register_buffer(f"weight_{name}", weight)
            self.register_buffer(f"scale_{name}", scale)
        self.register_buffer("bias", (cell.bias_ih + cell.bias_hh).detach().float())

    def forward(self, inputs: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """``(B, K)`` and the state ``(B, H)`` twice -> the next state."""
        hidden, cell = state
        gates = self.bias.repeat(len(inputs), 1)
        add_dequantized_product(gates, inputs, self.weight_ih, self.scale_ih)
        add_dequantized_product(gates, hidden, self.weight_hh, self.scale_hh)
        keep_in, keep_cell, new, out = gates.chunk(4, 1)
        cell = keep_cell.sigmoid() * cell + keep_in.sigmoid() * new.tanh()
        return out.sigmoid() * cell.tanh(), cell


def int8_decoder(network: Tacotron2) -> Tacotron2:
    """A network that speaks from 8-bit recurrent weights; everything else is shared.

    It cannot be trained, or leave the CPU.

    Raises:
        ValueError: the network is not on a CPU, or not in float32.
    """
    weight = network.decoder.attention_rnn.weight_ih
    if weight.device.type != "cpu" or weight.dtype != torch.float32:
        raise ValueError(f"int8 is for float32 on a CPU, not {weight.dtype} on {weight.device}")
    quantized, decoder = copy.copy(network), copy.copy(network.decoder)
    # copies share their dictionaries of modules with the original
    quantized._modules, decoder._modules = dict(network._modules), dict(decoder._modules)
    cells: dict[str, nn.Module] = {
        name: Int8LSTMCell(getattr(network.decoder, name))
        for name in ("attention_rnn", "decoder_rnn")
    }
    decoder._modules.update(cells)
    quantized._modules["decoder"] = decoder
    return quantized.eval()


def quantized_rows(weight: Tensor) -> tuple[Tensor, Tensor]:
    """``(N, K)`` float32 -> ``(N, K)`` int8 and ``(N,)`` scales, whose product is near to it."""
    scale = weight.abs().amax(1).clamp(min=torch.finfo(weight.dtype).tiny) / 127
    return (weight / scale[:, None]).round().to(torch.int8), scale


def add_dequantized_product(out: Tensor, x: Tensor, weight: Tensor, scale: Tensor) -> None:
    """Add to ``(B, N)`` the product of ``(B, K)`` with what :func:`quantized_rows` made."""
    from tts.models.kernels import decoder_kernels

    total = torch.zeros_like(out)
    decoder_kernels.add_product(total.numpy(), x.contiguous().numpy(), weight.numpy())
    out.addcmul_(total, scale)
