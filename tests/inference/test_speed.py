"""``speed``: speech gets faster or slower; its pitch, its marks and its parts stay true."""

import numpy as np
import pytest
import torch

from tests.support.tiny_networks import TINY_MEL, tiny_synthesizer, tiny_waveglow
from tts.audio import LogMel, MelConfig
from tts.audio.stretching import stretched, stretched_length
from tts.core.errors import InputError
from tts.inference import GriffinLimVocoder, WaveGlowVocoder, join
from tts.inference.vocoders.stretch import stretch_mels
from tts.synthesis.report import part_record

TEXT = "One sentence. And another, that is longer, and goes on; here it ends. Yes!"
HOW = {"max_chars": 40, "max_steps": 60, "gate_threshold": 0.999, "guard": False, "batch_size": 1}
SPEEDS = [0.25, 0.7, 1.0, 1.3, 2.0, 4.0]
HOP, RATE = TINY_MEL.hop_length, TINY_MEL.sample_rate

VOCODERS = {
    "griffin_lim": lambda: GriffinLimVocoder(TINY_MEL, 3),
    "raw": lambda: WaveGlowVocoder(tiny_waveglow(), TINY_MEL, denoiser_strength=0),
    "polished": lambda: WaveGlowVocoder(tiny_waveglow(), TINY_MEL, polish=2),
}


@pytest.fixture(scope="module")
def griffin_lim():
    return tiny_synthesizer(VOCODERS["griffin_lim"]())


@pytest.fixture(scope="module")
def spoken(griffin_lim):
    return {speed: griffin_lim.speak(TEXT, speed=speed, **HOW) for speed in SPEEDS}


def random_mel(n_frames):
    return -4 + torch.randn(8, n_frames, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("speed", [0.25, 0.3, 0.999, 1.0, 1.7, 4.0])
@pytest.mark.parametrize("n_frames", [1, 2, 7, 50])
@pytest.mark.parametrize("length", [1, 3, 100])
def test_pieces_and_arrays_are_stretched_as_the_whole(speed, n_frames, length):
    mel = random_mel(n_frames)
    whole = torch.cat([*stretch_mels([mel], speed)], 1)
    pieces = [*stretch_mels(mel.split(length, 1), speed)]
    assert all(piece.shape[1] for piece in pieces)
    assert torch.equal(torch.cat(pieces, 1), whole)
    assert whole.shape == (8, stretched_length(n_frames, speed))
    np.testing.assert_array_equal(stretched(mel.numpy(), speed), whole.numpy())


@pytest.mark.parametrize("speed", [0.3, 1.7])
def test_frames_show_their_moment(speed):
    ramp = torch.arange(40.0).expand(8, 40)
    result = torch.cat([*stretch_mels([ramp], speed)], 1)
    moments = torch.arange(result.shape[1]) * speed
    inside = (moments > 1) & (moments < 38)
    shown = moments[inside].expand(8, -1)
    # a mean over parts of frames is not exactly at its moment
    off = 0.1 if speed > 1 else 1e-5
    torch.testing.assert_close(result[:, inside], shown, rtol=1e-6, atol=off)
    assert bool(((result >= 0) & (result <= 39.0001)).all())


def test_fast_speech_skips_no_frame():
    """Every original frame takes part in a stretched one, and all of them with the same weight."""
    for speed in (1.5, 2.0, 3.3, 4.0):
        peaks = torch.eye(60)
        share = torch.cat([*stretch_mels([peaks], speed)], 1).sum(1)
        torch.testing.assert_close(share[5:-5], torch.full((50,), 1 / speed), rtol=0, atol=1e-6)


def test_the_first_frames_do_not_wait_for_the_last():
    read = []

    def mels():
        for piece in random_mel(40).split(5, 1):
            read.append(piece)
            yield piece

    next(iter(stretch_mels(mels(), 2.0)))
    assert len(read) == 1


@pytest.mark.parametrize(
    ("vocoder", "speed", "guard"),
    [
        ("griffin_lim", 0.25, True),
        ("griffin_lim", 1.3, False),
        ("raw", 0.7, False),
        ("raw", 4.0, True),
        ("polished", 0.25, False),
        ("polished", 2.0, False),
    ],
)
def test_a_stream_is_the_whole_at_every_speed(vocoder, speed, guard):
    synthesizer = tiny_synthesizer(VOCODERS[vocoder]())
    how = {**HOW, "guard": guard, "attempts": 1, "speed": speed}
    chunks, speech = list(synthesizer.stream(TEXT, **how)), synthesizer.speak(TEXT, **how)
    wave = torch.cat([chunk.wave for chunk in chunks])
    torch.testing.assert_close(wave, speech.wave, rtol=1e-4, atol=2e-5)
    parts = [chunk.part for chunk in chunks if chunk.part is not None]
    for part, known in zip(parts, speech.parts, strict=True):
        assert part.first_frame == known.first_frame
        assert part.start == pytest.approx(known.start)
        assert part.seconds == pytest.approx(known.seconds)
        for mark, other in zip(part.phones, known.phones, strict=True):
            assert mark == pytest.approx(other)


@pytest.mark.parametrize("speed", [0.7, 2.0])
def test_joined_parts_are_the_whole_speech(griffin_lim, spoken, speed):
    joined = join([*griffin_lim.speak_parts(TEXT, speed=speed, **HOW)], TEXT)
    assert torch.equal(joined.wave, spoken[speed].wave)
    assert torch.equal(joined.alignments, spoken[speed].alignments)
    assert [part_record(part)["words"] for part in joined.parts] == [
        part_record(part)["words"] for part in spoken[speed].parts
    ]


def test_speed_1_changes_no_bit(griffin_lim, spoken):
    speech = griffin_lim.speak(TEXT, **HOW)
    assert torch.equal(speech.wave, spoken[1.0].wave)
    assert torch.equal(speech.mel, spoken[1.0].mel)


@pytest.mark.parametrize("vocoder", VOCODERS)
def test_a_sentence_lasts_its_time_over_the_speed(vocoder):
    synthesizer = tiny_synthesizer(VOCODERS[vocoder]())
    lengths = {s: len(synthesizer.speak("One two.", speed=s, **HOW).wave) for s in SPEEDS}
    off = {speed: lengths[speed] - lengths[1.0] / speed for speed in SPEEDS}
    assert max(map(abs, off.values())) <= HOP, off


@pytest.mark.parametrize("speed", SPEEDS)
def test_sound_pauses_and_parts_are_scaled(spoken, speed):
    speech, usual = spoken[speed], spoken[1.0]
    n_parts = len(speech.parts)
    assert n_parts == len(usual.parts) > 2
    assert abs(speech.seconds - usual.seconds / speed) <= 2 * n_parts * HOP / RATE
    for part, known in zip(speech.parts, usual.parts, strict=True):
        assert part.seconds == pytest.approx(known.seconds / speed, abs=HOP / RATE)
        assert part.health == known.health
        assert torch.equal(part.alignments, known.alignments)
    for before, after, known, next_known in zip(
        speech.parts, speech.parts[1:], usual.parts, usual.parts[1:], strict=False
    ):
        pause = after.start - before.start - before.seconds
        silence = speech.wave[round((after.start - pause) * RATE) : round(after.start * RATE)]
        assert not silence.any()
        expected = (next_known.start - known.start - known.seconds) / speed
        # the wave ends a hop before its frames, at any speed
        assert pause == pytest.approx(expected, abs=3 * HOP / RATE)


@pytest.mark.parametrize("speed", SPEEDS)
def test_marks_are_those_of_the_sound_that_is_heard(spoken, speed):
    speech = spoken[speed]
    for part, known in zip(speech.parts, spoken[1.0].parts, strict=True):
        assert part.phones[0].start == pytest.approx(part.start)
        assert part.phones[-1].end == pytest.approx(part.start + part.seconds)
        for mark, other in zip(part.phones, known.phones, strict=True):
            heard = other.start - known.start
            assert mark.start - part.start == pytest.approx(heard / speed, abs=HOP / RATE)
    times = [time for mark in speech.words for time in mark[1:]]
    assert times == sorted(times)
    assert times[-1] <= speech.seconds + 1e-9


@pytest.mark.parametrize("speed", SPEEDS)
def test_alignments_have_the_frames_of_the_mel(spoken, speed):
    speech = spoken[speed]
    n_frames = speech.mel.shape[1]
    # Griffin-Lim leaves out the last frame that was decoded
    assert n_frames * HOP - len(speech.wave) == round(HOP / min(speed, 1.0))
    assert len(speech.alignments) == len(speech.gate_logits) == n_frames
    loud = speech.mel.amax(0) > TINY_MEL.silence
    # frames of speech have attention, and silent ones have none
    assert torch.equal(speech.alignments.sum(1) > 0.5, loud)


@pytest.mark.parametrize("speed", [0.7, 2.0])
def test_one_part_has_the_frames_of_its_mel(griffin_lim, speed):
    speech = griffin_lim.speak("One two.", speed=speed, **HOW)
    assert len(speech.alignments) == len(speech.gate_logits) == speech.mel.shape[1]


@pytest.mark.parametrize("speed", [0.7, 2.0])
def test_pictures_show_each_frame_when_it_is_heard(spoken, speed):
    speech = spoken[speed]
    images = [image for axes in speech.figure().axes[:3] for image in axes.images]
    assert len(images) == 1 + len(speech.parts)
    for image, part in zip(images[1:], speech.parts, strict=True):
        left, right = image.get_extent()[:2]
        assert left == pytest.approx(part.start, abs=HOP / RATE / speed)
        assert right == pytest.approx(part.start + part.seconds, abs=2 * HOP / RATE / speed)


@pytest.mark.parametrize("speed", [0.25, 0.6, 1.5, 3.0])
def test_the_pitch_stays(speed):
    """A buzz of 150 Hz keeps its period within 1 %."""
    config, n_samples = MelConfig(), 22050 if speed > 1 else 8000
    time = torch.arange(n_samples) / config.sample_rate
    buzz = sum(torch.cos(2 * torch.pi * 150 * k * time) / k for k in range(1, 20)) / 8
    mel = LogMel(config)(buzz)[0]
    vocoder = GriffinLimVocoder(config, 12, sharpness=0)
    wave = vocoder(torch.cat([*stretch_mels([mel], speed)], 1))
    assert fundamental(wave, config.sample_rate) == pytest.approx(150, rel=0.01)


def fundamental(wave, sample_rate):
    """Return the frequency of the highest peak of the autocorrelation between 75 and 300 Hz."""
    middle = wave[len(wave) // 4 : -len(wave) // 4].double()
    spectrum = torch.fft.rfft(middle, 2 * len(middle))
    correlation = torch.fft.irfft(spectrum.abs().square())
    correlation /= torch.arange(2 * len(middle), 0, -1) + len(middle)
    low, high = sample_rate // 300, sample_rate // 75
    peak = low + int(correlation[low:high].argmax())
    before, at, after = correlation[peak - 1 : peak + 2].tolist()
    return sample_rate / (peak + 0.5 * (before - after) / (before - 2 * at + after))


@pytest.mark.parametrize("speed", [0.2, 4.5, float("nan"), float("inf"), "fast", True, None])
def test_other_speeds_are_refused_in_one_line(griffin_lim, speed):
    with pytest.raises(InputError, match=r"^speed=\w.*: it must be a number from 0.25 to 4$"):
        griffin_lim.speak("hello", speed=speed)


def test_a_single_frame_is_spoken_at_any_speed(griffin_lim):
    for speed in SPEEDS:
        speech = griffin_lim.speak("a", **{**HOW, "max_steps": 1}, speed=speed)
        assert len(speech.wave) >= HOP
        assert speech.mel.shape[1] == stretched_length(1, speed)
