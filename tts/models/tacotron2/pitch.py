"""Adds pitch to the decoder of Tacotron 2, which then predicts it before each frame.

A network that is trained with a squared error and does not know the pitch predicts the mean over
all likely pitches. The harmonics of that mean are blurred, and the voice sounds whispered. A mean
of pitch values, however, is itself a pitch. Therefore, as an option (``pitch_bins``), the decoder
first predicts the pitch of each frame of a step, by classes as in CREPE (Kim et al., 2018, arXiv
1802.06182, §2.1), and then predicts the frame for that pitch: the true pitch in training, the
predicted one in generation. (Mellotron, Valle et al., 2019, arXiv 1910.11997, conditions
Tacotron 2 on a pitch from outside.)

The true pitch is estimated from the log-mel spectrogram itself, so no other input is needed: under
the usual mel contract its lower bands resolve the harmonics of voices above some 110 Hz.

Shapes: ``B`` batch, ``T_mel`` frames, ``S`` decoder steps, ``r`` frames of a step, ``K`` pitch
bins. A pitch code has ``K + 1`` entries that sum to 1: a peak around the pitch, or all weight in
the last entry for a frame without a pitch.
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

#: Standard deviation of the peak of a pitch code, in bins.
_PEAK_WIDTH = 1.0
#: Bands above this frequency do not resolve harmonics and are not used.
_HIGHEST_HZ = 1300.0
#: Bands of the moving average that gives the envelope: wider than the distance of harmonics.
_ENVELOPE_BANDS = 9
#: Cosine between a frame and the best template above which the frame counts as voiced.
_MIN_LIKENESS = 0.5
#: Added to the norm of a frame's detail, so that a frame without harmonics is like no template.
_NORM_FLOOR = 0.5
#: Harmonics above this frequency are left out of the templates.
_HARMONICS_HZ = 4000.0
#: Slaney's mel scale is linear below the break frequency and logarithmic above it.
_HZ_PER_MEL, _BREAK_HZ, _LOG_STEP = 200 / 3, 1000.0, math.log(6.4) / 27
#: Templates are small differences of large numbers, so they need float64. They are computed on the
#: CPU, also for a network that is built on the meta device.
_EXACT: dict[str, Any] = {"dtype": torch.float64, "device": "cpu"}


class PitchEstimator(nn.Module):
    """Estimates the pitch of log-mel frames by comparing them with templates of each pitch.

    Args:
        config: sizes of the network, with its pitch options and its mel bands.
    """

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
        """Estimate the pitch of each frame.

        Args:
            mel: ``(B, n_mels, T_mel)`` log-mel spectrograms.
            mask: ``(B, T_mel)``, True for real frames.

        Returns:
            Pitch codes ``(B, T_mel, K + 1)``.
        """
        with torch.autocast(mel.device.type, enabled=False):
            # half precision would move the estimate by a bin
            return self._estimate(mel[:, : self.n_bands].float(), mask)

    def _estimate(self, bands: Tensor, mask: Tensor) -> Tensor:
        """Estimate pitch codes from the lower bands ``(B, n_bands, T_mel)``."""
        detail = _detail(bands.transpose(1, 2))
        likeness = detail @ self.templates.t()
        likeness = likeness / (detail.norm(dim=2, keepdim=True) + _NORM_FLOOR)
        # the mean over neighbouring frames avoids octave errors
        likeness = _mean_of_three(likeness, mask)
        best, at = likeness.max(2)
        return pitch_code(_peak(likeness, at), (best > _MIN_LIKENESS) & mask, self.n_bins)


class PitchHead(nn.Module):
    """Predicts the pitch of each frame, and what the pitch changes in the frame.

    It is a part of the decoder.

    Args:
        config: sizes of the network.
    """

    def __init__(self, config: Tacotron2Config) -> None:
        super().__init__()
        self.n_frames, n_codes = config.n_frames_per_step, config.pitch_bins + 1
        out_dim = config.decoder_rnn_dim + config.memory_dim
        # the name is part of published checkpoints
        self.seen = nn.Linear(n_codes, config.prenet_dim, bias=False)
        self.logits = xavier_linear(out_dim, self.n_frames * n_codes)
        self.state = xavier_linear(out_dim, self.n_frames * config.pitch_dim, gain="relu")
        self.code = nn.Linear(n_codes, config.pitch_dim, bias=False)
        self.frames = xavier_linear(config.pitch_dim, config.n_mels)
        # with zeros a network that is warm-started from one without pitch gives the same output
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
        """Return the logits of the pitch classes.

        Args:
            outputs: ``(..., decoder_rnn_dim + memory_dim)`` of the decoder.

        Returns:
            ``(..., r, K + 1)``.
        """
        return dense(self.logits, outputs).view(*outputs.shape[:-1], self.n_frames, -1)

    def frame_offset(self, outputs: Tensor, codes: Tensor) -> Tensor:
        """Return what the pitch adds to the frames.

        Args:
            outputs: ``(..., decoder_rnn_dim + memory_dim)`` of the decoder.
            codes: ``(..., r, K + 1)`` pitch codes of the frames.

        Returns:
            ``(..., r, n_mels)``.
        """
        state = dense(self.state, outputs).view(*outputs.shape[:-1], self.n_frames, -1)
        return dense(self.frames, F.relu(state + dense(self.code, codes)))

    def best_code(self, logits: Tensor) -> Tensor:
        """Return the codes of the most probable pitches, for logits ``(..., K + 1)``."""
        shares = torch.softmax(logits.float(), -1)
        pitches = shares[..., :-1]
        at = _peak(pitches, pitches.argmax(-1), reach=2)
        return pitch_code(at, shares[..., -1] < 0.5, pitches.shape[-1]).to(logits)


def pitch_code(at: Tensor, voiced: Tensor, n_bins: int) -> Tensor:
    """Encode pitches as soft classes.

    Args:
        at: ``(...)`` pitches on the scale of bins, as real numbers from 0 to ``n_bins - 1``.
        voiced: ``(...)`` bool, whether there is a pitch.
        n_bins: ``K``.

    Returns:
        Pitch codes ``(..., K + 1)``.
    """
    distance = torch.arange(n_bins, device=at.device) - at[..., None]
    bump = torch.softmax(-distance.square() / (2 * _PEAK_WIDTH**2), -1)
    return torch.cat((bump * voiced[..., None], ~voiced[..., None]), -1)


def harmonic_templates(config: Tacotron2Config) -> Tensor:
    """Compute the log-mel frame of a sum of equal harmonics for each pitch bin.

    Args:
        config: sizes of the network, with its pitch options and its mel bands.

    Returns:
        ``(K, bands below 1300 Hz)``, float64.

    Raises:
        ValueError: fewer than three mel bands lie below 1300 Hz.
    """
    edges = _band_edges(config)
    n_bands = int((edges[1:-1] < _HIGHEST_HZ).sum())
    if n_bands < 3:
        raise ValueError(
            f"pitch_bins={config.pitch_bins}: {n_bands} mel bands below {_HIGHEST_HZ:g} Hz do not "
            "resolve a pitch; use more mel bands, or pitch_bins=0"
        )
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
    """Return the magnitude of a Hann window's transform at ``bins`` FFT bins from a sine."""
    return (torch.sinc(bins) / (1 - bins.square() + 1e-12)).abs()


def _band_edges(config: Tacotron2Config) -> Tensor:
    """Return the edges of the mel bands in Hz, ``(n_mels + 2,)``, as in :mod:`tts.audio`."""

    def to_mel(hz: float) -> float:
        if hz < _BREAK_HZ:
            return hz / _HZ_PER_MEL
        return _BREAK_HZ / _HZ_PER_MEL + math.log(hz / _BREAK_HZ) / _LOG_STEP

    ends = to_mel(config.f_min), to_mel(config.f_max)
    mel = torch.linspace(*ends, config.n_mels + 2, **_EXACT)
    above = _BREAK_HZ * torch.exp(_LOG_STEP * (mel - _BREAK_HZ / _HZ_PER_MEL))
    return torch.where(mel * _HZ_PER_MEL >= _BREAK_HZ, above, mel * _HZ_PER_MEL)


def _detail(bands: Tensor) -> Tensor:
    """Subtract the envelope from ``(..., bands)``; drop the lowest band, which has no harmonic."""
    reach = _ENVELOPE_BANDS // 2
    flat = bands.reshape(-1, 1, bands.shape[-1])
    padded = F.pad(flat, (reach, reach), mode="replicate")
    envelope = F.avg_pool1d(padded, _ENVELOPE_BANDS, stride=1).view_as(bands)
    return (bands - envelope)[..., 1:]


def _mean_of_three(frames: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of each frame of ``(B, T_mel, ·)`` and its real neighbours."""
    real = mask[:, None].to(frames.dtype)
    total, count = (
        F.avg_pool1d(x, 3, stride=1, padding=1)
        for x in ((frames * mask[..., None]).transpose(1, 2), real)
    )
    return (total / count.clamp(min=0.1)).transpose(1, 2)


def _peak(values: Tensor, at: Tensor, reach: int = 1) -> Tensor:
    """Return the centre of gravity of ``values`` around their largest entry.

    Args:
        values: ``(..., K)``.
        at: ``(...)`` index of the largest entry.
        reach: entries on either side that count.

    Returns:
        ``(...)`` real numbers from 0 to ``K - 1``.
    """
    n_bins = values.shape[-1]
    around = at[..., None] + torch.arange(-reach, reach + 1, device=at.device)
    inside = (around >= 0) & (around < n_bins)
    weights = values.gather(-1, around.clamp(0, n_bins - 1)) * inside
    # the smallest value is background, and has no weight
    weights = (weights - weights.amin(-1, keepdim=True)).clamp(min=0) + 1e-6 * inside
    return (weights * around).sum(-1) / weights.sum(-1)
