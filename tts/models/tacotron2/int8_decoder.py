"""Quantizes the decoder's LSTMs to 8 bits, so that their weights fit the cache of a CPU.

At batch 1 the time of a decoder step is the time to read its weights: 72 MB of float32 in NVIDIA's
sizes, nearly all of them in the two LSTMs. Here each row of their weights is stored as 8-bit
integers and one scale; the largest weight of the row becomes 127. The state and all other layers
stay float32. This module defines the result; :mod:`tts.models.tacotron2.compiled_decoder` computes
it in generation. There the inputs of the products are rounded too, to about 13 bits. That changes
the result by a hundredth of what the rounding of the weights changes.

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
    """Computes an LSTM cell from weights that are rounded to 8 bits; for inference on a CPU.

    Args:
        cell: cell whose weights are copied and rounded; it does not change.
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
        """Compute one step.

        Args:
            inputs: ``(B, K)``.
            state: hidden state and cell, ``(B, H)`` each.

        Returns:
            The next hidden state and cell, ``(B, H)`` each.
        """
        hidden, cell = state
        gates = self.bias.repeat(len(inputs), 1)
        add_dequantized_product(gates, inputs, self.weight_ih, self.scale_ih)
        add_dequantized_product(gates, hidden, self.weight_hh, self.scale_hh)
        input_gate, forget_gate, new, output_gate = gates.chunk(4, 1)
        cell = forget_gate.sigmoid() * cell + input_gate.sigmoid() * new.tanh()
        return output_gate.sigmoid() * cell.tanh(), cell


def int8_decoder(network: Tacotron2) -> Tacotron2:
    """Return a copy of a network whose decoder uses 8-bit recurrent weights.

    Everything else is shared with the network. The copy cannot be trained or moved from the CPU.

    Args:
        network: network on a CPU, in float32.

    Raises:
        ValueError: the network is not on a CPU, or not in float32.
    """
    weight = network.decoder.attention_rnn.weight_ih
    if weight.device.type != "cpu" or weight.dtype != torch.float32:
        raise ValueError(
            f"int8 needs a float32 network on a CPU, not {weight.dtype} on {weight.device}"
        )
    quantized, decoder = copy.copy(network), copy.copy(network.decoder)
    # a shallow copy shares its dictionary of modules with the original
    quantized._modules, decoder._modules = dict(network._modules), dict(decoder._modules)
    cells: dict[str, nn.Module] = {
        name: Int8LSTMCell(getattr(network.decoder, name))
        for name in ("attention_rnn", "decoder_rnn")
    }
    decoder._modules.update(cells)
    quantized._modules["decoder"] = decoder
    return quantized.eval()


def quantized_rows(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Round each row of a matrix to 8-bit integers and one scale.

    Args:
        weight: ``(N, K)`` float32.

    Returns:
        ``(N, K)`` int8 and ``(N,)`` scales; their product is close to ``weight``.
    """
    scale = weight.abs().amax(1).clamp(min=torch.finfo(weight.dtype).tiny) / 127
    return (weight / scale[:, None]).round().to(torch.int8), scale


def add_dequantized_product(out: Tensor, x: Tensor, weight: Tensor, scale: Tensor) -> None:
    """Add a product with quantized weights to ``out``.

    Args:
        out: ``(B, N)``, changed in place.
        x: ``(B, K)``.
        weight: ``(N, K)`` int8 from :func:`quantized_rows`.
        scale: ``(N,)`` from :func:`quantized_rows`.
    """
    from tts.models.kernels import decoder_kernels

    total = torch.zeros_like(out)
    decoder_kernels.add_product(total.numpy(), x.contiguous().numpy(), weight.numpy())
    out.addcmul_(total, scale)
