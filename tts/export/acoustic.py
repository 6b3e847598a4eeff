"""Divides Tacotron 2 into three modules for export: encoder, decoder step and post-net.

The runtime has the loop over decoder steps and draws the random numbers: the pre-net's dropout,
which is never off, is an input of two factors for each of its outputs. The decoder's frames are
normalised; the post-net returns a log-mel spectrogram.

Shapes: ``B`` batch, ``T_text`` symbols, ``T_mel`` frames.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tts.export.exported_module import ExportedModule, Sample, Shape
from tts.export.lstm import bilstm, onnx_weights
from tts.models import Tacotron2
from tts.models.layers import sequence_mask
from tts.models.log_mel_statistics import LOG_MEL_MEAN, LOG_MEL_STD
from tts.models.tacotron2.attention import AttentionState, Memory
from tts.models.tacotron2.decoder import DecoderState

#: Steps that the decoder takes before the step that is compared.
_STEPS = 3


def acoustic_modules(network: Tacotron2) -> list[ExportedModule]:
    """Return encoder, decoder step and post-net of a network in eval mode."""
    return [_encoder(network), _decoder_step(network), _postnet(network)]


class ExportedEncoder(nn.Module):
    """Turns symbol ids into the memory that every decoder step reads."""

    def __init__(self, network: Tacotron2) -> None:
        super().__init__()
        self.embedding, self.convolutions = network.embedding, network.encoder.convolutions
        self.attention_memory = network.decoder.attention.memory
        self.mask_convolutions = network.config.mask_convolutions
        self.speakers = network.speaker_embedding if network.config.n_speakers > 1 else None
        for name, weight in zip("wrb", onnx_weights(network.encoder.lstm), strict=True):
            self.register_buffer(name, weight)

    def forward(
        self, text: Tensor, text_lengths: Tensor, speakers: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Encode texts.

        Args:
            text: ``(B, T_text)`` symbol ids.
            text_lengths: ``(B,)``.
            speakers: ``(B,)`` numbers of the speakers, for a network with several.

        Returns:
            Values, keys and bias of `Memory`.
        """
        mask = sequence_mask(text_lengths, text.shape[1])
        x = self.embedding(text).transpose(1, 2)
        for block in self.convolutions:
            x = block(x, mask[:, None] if self.mask_convolutions else None)
        values = bilstm(x.transpose(1, 2), text_lengths, self.w, self.r, self.b)
        if self.speakers is not None:
            embedded = self.speakers(speakers)[:, None].expand(-1, text.shape[1], -1)
            values = torch.cat((values, embedded), 2)
        keys = self.attention_memory(values).transpose(1, 2)
        bias = torch.zeros_like(mask, dtype=values.dtype).masked_fill(~mask, float("-inf"))
        return values, keys, bias


class ExportedDecoderStep(nn.Module):
    """Computes one decoder step; its state and its random numbers are inputs."""

    kernel: Tensor

    def __init__(self, network: Tacotron2) -> None:
        super().__init__()
        self.decoder = network.decoder
        kernel = network.decoder.attention.location_kernel().detach()
        self.register_buffer("kernel", kernel)

    def forward(
        self,
        frame: Tensor,
        prenet_masks: Tensor,
        values: Tensor,
        keys: Tensor,
        bias: Tensor,
        attention_hidden: Tensor,
        attention_cell: Tensor,
        context: Tensor,
        attention_weights: Tensor,
        decoder_hidden: Tensor,
        decoder_cell: Tensor,
        pitch: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        """Compute one step; :func:`_decoder_step` has the shapes of all inputs and outputs."""
        for layer, mask in zip(self.decoder.prenet.layers, prenet_masks.unbind(), strict=True):
            frame = F.relu(layer(frame)) * mask
        attention = AttentionState(attention_hidden, attention_cell, context, attention_weights)
        last = DecoderState(attention, decoder_hidden, decoder_cell, pitch)
        memory = Memory(values, keys, bias, self.kernel)
        frames, gate_logits, new = self.decoder.advance(frame, last, memory)
        return frames, gate_logits, *_flat(new)


def _flat(state: DecoderState) -> tuple[Tensor, ...]:
    pitch = () if state.pitch is None else (state.pitch,)
    return (*state.attention, state.hidden, state.cell, *pitch)


def lstm_widths(module: nn.Module) -> set[int]:
    """Return the numbers of outputs of a module's LSTM cells, which have four gates each."""
    cells = (part for part in module.modules() if isinstance(part, nn.LSTMCell))
    return {4 * cell.hidden_size for cell in cells}


class ExportedPostnet(nn.Module):
    """Turns the decoder's frames into a log-mel spectrogram."""

    def __init__(self, network: Tacotron2) -> None:
        super().__init__()
        self.postnet, config = network.postnet, network.config
        self.mask_convolutions = config.mask_convolutions
        self.mean, self.std = config.mel_mean, config.mel_std

    def forward(self, frames: Tensor, mel_lengths: Tensor) -> tuple[Tensor]:
        """Turn frames ``(B, n_mels, T_mel)`` of lengths ``(B,)`` into log-mels, 0 on padding."""
        mask = sequence_mask(mel_lengths, frames.shape[2])[:, None]
        mel = frames + self.postnet(frames, mask if self.mask_convolutions else None)
        return ((mel * self.std + self.mean).masked_fill(~mask, 0.0),)


def _encoder(network: Tacotron2) -> ExportedModule:
    config = network.config
    several = config.n_speakers > 1
    inputs: dict[str, Shape] = {"text": ("B", "T_text"), "text_lengths": ("B",)}

    def sample(batch: int, length: int) -> Sample:
        inputs = _text(network, batch, length)
        memory = network.encode(*inputs)
        return Sample(inputs, (memory.values, memory.keys, memory.bias))

    return ExportedModule(
        "encoder",
        ExportedEncoder(network).eval(),
        {**inputs, "speakers": ("B",)} if several else inputs,
        _memory_shapes(network),
        sample,
    )


def _decoder_step(network: Tacotron2) -> ExportedModule:
    config = network.config
    state: dict[str, Shape] = {
        "attention_hidden": ("B", config.attention_rnn_dim),
        "attention_cell": ("B", config.attention_rnn_dim),
        "context": ("B", config.memory_dim),
        "attention_weights": ("B", 2, "T_text"),
        "decoder_hidden": ("B", config.decoder_rnn_dim),
        "decoder_cell": ("B", config.decoder_rnn_dim),
    }
    if config.pitch_bins:
        state["pitch"] = ("B", config.pitch_bins + 1)

    def sample(batch: int, length: int) -> Sample:
        memory = network.encode(*_text(network, batch, length))
        state, frame = network.decoder.initial_state(memory), _noise(batch, config.n_mels, seed=0)
        for seed in range(_STEPS):
            frames, _, state = network.decoder.step(frame, state, memory, _generator(seed))
            frame = frames[:, -1]
        masks = _prenet_masks(network, _generator(_STEPS)).expand(-1, batch, -1)
        inputs = (frame, masks, memory.values, memory.keys, memory.bias)
        frames, gate_logits, new = network.decoder.step(frame, state, memory, _generator(_STEPS))
        return Sample((*inputs, *_flat(state)), (frames, gate_logits, *_flat(new)))

    return ExportedModule(
        "decoder_step",
        ExportedDecoderStep(network).eval(),
        {
            "frame": ("B", config.n_mels),
            "prenet_masks": (2, "B", config.prenet_dim),
            **_memory_shapes(network),
            **state,
        },
        {
            "frames": ("B", config.n_frames_per_step, config.n_mels),
            "gate_logits": ("B", config.n_frames_per_step),
            **{f"next_{name}": shape for name, shape in state.items()},
        },
        sample,
    )


def _postnet(network: Tacotron2) -> ExportedModule:
    config = network.config
    shape: Shape = ("B", config.n_mels, "T_mel")

    def sample(batch: int, length: int) -> Sample:
        noise = _noise(batch, config.n_mels, length, seed=length)
        frames = (LOG_MEL_MEAN + LOG_MEL_STD * noise - config.mel_mean) / config.mel_std
        lengths = _lengths(batch, length)
        mask = sequence_mask(lengths, length)[:, None]
        mel = frames + network.postnet(frames, mask if config.mask_convolutions else None)
        mel = (mel * config.mel_std + config.mel_mean) * mask
        return Sample((frames, lengths), (mel,))

    module = ExportedPostnet(network).eval()
    return ExportedModule(
        "postnet", module, {"frames": shape, "mel_lengths": ("B",)}, {"mel": shape}, sample
    )


def _memory_shapes(network: Tacotron2) -> dict[str, Shape]:
    config = network.config
    return {
        "values": ("B", "T_text", config.memory_dim),
        "keys": ("B", config.attention_dim, "T_text"),
        "bias": ("B", "T_text"),
    }


def _text(network: Tacotron2, batch: int, length: int) -> tuple[Tensor, ...]:
    """Return random input of the encoder, in which every second utterance is shorter."""
    generator, config = _generator(length), network.config
    text = torch.randint(0, config.n_symbols, (batch, length), generator=generator)
    inputs = (text, _lengths(batch, length))
    if config.n_speakers == 1:
        return inputs
    return (*inputs, torch.randint(0, config.n_speakers, (batch,), generator=generator))


def _prenet_masks(network: Tacotron2, generator: torch.Generator) -> Tensor:
    """Return the factors ``(2, 1, prenet_dim)`` that `Prenet.step` draws."""
    keep = 1 - network.config.prenet_dropout
    # one layer at a time, as in `Prenet.step`, so that the random numbers are the same
    masks = [torch.empty(1, network.config.prenet_dim) for _ in range(2)]
    return torch.stack([mask.bernoulli_(keep, generator=generator) for mask in masks]) / keep


def _lengths(batch: int, length: int) -> Tensor:
    return torch.tensor([max(1, length - i % 2 * (length // 2)) for i in range(batch)])


def _noise(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=_generator(seed))


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
