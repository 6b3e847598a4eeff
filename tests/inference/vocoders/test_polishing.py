"""Polishing brings a wave closer to its mel, also when it works piece by piece."""

from __future__ import annotations

import pytest
import torch

from tts.audio import GriffinLim, LogMel, MelConfig
from tts.core.errors import InputError
from tts.inference import WaveGlowVocoder
from tts.inference.vocoders.polishing import MelWaveStream, Polish
from tts.models import WaveGlow

MEL = MelConfig(sample_rate=8000, n_fft=256, hop_length=64, win_length=256, n_mels=20, f_max=4000.0)


def voice(n_frames: int) -> torch.Tensor:
    """Make a buzz with rising pitch, and some noise."""
    n = torch.arange((n_frames - 1) * MEL.hop_length)
    phase = 2 * torch.pi * torch.cumsum(150 + n / 100, 0) / MEL.sample_rate
    noise = torch.randn(len(n), generator=torch.Generator().manual_seed(0))
    return 0.1 * sum(torch.sin(k * phase) / k for k in range(1, 8)) + 0.01 * noise


def rough(wave: torch.Tensor) -> torch.Tensor:
    """Give every frequency of a wave a wrong level."""
    shape = 1 + 0.5 * torch.sin(torch.linspace(0, 40, len(wave) // 2 + 1))
    return torch.fft.irfft(torch.fft.rfft(wave) * shape, len(wave))


def distance(mel: torch.Tensor, wave: torch.Tensor) -> float:
    return float((LogMel(MEL)(wave[None])[0] - mel).abs().mean())


def test_a_wave_gets_the_given_mel():
    wave = voice(60)
    mel = LogMel(MEL)(wave[None])[0]
    start = rough(wave)
    steps = [distance(mel, Polish(MEL, n, sharpness=0.0)(mel, start)) for n in (1, 8)]
    assert distance(mel, start) > 2 * steps[0] > 2 * steps[1]


def test_a_correct_wave_stays_unchanged():
    wave = voice(60)
    mel = LogMel(MEL)(wave[None])[0]
    polished = Polish(MEL, 8, sharpness=0.0)(mel, wave)
    torch.testing.assert_close(polished, wave, rtol=0, atol=1e-3)


def test_phases_are_those_of_the_start():
    wave = voice(60)
    mel = LogMel(MEL)(wave[None])[0]
    polished = Polish(MEL, 8, sharpness=0.0)(mel, rough(wave))
    searched = GriffinLim(MEL, 60)(mel, generator=torch.Generator().manual_seed(0))
    ours, theirs = ((x - wave).square().mean() / wave.square().mean() for x in (polished, searched))
    assert float(ours) < 0.1 < float(theirs)


@pytest.mark.parametrize("length", [1, 7, 64])
@pytest.mark.parametrize("n_frames", [2, 3, 20, 150])
def test_polished_pieces_equal_the_whole(n_frames, length):
    wave = rough(voice(160))
    mel = LogMel(MEL)(wave[None])[0][:, :n_frames]
    wave = wave[: n_frames * MEL.hop_length]
    polish = Polish(MEL, 3)
    pieces = zip(mel.split(length, 1), wave.split(length * MEL.hop_length), strict=True)
    streamed = list(polish.stream(pieces, (4, 16)))
    torch.testing.assert_close(torch.cat(streamed), polish(mel, wave), rtol=1e-4, atol=1e-5)
    assert n_frames < 100 or len(streamed) > 3


def test_late_waves_are_joined_with_their_mels():
    mels = [torch.full((2, 3), float(k)) for k in range(4)]
    joined = MelWaveStream(mels, hop_length=4)

    def waves():
        kept = torch.empty(0)
        for mel in joined.mels():
            kept = torch.cat((kept, mel[0].repeat_interleave(4)))
            # a denoiser delays samples, and its pieces need not be whole frames
            ready = max(0, len(kept) - 7)
            yield kept[:ready]
            kept = kept[ready:]
        yield kept

    pieces = list(joined.pieces(waves()))
    mel, wave = (torch.cat(parts, -1) for parts in zip(*pieces, strict=True))
    assert torch.equal(mel, torch.cat(mels, 1))
    assert torch.equal(wave.view(-1, 4), mel[0][:, None].expand(-1, 4))


@pytest.mark.parametrize(("front", "n_group", "steps"), [("squeeze", 8, None), ("lapped", 8, 16)])
def test_networks_with_a_lapped_front_are_polished_by_default(front, n_group, steps):
    network = WaveGlow(
        n_mels=20,
        hop_length=64,
        win_length=256,
        n_flows=2,
        n_layers=2,
        n_channels=8,
        n_group=n_group,
        front=front,
    )
    vocoder = WaveGlowVocoder(network, MEL)
    assert (vocoder.polish and vocoder.polish.n_iter) == steps
    # the envelope turns a mel of zeros into loud sound; subtracting that would silence the voice
    assert (vocoder.denoiser is None) == (front == "lapped")
    assert WaveGlowVocoder(network, MEL, polish=0).polish is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((-1,), "polish=-1: must be 0 or more"), ((4, -0.5), r"sharpness=-0\.5: must be 0 or more")],
)
def test_settings_below_zero_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        Polish(MEL, *arguments)


def test_a_start_that_is_too_short_is_refused():
    with pytest.raises(InputError, match="expected 192 samples for each mel"):
        GriffinLim(MEL, 2)(torch.zeros(20, 4), start=torch.zeros(191))
