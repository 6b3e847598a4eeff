"""Measures how fast the networks speak, with torch's own settings, as ``synthesize.py`` does."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from bench.gpu.rows import Value
from bench.gpu.work import Bench, seconds_of
from tts.models import Tacotron2

#: Symbols of the text that is spoken.
SYMBOLS = 128


def speaking(bench: Bench) -> Iterator[tuple[str, Value]]:
    """Yield the times of a decoder step, of the sound, and of both together."""
    n_frames = bench.sizes.frames
    acoustic = bench.acoustic().to(bench.device).eval()

    def decode(n_texts: int, acoustic: Tacotron2 = acoustic) -> torch.Tensor:
        text = torch.randint(1, 148, (n_texts, SYMBOLS), generator=torch.Generator().manual_seed(5))
        lengths = torch.full((n_texts,), SYMBOLS)
        mel: torch.Tensor = acoustic.generate(
            text.to(bench.device),
            lengths.to(bench.device),
            max_steps=n_frames,
            gate_threshold=1.0,
            generator=torch.Generator().manual_seed(6),
        ).mel_post
        return mel

    one = seconds_of(bench, lambda: decode(1))
    yield "step", Value(1000 * one / n_frames)
    many = seconds_of(bench, lambda: decode(bench.sizes.texts))
    yield "step-16", Value(1000 * many / n_frames)
    eager = bench.acoustic(runner="eager").to(bench.device).eval()
    yield "step-eager", Value(1000 * seconds_of(bench, lambda: decode(1, eager)) / n_frames)
    network = bench.vocoder().to(bench.device).eval()
    network.remove_weight_norm()
    mel = decode(1)
    wave = seconds_of(bench, lambda: network.inverse(mel, sigma=0.6))
    yield "wave", Value(wave)
    yield "utterance", Value(one + wave)
