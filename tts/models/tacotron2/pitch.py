"""Pitch beside the spectrogram: what the decoder says before it draws a frame.

A squared error makes a network that does not know the pitch draw the mean of all pitches, whose
harmonics are blurred: it sounds whispered. A mean of pitches, on the other hand, is a pitch. So,
as an option (``pitch_bins``), the decoder first predicts the pitch of each frame of a step, by
classes as in CREPE (Kim et al., 2018, arXiv 1802.06182, §2.1), and then draws the frame for that
pitch: the true one in training, the predicted one in speaking. (Mellotron, Valle et al., 2019,
arXiv 1910.11997, conditions Tacotron 2 on a pitch that is given from outside.)

The true pitch is read off the log-mel spectrogram itself, whose lower bands resolve the harmonics
of voices above some 110 Hz at the usual contract; no other input is needed.

Shapes: ``B`` batch, ``T_mel`` frames, ``S`` decoder steps, ``r`` frames of a step, ``K`` pitch
bins. A code has ``K + 1`` entries that sum to 1: a bump around the pitch, and the last for frames
without one.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tts.models.kernels.products import dense
from tts.models.layers import xavier_linear
from tts.models.tacotron2.config import Tacotron2Config

#: Width of the bump of a code, in bins.
_BUMP = 1.0
#: Bands above this frequency do not resolve harmonics, and are not looked at.
_HIGHEST_HZ = 1300.0
#: Bands over which the envelope is smooth, but the harmonics are not.
_ENVELOPE_BANDS = 9
#: Cosine between a frame and the best template above which it counts as voiced.
_VOICED = 0.5
#: Added to the length of a frame's detail: one flatter than this has no harmonics.
_FLAT = 0.5
#: The highest harmonics whose side lobes are put into a template.
_HARMONICS_HZ = 4000.0
#: Slaney's mel scale: linear up to the break, then logarithmic.
_HZ_PER_MEL, _BREAK_HZ, _LOG_STEP = 200 / 3, 1000.0, math.log(6.4) / 27
#: A template is a small difference of large numbers; it exists also where weights are not yet real.
_EXACT: dict[str, Any] = {"dtype": torch.float64, "device": "cpu"}


class PitchEstimator(nn.Module):
    """Reads the pitch off log-mel frames, by their likeness to harmonics of each possible pitch."""

    templates: Tensor

    def __init__(self, config: Tacotron2Config) -> None:
        super().__init__()
        self.n_bins = config.pitch_bins
        templates = harmonic_templates(config)
        self.n_bands = templates.shape[1]
        detail = _detail(templates)
        self.register_buffer("templates", F.normalize(detail, dim=1).float(), persistent=False)

    @torch.no_grad()
    def forward(self, mel: Tensor, mask: Tensor) -> Tensor:
        """Log-mel ``(B, n_mels, T_mel)``, mask ``(B, T_mel)`` -> codes ``(B, T_mel, K + 1)``."""
        with torch.autocast(mel.device.type, enabled=False):
            # a bin more or less is lost in half precision
            return self._read(mel[:, : self.n_bands].float(), mask)

    def _read(self, bands: Tensor, mask: Tensor) -> Tensor:
        detail = _detail(bands.transpose(1, 2))
        likeness = detail @ self.templates.t()
        likeness = likeness / (detail.norm(dim=2, keepdim=True) + _FLAT)
        # a glance at the neighbours settles which octave it is
        likeness = _mean_of_three(likeness, mask)
        best, at = likeness.max(2)
        return pitch_code(_peak(likeness, at), (best > _VOICED) & mask, self.n_bins)


class PitchHead(nn.Module):
    """The decoder's part in it: tells the pitch of each frame, and draws the frame for it."""

    def __init__(self, config: Tacotron2Config) -> None:
        super().__init__()
        self.n_frames, n_codes = config.n_frames_per_step, config.pitch_bins + 1
        out_dim = config.decoder_rnn_dim + config.memory_dim
        self.seen = nn.Linear(n_codes, config.prenet_dim, bias=False)
        self.logits = xavier_linear(out_dim, self.n_frames * n_codes)
        self.state = xavier_linear(out_dim, self.n_frames * config.pitch_dim, gain="relu")
        self.code = nn.Linear(n_codes, config.pitch_dim, bias=False)
        self.frames = xavier_linear(config.pitch_dim, config.n_mels)
        # a network that is warm-started without a pitch begins as it was
        for layer in (self.seen, self.frames):
            nn.init.zeros_(layer.weight)
        nn.init.zeros_(self.frames.bias)

    def prenet_input(self, code: Tensor) -> Tensor:
        """Return what the last frame's code ``(..., K + 1)`` adds to the pre-net's output.

        The result is ``(..., prenet_dim)``.
        """
        added: Tensor = self.seen(code)
        return added

    def pitch_logits(self, outputs: Tensor) -> Tensor:
        """``(..., decoder_rnn_dim + memory)`` -> logits ``(..., r, K + 1)``."""
        return dense(self.logits, outputs).view(*outputs.shape[:-1], self.n_frames, -1)

    def frame_offset(self, outputs: Tensor, codes: Tensor) -> Tensor:
        """What the codes ``(..., r, K + 1)`` add to the frames ``(..., r, n_mels)``."""
        told = dense(self.state, outputs).view(*outputs.shape[:-1], self.n_frames, -1)
        return dense(self.frames, F.relu(told + dense(self.code, codes)))

    def best_code(self, logits: Tensor) -> Tensor:
        """Logits ``(..., K + 1)`` -> the code of the most probable pitch, or of none."""
        shares = torch.softmax(logits.float(), -1)
        pitches = shares[..., :-1]
        at = _peak(pitches, pitches.argmax(-1), reach=2)
        return pitch_code(at, shares[..., -1] < 0.5, pitches.shape[-1]).to(logits)


def pitch_code(at: Tensor, voiced: Tensor, n_bins: int) -> Tensor:
    """``(...)`` places on the scale of bins, and whether there is a pitch -> ``(..., K + 1)``."""
    distance = torch.arange(n_bins, device=at.device) - at[..., None]
    bump = torch.softmax(-distance.square() / (2 * _BUMP**2), -1)
    return torch.cat((bump * voiced[..., None], ~voiced[..., None]), -1)


def harmonic_templates(config: Tacotron2Config) -> Tensor:
    """Log-mel of a sum of equal harmonics for each bin: ``(K, bands below 1300 Hz)``, float64.

    Raises:
        ValueError: there are hardly any such bands.
    """
    edges = _band_edges(config)
    n_bands = int((edges[1:-1] < _HIGHEST_HZ).sum())
    if n_bands < 3:
        raise ValueError(f"pitch_bins: {n_bands} mel bands below {_HIGHEST_HZ:g} Hz show no pitch")
    hz = torch.arange(config.n_fft // 2 + 1, **_EXACT)
    hz *= config.sample_rate / config.n_fft
    low, peak, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    bands = torch.minimum((hz - low) / (peak - low), (high - hz) / (high - peak)).clamp(min=0)
    bands *= 2 / (high - low)
    ratio = config.pitch_high / config.pitch_low
    steps = torch.arange(config.pitch_bins, **_EXACT) / (config.pitch_bins - 1)
    spectra = []
    for pitch in (config.pitch_low * ratio**steps).tolist():
        harmonics = pitch * torch.arange(1, int(_HARMONICS_HZ / pitch) + 1, **_EXACT)
        distance = (hz - harmonics[:, None]) / (config.sample_rate / config.n_fft)
        spectra.append(_hann_response(distance).sum(0))
    mel = torch.stack(spectra) @ bands[:n_bands].t()
    return mel.clamp(min=1e-7).log()


def _hann_response(bins: Tensor) -> Tensor:
    """Magnitude of a Hann window's transform, at so many bins from a sine."""
    return (torch.sinc(bins) / (1 - bins.square() + 1e-12)).abs()


def _band_edges(config: Tacotron2Config) -> Tensor:
    """Edges of the mel bands in Hz, ``(n_mels + 2,)``, as :mod:`tts.audio` has them."""

    def to_mel(hz: float) -> float:
        if hz < _BREAK_HZ:
            return hz / _HZ_PER_MEL
        return _BREAK_HZ / _HZ_PER_MEL + math.log(hz / _BREAK_HZ) / _LOG_STEP

    ends = to_mel(config.f_min), to_mel(config.f_max)
    mel = torch.linspace(*ends, config.n_mels + 2, **_EXACT)
    above = _BREAK_HZ * torch.exp(_LOG_STEP * (mel - _BREAK_HZ / _HZ_PER_MEL))
    return torch.where(mel * _HZ_PER_MEL >= _BREAK_HZ, above, mel * _HZ_PER_MEL)


def _detail(bands: Tensor) -> Tensor:
    """``(..., bands)`` without their envelope; the lowest, which has no harmonic, left out."""
    reach = _ENVELOPE_BANDS // 2
    flat = bands.reshape(-1, 1, bands.shape[-1])
    padded = F.pad(flat, (reach, reach), mode="replicate")
    envelope = F.avg_pool1d(padded, _ENVELOPE_BANDS, stride=1).view_as(bands)
    return (bands - envelope)[..., 1:]


def _mean_of_three(frames: Tensor, mask: Tensor) -> Tensor:
    """Of each of ``(B, T_mel, ·)`` and the real ones of its two neighbours."""
    real = mask[:, None].to(frames.dtype)
    total, count = (
        F.avg_pool1d(x, 3, stride=1, padding=1)
        for x in ((frames * mask[..., None]).transpose(1, 2), real)
    )
    return (total / count.clamp(min=0.1)).transpose(1, 2)


def _peak(values: Tensor, at: Tensor, reach: int = 1) -> Tensor:
    """Centre of gravity of ``values`` ``(..., K)`` around their largest, at ``at`` ``(...)``."""
    n_bins = values.shape[-1]
    around = at[..., None] + torch.arange(-reach, reach + 1, device=at.device)
    inside = (around >= 0) & (around < n_bins)
    weights = values.gather(-1, around.clamp(0, n_bins - 1)) * inside
    # likeness has a floor that says nothing
    weights = (weights - weights.amin(-1, keepdim=True)).clamp(min=0) + 1e-6 * inside
    return (weights * around).sum(-1) / weights.sum(-1)
