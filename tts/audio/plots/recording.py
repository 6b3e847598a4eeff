"""Draws the steps from a recording to its features: ``python -m tts.audio.plot IN.wav OUT.png``.

One picture shows them in the order of the computation: waveform, one frame and its spectrum, the
spectra of all frames (STFT), their mel bands, the mel-frequency cepstral coefficients. Each panel
explains itself to a reader who sees such a picture for the first time. The numbers are those of
``MelConfig``.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tts.audio.config import MelConfig
from tts.audio.io import read_wave
from tts.audio.mel_bands import band_edges
from tts.audio.plots.figures import (
    ACCENT,
    LINE,
    MUTED,
    headline,
    label_bands,
    new_figure,
    save_figure,
    show_over_time,
)
from tts.core.errors import InputError
from tts.core.output import LogHandler, print_error, print_line, protect_streams

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_N_MFCC = 20
# Lower levels are drawn in black. 16-bit rounding noise is about 15 dB lower
_FLOOR_DB = -100.0


@dataclass(frozen=True)
class _Features:
    """Holds everything that the picture shows; spectra are ``(rows, T_mel)``."""

    config: MelConfig
    wave: NDArray[np.float32]
    decibels: NDArray[np.float32]
    band_decibels: NDArray[np.float32]
    mel: NDArray[np.float32]
    mfcc: NDArray[np.float32]
    frame: int

    @property
    def hop_seconds(self) -> float:
        return self.config.hop_length / self.config.sample_rate

    @property
    def duration(self) -> float:
        return len(self.wave) / self.config.sample_rate


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 after a one-line error message."""
    arguments = _parser().parse_args(argv)
    protect_streams()
    logging.basicConfig(level=logging.INFO, handlers=[LogHandler()])
    try:
        config = MelConfig()
        wave, _ = read_wave(arguments.wav, config.sample_rate, resample=True, mix_down=True)
        if len(wave) < config.n_fft:
            shortest = 1000 * config.n_fft / config.sample_rate
            raise InputError(f"{arguments.wav}: too short for a picture; needs {shortest:.0f} ms")
        save_figure(wave_figure(wave, config, arguments.wav.name, arguments.at), arguments.png)
    except InputError as error:
        print_error(f"error: {error}")
        return 2
    print_line(str(arguments.png))
    return 0


def wave_figure(
    wave: NDArray[np.float32], config: MelConfig, title: str, at: float | None = None
) -> Figure:
    """Draw waveform, spectrum of one frame, STFT, mel spectrogram and MFCC in one picture.

    Args:
        wave: ``(T_wave,)`` in [-1, 1] at the rate of ``config``.
        config: the mel contract.
        title: headline, for instance the name of the file.
        at: time of the frame to show, seconds; the default is the loudest frame.

    Raises:
        InputError: ``at`` lies outside the recording.
    """
    features = _analyse(wave, config, at)
    seconds = f"{features.duration:.2f} s at {config.sample_rate / 1000:g} kHz"
    figure = new_figure(13, 17, f"{title}: {seconds}", gap=0.12)
    grid = figure.add_gridspec(5, 2, width_ratios=(1, 1.6), height_ratios=(0.8, 1, 1.3, 1.2, 1))
    wide = [figure.add_subplot(grid[row, :]) for row in (0, 2, 3, 4)]
    _draw_waveform(wide[0], features)
    _draw_frame(figure.add_subplot(grid[1, 0]), features)
    _draw_spectrum(figure.add_subplot(grid[1, 1]), features)
    _draw_stft(figure, wide[1], features)
    _draw_mel(figure, wide[2], features)
    _draw_mfcc(figure, wide[3], features)
    for axes in wide:
        axes.set_xlim(0, features.duration)
    wide[-1].set_xlabel("time (s)")
    return figure


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tts.audio.plot",
        description="Draw a recording as waveform, spectrum of one frame, STFT spectrogram, mel "
        "spectrogram and MFCC in one picture. Any rate is converted to 22050 Hz.",
    )
    parser.add_argument("wav", type=Path, metavar="IN.wav", help="WAV, FLAC, OGG or MP3")
    parser.add_argument("png", type=Path, metavar="OUT.png", help="the picture to write")
    parser.add_argument(
        "--at",
        type=float,
        metavar="SECONDS",
        help="time of the frame whose spectrum is shown (default: the loudest frame)",
    )
    return parser


def _analyse(wave: NDArray[np.float32], config: MelConfig, at: float | None) -> _Features:
    import torch

    from tts.audio.mel import LogMel
    from tts.audio.mfcc import MFCC

    duration = len(wave) / config.sample_rate
    if at is not None and not 0 <= at <= duration:
        raise InputError(f"--at {at:g} is outside the recording, which has {duration:.2f} s")
    samples = torch.from_numpy(wave)
    front_end, cepstrum = LogMel(config), MFCC(config, min(_N_MFCC, config.n_mels))
    magnitude = front_end.magnitude(samples)[0]
    # Bands are weighted sums; divided by their weights they can be compared with frequencies
    bands = front_end.mel_basis @ magnitude / front_end.mel_basis.sum(1, keepdim=True).clamp(1e-9)
    loudest = int(magnitude.square().sum(0).argmax())
    frame = loudest if at is None else round(at * config.sample_rate / config.hop_length)
    return _Features(
        config=config,
        wave=wave,
        decibels=_decibels(magnitude.numpy(), config),
        band_decibels=_decibels(bands.numpy(), config),
        mel=front_end(samples)[0].numpy(),
        mfcc=cepstrum(samples)[0].numpy(),
        frame=min(frame, magnitude.shape[1] - 1),
    )


def _decibels(magnitude: NDArray[np.float32], config: MelConfig) -> NDArray[np.float32]:
    """Return magnitudes in dB relative to a sine of full scale.

    The peak of such a sine is half the sum of the window.
    """
    full_scale = config.win_length / 4  # a Hann window sums to half its length
    level: NDArray[np.float32] = np.maximum(
        20 * np.log10(np.maximum(magnitude / full_scale, 1e-9)), _FLOOR_DB
    )
    return level


def _draw_waveform(axes: Axes, features: _Features) -> None:
    time = np.arange(len(features.wave)) / features.config.sample_rate
    axes.plot(time, features.wave, color=LINE, linewidth=0.4)
    _mark_frame(axes, features, ACCENT)
    limit = max(0.01, 1.05 * float(np.abs(features.wave).max()))
    axes.set(ylabel="amplitude", ylim=(-limit, limit))
    axes.spines[["top", "right"]].set_visible(False)
    headline(
        axes, "Waveform", "air pressure over time, 1 is full scale; the line marks the frame below"
    )


def _draw_frame(axes: Axes, features: _Features) -> None:
    config = features.config
    half = config.win_length // 2
    padded = np.pad(features.wave, half, mode="reflect")
    start = features.frame * config.hop_length
    samples = padded[start : start + config.win_length]
    window = np.hanning(config.win_length + 1)[:-1]
    milliseconds = np.arange(len(samples)) / config.sample_rate * 1000
    axes.plot(milliseconds, samples, color=MUTED, linewidth=0.7, label="samples")
    axes.plot(
        milliseconds, samples * window, color=ACCENT, linewidth=1, label="under a Hann window"
    )
    axes.set(xlabel="time in the frame (ms)", ylabel="amplitude", xlim=(0, milliseconds[-1]))
    _legend(axes)
    headline(axes, "One frame", f"{config.win_length} samples, faded in and out")


def _draw_spectrum(axes: Axes, features: _Features) -> None:
    config = features.config
    kilohertz = np.arange(config.n_fft // 2 + 1) * config.sample_rate / config.n_fft / 1000
    axes.plot(
        kilohertz, features.decibels[:, features.frame], color=ACCENT, linewidth=0.9, label="STFT"
    )
    axes.plot(
        band_edges(config)[1:-1] / 1000,
        features.band_decibels[:, features.frame],
        color=LINE,
        marker="o",
        markersize=2.5,
        linewidth=0.8,
        label=f"{config.n_mels} mel bands",
    )
    axes.set(xlabel="frequency (kHz)", ylabel="level (dB)", xlim=(0, kilohertz[-1]))
    _legend(axes)
    headline(
        axes, "Its spectrum", "how strong each frequency is; the comb of peaks comes from the pitch"
    )


def _draw_stft(figure: Figure, axes: Axes, features: _Features) -> None:
    config = features.config
    top = config.sample_rate / 2000
    loudest = float(features.decibels.max())
    image = show_over_time(
        axes, features.decibels, features.hop_seconds, top, vmin=loudest - 80, vmax=loudest
    )
    _mark_frame(axes, features)
    axes.set_ylabel("frequency (kHz)")
    figure.colorbar(image, ax=axes, label="level (dB)", pad=0.01)
    hop = f"{1000 * features.hop_seconds:.1f} ms"
    headline(
        axes, "STFT spectrogram", f"such a spectrum every {hop}, as colours; stripes are harmonics"
    )


def _draw_mel(figure: Figure, axes: Axes, features: _Features) -> None:
    config = features.config
    image = show_over_time(axes, features.mel, features.hop_seconds, vmin=config.silence)
    _mark_frame(axes, features)
    label_bands(axes, config)
    figure.colorbar(image, ax=axes, label="log magnitude (ln)", pad=0.01)
    headline(
        axes,
        "Mel spectrogram",
        f"{config.n_mels} bands spaced as the ear hears; what Tacotron 2 writes and WaveGlow reads",
    )


def _draw_mfcc(figure: Figure, axes: Axes, features: _Features) -> None:
    # Coefficient 0 is the loudness. It is ten times larger than the rest and would hide them
    shape = features.mfcc[1:]
    limit = max(0.1, float(np.quantile(np.abs(shape), 0.98)))
    image = show_over_time(
        axes, shape, features.hop_seconds, cmap="RdBu_r", vmin=-limit, vmax=limit
    )
    _mark_frame(axes, features, ACCENT)
    axes.set_ylabel("coefficient")
    axes.set_yticks(
        np.arange(0, len(shape), 3) + 0.5, [str(row) for row in range(1, len(shape) + 1, 3)]
    )
    figure.colorbar(image, ax=axes, label="value", pad=0.01)
    headline(
        axes,
        "MFCC",
        "each mel column as cosines: low rows coarse shape, high rows detail (without 0, loudness)",
    )


def _legend(axes: Axes) -> None:
    axes.legend(loc="upper right", fontsize=8, framealpha=0.85, edgecolor="none")
    axes.spines[["top", "right"]].set_visible(False)


def _mark_frame(axes: Axes, features: _Features, color: str = "white") -> None:
    time = features.frame * features.hop_seconds
    axes.axvline(time, color=color, linewidth=0.9, linestyle="--" if color == "white" else "-")
