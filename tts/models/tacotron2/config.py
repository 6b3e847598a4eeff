"""Sizes of Tacotron 2 and the named tuples that it returns.

Shapes: ``B`` batch, ``T_text`` symbols, ``T_mel`` frames.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import NamedTuple

from torch import Tensor

#: Options that mean nothing to a network without ``pitch_bins``.
PITCH_OPTIONS = (
    *("pitch_dim", "pitch_dropout", "pitch_low", "pitch_high"),
    *("sample_rate", "n_fft", "f_min", "f_max"),
)


@dataclass(frozen=True)
class Tacotron2Config:
    """Sizes and dropout rates of a network, under NVIDIA's names; the defaults are theirs.

    ``n_speakers`` above 1 gives the network a voice for each number: an embedding of
    ``speaker_embedding_dim`` is put beside every encoder output, as NVIDIA's Mellotron does (Valle
    et al., 2019, arXiv 1910.11997); with 1 there is no such weight.

    Five options are ours. ``mask_convolutions`` keeps padding out of convolutions and batch norm.
    ``mel_mean`` and ``mel_std``: the decoder works on ``(mel - mel_mean) / mel_std``, which saves
    a new network the hundreds of steps that it takes to find the level of a log-mel spectrogram.
    ``recurrence``: how the decoder is computed, teacher-forced or speaking: ``"fast"``, or
    ``"plain"``, step by step as it is defined; both give the same. ``pitch_bins`` above 0: the
    decoder says the pitch of a frame, between ``pitch_low`` and ``pitch_high`` Hz, before it draws
    it (:mod:`tts.models.tacotron2.pitch`); ``sample_rate``, ``n_fft``, ``f_min`` and ``f_max`` say
    what the bands of the mel are, which is where the pitch is read.

    Raises:
        ValueError: a size below 1, an even kernel, an odd encoder width, a rate outside [0, 1),
            a standard deviation that is not positive, an unknown recurrence, or pitches that are
            fewer than two or not in order.
    """

    n_symbols: int = 148
    n_mels: int = 80
    symbols_embedding_dim: int = 512
    encoder_kernel_size: int = 5
    encoder_n_convolutions: int = 3
    encoder_embedding_dim: int = 512
    attention_rnn_dim: int = 1024
    attention_dim: int = 128
    attention_location_n_filters: int = 32
    attention_location_kernel_size: int = 31
    decoder_rnn_dim: int = 1024
    prenet_dim: int = 256
    n_frames_per_step: int = 1
    postnet_embedding_dim: int = 512
    postnet_kernel_size: int = 5
    postnet_n_convolutions: int = 5
    encoder_dropout: float = 0.5
    prenet_dropout: float = 0.5
    p_attention_dropout: float = 0.1
    p_decoder_dropout: float = 0.1
    postnet_dropout: float = 0.5
    mask_convolutions: bool = True
    mel_mean: float = 0.0
    mel_std: float = 1.0
    recurrence: str = "fast"
    n_speakers: int = 1
    speaker_embedding_dim: int = 128
    pitch_bins: int = 0
    pitch_dim: int = 128
    pitch_dropout: float = 0.3
    pitch_low: float = 110.0
    pitch_high: float = 440.0
    sample_rate: int = 22050
    n_fft: int = 1024
    f_min: float = 0.0
    f_max: float = 8000.0

    @property
    def postnet_reach(self) -> int:
        """Frames on either side of a frame that the post-net looks at."""
        return self.postnet_n_convolutions * (self.postnet_kernel_size // 2)

    @property
    def memory_dim(self) -> int:
        """Width of what attention reads: encoder outputs, and the speaker if there are several."""
        speaker = self.speaker_embedding_dim if self.n_speakers > 1 else 0
        return self.encoder_embedding_dim + speaker

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type == "int" and value < 1 and field.name != "pitch_bins":
                raise ValueError(f"{field.name} must be at least 1, not {value}")
            if "dropout" in field.name and not 0.0 <= value < 1.0:
                raise ValueError(f"{field.name} must lie in [0, 1), not {value}")
            if field.name.endswith("kernel_size") and value % 2 == 0:
                raise ValueError(f"{field.name} must be odd to keep the length, not {value}")
        if self.recurrence not in ("fast", "plain"):
            raise ValueError(f"recurrence must be fast or plain, not {self.recurrence!r}")
        if self.pitch_bins and (self.pitch_bins < 2 or not 0 < self.pitch_low < self.pitch_high):
            raise ValueError(
                "pitch_bins must be 0 or at least 2, and pitch_low above 0 and below pitch_high; "
                f"they are {self.pitch_bins}, {self.pitch_low:g} and {self.pitch_high:g}"
            )
        if self.mel_std <= 0:
            raise ValueError(f"mel_std must be positive, not {self.mel_std}")
        if self.encoder_embedding_dim % 2:
            raise ValueError("encoder_embedding_dim must be even: its LSTM has two directions")


class Tacotron2Output(NamedTuple):
    """What the teacher-forced pass predicts; 0 (gate: 1000) on the padding.

    Attributes:
        mel: ``(B, n_mels, T_mel)`` before the post-net.
        mel_post: ``(B, n_mels, T_mel)`` after the post-net.
        gate_logits: ``(B, T_mel)``; above 0 means that the frame is the last.
        alignments: ``(B, T_mel, T_text)`` attention weights; each frame's sum to 1.
    """

    mel: Tensor
    mel_post: Tensor
    gate_logits: Tensor
    alignments: Tensor


class PitchedOutput(NamedTuple):
    """What the teacher-forced pass predicts in a network that tells the pitch.

    Attributes:
        mel: as in :class:`Tacotron2Output`, like the next three.
        mel_post: ``(B, n_mels, T_mel)``.
        gate_logits: ``(B, T_mel)``.
        alignments: ``(B, T_mel, T_text)``.
        pitch_logits: ``(B, T_mel, pitch_bins + 1)``, the last for frames without a pitch.
        pitch: codes of the true pitch, of the same shape, which the frames were drawn for.
    """

    mel: Tensor
    mel_post: Tensor
    gate_logits: Tensor
    alignments: Tensor
    pitch_logits: Tensor
    pitch: Tensor


class GeneratedMel(NamedTuple):
    """What free-running decoding gives; 0 (gate: 1000) beyond each utterance's length.

    Attributes:
        mel_post: ``(B, n_mels, T_mel)``.
        mel_lengths: ``(B,)`` frames, the one that ended it included.
        gate_logits: ``(B, T_mel)``.
        alignments: ``(B, T_mel, T_text)``.
        stop_reason: ``"gate"``, ``"attention"`` (see ``end_steps``) or ``"max_steps"`` for each.
    """

    mel_post: Tensor
    mel_lengths: Tensor
    gate_logits: Tensor
    alignments: Tensor
    stop_reason: tuple[str, ...]
