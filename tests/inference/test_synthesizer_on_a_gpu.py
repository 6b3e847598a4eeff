"""A synthesizer speaks on a GPU what it speaks on a CPU; the GPU is the fake one.

The sound is compared with a tolerance, because a GPU computes WaveGlow's mixing and the phase
search with other rounding errors.
"""

from __future__ import annotations

import pytest
import torch

from tests.support.fake_device import FakeDevice
from tests.support.tiny_networks import TINY_MEL, tiny_tacotron2, tiny_waveglow
from tts.inference import GriffinLimVocoder, Synthesizer, WaveGlowVocoder
from tts.inference.teacher_forcing import teacher_forced
from tts.text import Tokenizer

TEXTS = ["Hello world.", "I missed you so much, all day long.", "No."]
OPTIONS = {"max_steps": 16, "seed": 3, "guard": False}
LAPPED = {"front": "lapped", "condition_channels": 4, "envelope": True, "n_group": 16}
VOCODERS = {
    "Griffin-Lim": lambda: GriffinLimVocoder(TINY_MEL, n_iter=4),
    "published": lambda: WaveGlowVocoder(tiny_waveglow(), TINY_MEL, polish=2),
    "lapped": lambda: WaveGlowVocoder(tiny_waveglow(**LAPPED), TINY_MEL, polish=0),
}


def synthesizers(vocoder):
    """Return one on the CPU, and one that `on_gpu` takes to the GPU."""
    return (
        Synthesizer(tiny_tacotron2(), VOCODERS[vocoder](), Tokenizer(), TINY_MEL) for _ in range(2)
    )


def on_gpu(synthesizer):
    synthesizer.acoustic.to("cuda")
    vocoder = synthesizer.vocoder
    if isinstance(vocoder, WaveGlowVocoder):
        vocoder.network.to("cuda")
        strength = 0.0 if vocoder.denoiser is None else vocoder.denoiser.strength
        # made anew, as a voice that was loaded on the GPU has it
        synthesizer.vocoder = vocoder.with_settings(denoiser_strength=strength)
    return synthesizer


def assert_same(there, here):
    assert there.stop_reason == here.stop_reason
    torch.testing.assert_close(there.mel, here.mel, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(there.wave, here.wave, rtol=0, atol=2e-3)


@pytest.mark.parametrize("vocoder", VOCODERS)
def test_it_speaks_and_streams_a_text(vocoder):
    """With the denoiser and polishing steps, where the vocoder has them."""
    here, there = synthesizers(vocoder)
    expected = here.speak(TEXTS[1], **OPTIONS)
    with FakeDevice():
        found = on_gpu(there).speak(TEXTS[1], **OPTIONS)
        chunks = [chunk.wave for chunk in there.stream(TEXTS[1], **OPTIONS)]
    assert_same(found, expected)
    torch.testing.assert_close(torch.cat(chunks), expected.wave, rtol=0, atol=2e-3)


def test_it_speaks_a_batch_with_retries_at_another_speed():
    here, there = synthesizers("lapped")
    options = {**OPTIONS, "guard": True, "attempts": 2, "speed": 1.5, "end_steps": 3}
    expected = here.speak_batch(TEXTS, **options)
    with FakeDevice():
        found = on_gpu(there).speak_batch(TEXTS, **options)
    for one, other in zip(found, expected, strict=True):
        assert_same(one, other)


def test_recordings_are_spoken_with_their_own_frames():
    """What ``task=dump_mels`` computes."""
    here, there = tiny_tacotron2(), tiny_tacotron2()
    texts = [torch.arange(1, 9), torch.arange(1, 5)]
    mels = [torch.randn(8, 20) - 5, torch.randn(8, 11) - 5]
    given = (texts, mels, [5, 6], [0, 0])
    expected = teacher_forced(here, *given)
    with FakeDevice():
        found = teacher_forced(there.to("cuda"), *given)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)


def test_a_voice_without_weight_norm_is_the_same():
    network = tiny_waveglow()
    mel = torch.randn(1, 8, 20)
    expected = network.inverse(mel, generator=torch.Generator().manual_seed(1))
    with FakeDevice():
        network.to("cuda")
        network.remove_weight_norm()
        found = network.inverse(mel.to("cuda"), generator=torch.Generator().manual_seed(1))
        torch.testing.assert_close(found.cpu(), expected, rtol=1e-3, atol=1e-4)


def test_files_are_loaded_to_where_the_user_says(acoustic_file, vocoder_file):
    with FakeDevice():
        loaded = Synthesizer.from_pretrained(acoustic_file(), vocoder_file(), device="cuda")
        for network in (loaded.acoustic, loaded.vocoder.network):
            assert {p.device.type for p in network.parameters()} == {"cuda"}
        assert loaded.speak(TEXTS[2], **OPTIONS).wave.device.type == "cpu"
