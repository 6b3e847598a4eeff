"""Defines the sizes of Tacotron 2 and the named tuples that it returns.

Shapes: ``B`` batch, ``T_text`` symbols, ``T_mel`` frames.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

#: Values of the options that are words.
CHOICES = {"recurrence": ("fast", "plain"), "runner": ("auto", "eager", "graphs")}
#: Options that have no effect on a network with ``pitch_bins=0``.
PITCH_OPTIONS = (
    *("pitch_dim", "pitch_dropout", "pitch_low", "pitch_high"),
    *("sample_rate", "n_fft", "f_min", "f_max"),
)


@dataclass(frozen=True)
class Tacotron2Config:
    """Holds the sizes and dropout rates of a network, under NVIDIA's names and with their defaults.

    With ``n_speakers`` above 1 the network has one voice for each speaker number. It appends an
    embedding of ``speaker_embedding_dim`` to every encoder output, as NVIDIA's Mellotron does
    (Valle et al., 2019, arXiv 1910.11997). With 1 speaker there is no such weight.

    The following options are not in NVIDIA's implementation:

    * ``mask_convolutions`` keeps padding out of convolutions and batch norm.
    * ``mel_mean`` and ``mel_std``: the decoder works on ``(mel - mel_mean) / mel_std``. A new
      network needs hundreds of steps to learn the level of a log-mel spectrogram; this saves them.
    * ``recurrence`` selects how the decoder is computed, in training and in generation:
      ``"plain"`` runs step by step, as the decoder is defined, and ``"fast"`` gives the same
      result in less time.
    * ``runner`` selects how the steps of ``recurrence="fast"`` are started: ``"eager"`` starts one
      operation after the other, and ``"graphs"`` records many steps as a graph of the GPU and
      starts them together (:mod:`tts.models.kernels.runner`). ``"auto"`` uses graphs on GPUs of
      the type ``cuda`` only.
    * ``pitch_bins`` above 0: the decoder predicts the pitch of a frame, between ``pitch_low`` and
      ``pitch_high`` Hz, before it predicts the frame (:mod:`tts.models.tacotron2.pitch`).
    * ``sample_rate``, ``n_fft``, ``f_min`` and ``f_max`` repeat a part of the mel contract. A
      network with pitch needs them because it estimates the true pitch from the mel bands. They
      are fields here, and not in an object of their own, because a checkpoint stores these fields
      under these names in one flat mapping, and must still load.

    Raises:
        ValueError: a value has the wrong type, a size is below 1, a kernel is even, the encoder
            width is odd, a rate is outside [0, 1), ``mel_std`` or a pitch is not above 0, the
            recurrence or the runner is unknown, there is only one pitch bin, or the pitches are not
            in order.
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
    runner: str = "auto"
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
        """Return how many frames on either side of a frame the post-net depends on."""
        return self.postnet_n_convolutions * (self.postnet_kernel_size // 2)

    @property
    def memory_dim(self) -> int:
        """Return the width of the memory: the encoder output, plus the embedding of the speaker."""
        speaker = self.speaker_embedding_dim if self.n_speakers > 1 else 0
        return self.encoder_embedding_dim + speaker

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            is_legal, legal = self._range(field.name, field.type, value)
            if not is_legal:
                raise ValueError(f"{field.name}={_as_typed(value)}: it must be {legal}")
        if self.pitch_bins and (self.pitch_bins < 2 or not self.pitch_low < self.pitch_high):
            raise ValueError(
                f"pitch_bins={self.pitch_bins}: it must be 0 or at least 2, and pitch_low below "
                f"pitch_high; these are {self.pitch_low:g} and {self.pitch_high:g}"
            )
        if self.encoder_embedding_dim % 2:
            raise ValueError(
                f"encoder_embedding_dim={self.encoder_embedding_dim}: it must be even, as its LSTM "
                "has two directions"
            )

    @staticmethod
    def _range(name: str, kind: Any, value: Any) -> tuple[bool, str]:
        """Return whether a field may have this value, and a description of the legal values."""
        if kind == "bool":
            return isinstance(value, bool), "true or false"
        if kind == "str":
            return value in CHOICES[name], f"one of {', '.join(CHOICES[name])}"
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if name.endswith("kernel_size"):
            return is_whole and value > 0 and value % 2 == 1, "odd and above 0, to keep the length"
        if kind == "int":
            least = 0 if name == "pitch_bins" else 1
            return is_whole and value >= least, f"a whole number, {least} or more"
        is_number = is_whole or (isinstance(value, float) and isfinite(value))
        if "dropout" in name:
            return is_number and 0 <= value < 1, "a number from 0 to below 1"
        if name in ("mel_std", "pitch_low", "pitch_high"):
            return is_number and value > 0, "a number above 0"
        return is_number, "a number"


class Tacotron2Output(NamedTuple):
    """Holds the predictions of the teacher-forced pass; 0 (gate: 1000) on the padding.

    Attributes:
        mel: ``(B, n_mels, T_mel)`` before the post-net.
        mel_post: ``(B, n_mels, T_mel)`` after the post-net.
        gate_logits: ``(B, T_mel)``; above 0 means that the frame is the last.
        alignments: ``(B, T_mel, T_text)`` attention weights; those of each frame sum to 1.
    """

    mel: Tensor
    mel_post: Tensor
    gate_logits: Tensor
    alignments: Tensor


class PitchedOutput(NamedTuple):
    """Holds the predictions of the teacher-forced pass of a network with pitch.

    The first four fields are those of :class:`Tacotron2Output`.

    Attributes:
        mel: ``(B, n_mels, T_mel)`` before the post-net.
        mel_post: ``(B, n_mels, T_mel)`` after the post-net.
        gate_logits: ``(B, T_mel)``.
        alignments: ``(B, T_mel, T_text)``.
        pitch_logits: ``(B, T_mel, pitch_bins + 1)``; the last class means "no pitch".
        pitch: codes of the true pitch, of the same shape. The frames are predicted for them.
    """

    mel: Tensor
    mel_post: Tensor
    gate_logits: Tensor
    alignments: Tensor
    pitch_logits: Tensor
    pitch: Tensor


class GeneratedMel(NamedTuple):
    """Holds the result of free-running decoding; 0 (gate: 1000) after the end of each utterance.

    Attributes:
        mel_post: ``(B, n_mels, T_mel)`` after the post-net.
        mel_lengths: ``(B,)`` numbers of frames, with the frame at which the gate fired.
        gate_logits: ``(B, T_mel)``.
        alignments: ``(B, T_mel, T_text)``.
        stop_reason: for each utterance ``"gate"``, ``"attention"`` (see ``end_steps`` of
            :meth:`Tacotron2.generate`), ``"max_steps"``, or ``"given_up"``.
    """

    mel_post: Tensor
    mel_lengths: Tensor
    gate_logits: Tensor
    alignments: Tensor
    stop_reason: tuple[str, ...]


def _as_typed(value: Any) -> str:
    """Return a value as a user types it in an option."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
