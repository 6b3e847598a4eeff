"""Streamed speech equals the speech that is computed at once."""

from __future__ import annotations

import pytest
import torch

from tests.support.tiny_networks import TINY_MEL, tiny_synthesizer, tiny_waveglow
from tts.core.errors import InputError
from tts.inference import Chunk, Denoiser, Synthesizer, WaveGlowVocoder
from tts.inference.vocoders.griffin_lim import GriffinLimVocoder, StreamingVocoder
from tts.text import Tokenizer

TEXT = "One sentence. And another, that is longer, and goes on for a while; here it ends. Yes!"
HOW = {"max_chars": 40, "max_steps": 60}


VOCODERS = {
    "denoised": lambda: WaveGlowVocoder(tiny_waveglow(), TINY_MEL, denoiser_strength=0.1),
    "raw": lambda: WaveGlowVocoder(tiny_waveglow(), TINY_MEL, denoiser_strength=0),
    "polished": lambda: WaveGlowVocoder(tiny_waveglow(), TINY_MEL, polish=2),
    "griffin_lim": lambda: GriffinLimVocoder(TINY_MEL, 3),
}


@pytest.fixture
def waveglow(tiny):
    def make(**sizes):
        vocoder = WaveGlowVocoder(tiny.waveglow(), tiny.mel)
        return Synthesizer(tiny.tacotron2(**sizes), vocoder, Tokenizer(), tiny.mel)

    return make


def heard(chunks) -> torch.Tensor:
    return torch.cat([chunk.wave for chunk in chunks])


# every pair of values occurs, except some pairs of vocoder and text
@pytest.mark.parametrize(
    ("vocoder", "text", "guard", "seed"),
    [
        ("denoised", TEXT, False, 0),
        ("denoised", "a", True, 3),
        ("raw", "One two three.", False, 3),
        ("raw", TEXT, True, 0),
        ("polished", TEXT, True, 3),
        ("polished", "a", False, 0),
        ("griffin_lim", "One two three.", True, 0),
        ("griffin_lim", TEXT, False, 3),
    ],
)
def test_stream_equals_speak(vocoder, text, guard, seed):
    synthesizer = tiny_synthesizer(VOCODERS[vocoder]())
    # a stream decodes each utterance in its own batch
    how = {**HOW, "guard": guard, "seed": seed, "batch_size": 1}
    chunks, speech = list(synthesizer.stream(text, **how)), synthesizer.speak(text, **how)
    torch.testing.assert_close(heard(chunks), speech.wave, rtol=1e-4, atol=2e-5)
    parts = [chunk.part for chunk in chunks if chunk.part is not None]
    assert len(parts) == len(speech.parts)
    for part, known in zip(parts, speech.parts, strict=True):
        for name in ("text", "seed", "attempts", "stop_reason", "first_frame", "symbols"):
            assert getattr(part, name) == getattr(known, name), name
        assert part.start == pytest.approx(known.start)
        assert part.seconds == pytest.approx(known.seconds)
        assert part.health == known.health
        torch.testing.assert_close(part.alignments, known.alignments)
        torch.testing.assert_close(part.gate_logits, known.gate_logits)


def test_the_last_chunk_of_an_utterance_describes_it(waveglow):
    chunks = list(waveglow().stream(TEXT, **HOW))
    ends = [chunk for chunk in chunks if chunk.part is not None]
    assert chunks[-1] is ends[-1]
    assert not any(chunk.wave.any() for chunk in ends)
    assert len(ends[-1].wave) == 0
    assert all(isinstance(chunk, Chunk) and chunk.sample_rate == 8000 for chunk in chunks)
    assert all(chunk.wave.dtype == torch.float32 for chunk in chunks)


def test_the_first_sound_does_not_wait_for_the_utterance(waveglow, monkeypatch):
    synthesizer = waveglow()
    n_steps, step = 0, synthesizer.acoustic.decoder.step

    def counted(*args, **kwargs):
        nonlocal n_steps
        n_steps += 1
        return step(*args, **kwargs)

    monkeypatch.setattr(synthesizer.acoustic.decoder, "step", counted)
    how = {"max_steps": 400, "gate_threshold": 0.9999}
    long = "a b c d e f g h i j k l m n o p q r s t u v w x y z " * 3
    stream = synthesizer.stream(long, **how)
    assert len(next(stream).wave) > 0
    before = n_steps
    rest = list(stream)
    assert before < n_steps / 2
    assert rest[-1].part.stop_reason == "max_steps"


def test_mistakes_are_refused(synthesizer):
    with pytest.raises(InputError, match="speaker"):
        list(synthesizer.stream("a", speaker="nobody"))


def test_only_waveglow_streams(tiny):
    assert isinstance(WaveGlowVocoder(tiny.waveglow(), tiny.mel), StreamingVocoder)
    assert not isinstance(GriffinLimVocoder(tiny.mel), StreamingVocoder)


@pytest.mark.parametrize("n_samples", [100, 256, 1000, 5000])
@pytest.mark.parametrize("length", [64, 1000])
def test_the_bias_is_subtracted_piece_by_piece(tiny, n_samples, length):
    denoiser = Denoiser(tiny.waveglow(), tiny.mel, 0.5)
    wave = 0.3 * torch.randn(n_samples, generator=torch.Generator().manual_seed(0))
    pieces = list(denoiser.stream(wave.split(length)))
    torch.testing.assert_close(torch.cat(pieces), denoiser(wave), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("n_frames", [1, 3, 150])
@pytest.mark.parametrize("polish", [0, 2])
def test_a_waveglow_streams_the_wave_of_the_whole(tiny, n_frames, polish):
    vocoder = WaveGlowVocoder(tiny.waveglow(), tiny.mel, chunk_frames=37, polish=polish)
    mel = -4 + torch.randn(8, n_frames, generator=torch.Generator().manual_seed(0))
    whole = vocoder(mel, generator=torch.Generator().manual_seed(1))
    pieces = list(vocoder.stream(mel.split(5, 1), generator=torch.Generator().manual_seed(1)))
    torch.testing.assert_close(torch.cat(pieces), whole, rtol=1e-4, atol=1e-5)


def test_noise_depends_on_its_place_in_time(tiny):
    vocoder = WaveGlowVocoder(tiny.waveglow(), tiny.mel, denoiser_strength=0)
    mel = torch.full((8, 200), -4.0)
    short, long = (
        vocoder(mel[:, :n], generator=torch.Generator().manual_seed(1)) for n in (120, 200)
    )
    reach = vocoder.network.config.receptive_frames * 64
    assert reach < 100 * 64
    torch.testing.assert_close(long[: 120 * 64 - reach], short[:-reach], rtol=1e-4, atol=1e-5)
