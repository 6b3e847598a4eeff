"""Tests of pitch: estimated from the mel, predicted by the decoder, used for the frames."""

import math

import pytest
import torch

from tests.support.networks import TACOTRON2_WITHOUT_DROPOUT as TINY
from tests.support.networks import add_noise
from tests.support.networks import tacotron2_batch as batch
from tts import pretrained
from tts.audio import LogMel, MelConfig
from tts.audio.mel_bands import band_edges
from tts.core.errors import InputError
from tts.models import Tacotron2, Tacotron2Config, tacotron2_loss
from tts.models.tacotron2.pitch import PitchEstimator, PitchHead, _band_edges, pitch_code
from tts.models.tacotron2.stream import MelStream

LOW, HIGH = Tacotron2Config().pitch_low, Tacotron2Config().pitch_high
#: Options for mels with four bands, whose edges are far above the harmonics of voices.
PITCH = {"pitch_bins": 8, "pitch_dim": 10, "pitch_dropout": 0.0, "f_max": 1500.0}


def network(**overrides):
    torch.manual_seed(0)
    net = Tacotron2(TINY, **{**PITCH, **overrides})
    add_noise(net)
    return net


def harmonics(hz, seconds=0.5, rate=22050):
    """Make a sound of constant pitch whose harmonics become weaker with their number."""
    time = torch.arange(int(seconds * rate)) / rate
    numbers = torch.arange(1, int(5000 / hz) + 1)[:, None]
    return (torch.sin(2 * math.pi * hz * numbers * time) / numbers).sum(0) * 0.2


def pitch_hz(codes, low, high):
    """Turn codes ``(..., K + 1)`` into Hz ``(...)``, 0 where there is no pitch."""
    bins = torch.arange(codes.shape[-1] - 1, device=codes.device, dtype=codes.dtype)
    share = codes[..., :-1].sum(-1)
    at = (codes[..., :-1] * bins).sum(-1) / share.clamp(min=1e-6)
    hz = low * (high / low) ** (at / (len(bins) - 1))
    return torch.where(share > 0.5, hz, 0.0)


def estimate(wave):
    mel = LogMel(MelConfig())(wave[None])
    mask = torch.ones(1, mel.shape[2], dtype=torch.bool)
    return PitchEstimator(Tacotron2Config(pitch_bins=48))(mel, mask)[0]


@pytest.mark.parametrize("hz", [121.0, 147.0, 200.0, 233.0, 310.0, 395.0])
def test_the_pitch_of_a_harmonic_sound_is_estimated(hz):
    found = pitch_hz(estimate(harmonics(hz)), LOW, HIGH)[3:-3]
    assert (1200 * torch.log2(found / hz)).abs().max() < 30


@pytest.mark.parametrize("level", [0.0, 1e-3, 0.1])
def test_noise_and_silence_have_no_pitch(level):
    wave = level * torch.randn(11025, generator=torch.Generator().manual_seed(0))
    codes = estimate(wave)
    assert (codes[:, -1] == 1).float().mean() > 0.95


def test_loudness_does_not_matter():
    loud, soft = (
        pitch_hz(estimate(gain * harmonics(180.0)), LOW, HIGH)[3:-3] for gain in (1.0, 0.05)
    )
    assert torch.allclose(loud, soft, rtol=2e-3)


def test_band_edges_equal_those_of_the_mel_contract():
    ours = _band_edges(Tacotron2Config(f_min=30.0, f_max=7600.0, n_mels=64))
    theirs = band_edges(MelConfig(f_min=30.0, f_max=7600.0, n_mels=64))
    assert torch.allclose(ours, torch.from_numpy(theirs), rtol=1e-12)


def test_a_code_encodes_its_pitch():
    at = torch.tensor([0.0, 3.3, 20.5, 47.0])
    codes = pitch_code(at, torch.tensor([True, True, True, False]), 48)
    assert torch.allclose(codes.sum(1), torch.ones(4))
    hz = pitch_hz(codes, 100.0, 400.0)
    assert torch.allclose(hz[1:3], 100 * 4 ** (at[1:3] / 47), rtol=1e-3)
    assert hz[3] == 0


def test_best_code_is_that_of_the_most_probable_pitch():
    head = PitchHead(Tacotron2Config(pitch_bins=48))
    logits = torch.full((2, 49), -8.0)
    logits[0, 9:12] = torch.tensor([2.0, 3.0, 2.0])
    logits[1, 48] = 5.0
    codes = head.best_code(logits)
    assert torch.allclose(codes[0], pitch_code(torch.tensor(10.0), torch.tensor(True), 48))
    assert codes[1].tolist() == [0.0] * 48 + [1.0]


def test_without_pitch_bins_the_network_is_the_published_one():
    plain = Tacotron2(TINY)
    assert not [name for name in plain.state_dict() if "pitch" in name]
    out = plain(*batch())
    assert len(out) == 4


def test_a_new_pitch_head_does_not_change_the_output():
    torch.manual_seed(0)
    before = Tacotron2(TINY).eval()
    after = Tacotron2(TINY, **PITCH).eval()
    after.load_state_dict(before.state_dict(), strict=False)
    for old, new in zip(before(*batch())[:4], after(*batch())[:4], strict=True):
        assert torch.equal(old, new)


@pytest.mark.parametrize("r", [1, 2])
def test_fast_and_plain_agree_with_their_gradients(r):
    plain, fast = (network(n_frames_per_step=r, recurrence=name) for name in ("plain", "fast"))
    for net in (plain, fast):
        out = net(*batch())
        tacotron2_loss(out, batch()[2], batch()[3])["total"].backward()
    for old, new in zip(plain(*batch()), fast(*batch()), strict=True):
        assert torch.allclose(old, new, atol=1e-6)
    for (name, old), new in zip(plain.named_parameters(), fast.parameters(), strict=True):
        assert torch.allclose(old.grad, new.grad, atol=1e-5), name
    assert fast.decoder.pitch.seen.weight.grad.abs().sum() > 0


def test_an_utterance_is_the_same_alone_and_in_a_batch():
    net, (text, text_lengths, mel, mel_lengths) = network().eval(), batch()
    together = net(text, text_lengths, mel, mel_lengths)
    generated = net.generate(text, text_lengths, max_steps=12)
    for i, (n_text, n_mel) in enumerate(zip(text_lengths, mel_lengths, strict=True)):
        inputs = text[i : i + 1, :n_text], text_lengths[i : i + 1]
        alone = net(*inputs, mel[i : i + 1, :, :n_mel], mel_lengths[i : i + 1])
        assert torch.allclose(alone.mel_post[0], together.mel_post[i, :, :n_mel], atol=1e-5)
        ours, theirs = alone.pitch_logits[0], together.pitch_logits[i, :n_mel]
        assert torch.allclose(ours, theirs, atol=1e-5)
        assert torch.allclose(alone.pitch[0], together.pitch[i, :n_mel], atol=1e-5)
        free = net.generate(*inputs, max_steps=12)
        n = int(free.mel_lengths)
        assert torch.allclose(free.mel_post[0], generated.mel_post[i, :, :n], atol=1e-5)


def test_the_loss_does_not_depend_on_the_padding():
    net, (text, text_lengths, mel, mel_lengths) = network().eval(), batch()
    wide = torch.nn.functional.pad(mel, (0, 5))
    losses = [
        tacotron2_loss(net(text, text_lengths, x, mel_lengths), x, mel_lengths) for x in (mel, wide)
    ]
    assert losses[0]["pitch"] > 0
    for name, value in losses[0].items():
        assert torch.allclose(value, losses[1][name], rtol=1e-5), name


def test_generation_uses_the_predicted_pitch_for_the_frame_and_the_next_step():
    """Compute steps by hand: the predicted pitch changes the frame, and enters the next step."""
    net, (text, text_lengths, *_) = network(n_frames_per_step=2).eval(), batch()
    memory = net.encode(text, text_lengths)
    state, frame = net.decoder.initial_state(memory), torch.zeros(3, TINY.n_mels)
    assert state.pitch.abs().sum() == 0
    for _ in range(3):
        prenet_output = net.decoder.prenet(frame[None])[0]
        outputs, _ = net.decoder._recur(
            prenet_output, state, memory, net.decoder._draw_dropout(prenet_output[None])
        )
        codes = net.decoder.pitch.best_code(net.decoder.pitch.pitch_logits(outputs))
        expected = net.decoder._project(outputs)[0] + net.decoder.pitch.frame_offset(outputs, codes)
        frames, _, state = net.decoder.step(frame, state, memory)
        assert torch.allclose(frames, expected, atol=1e-6)
        assert torch.equal(state.pitch, codes[:, -1])
        frame = frames[:, -1]


def test_a_stream_equals_generate():
    net, (text, text_lengths, *_) = network(n_frames_per_step=2).eval(), batch()
    whole = net.generate(text[:1], text_lengths[:1], max_steps=12)
    chunks = list(MelStream(net, text[0, : text_lengths[0]], max_steps=12, chunk_frames=4))
    assert torch.allclose(torch.cat(chunks, 1), whole.mel_post[0], atol=1e-5)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"pitch_bins": 1}, "pitch_bins=1: it must be 0 or at least 2"),
        ({"pitch_bins": -2}, "pitch_bins=-2: it must be a whole number, 0 or more"),
        ({"pitch_low": 0.0}, r"pitch_low=0\.0: it must be a number above 0"),
        ({"pitch_low": 500.0}, "pitch_low below pitch_high; these are 500 and 440"),
    ],
)
def test_impossible_pitches_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Tacotron2Config(**{"pitch_bins": 8, **wrong})


def test_too_few_low_bands_are_refused():
    message = "pitch_bins=8: 2 mel bands below 1300 Hz do not resolve a pitch; use more mel bands"
    with pytest.raises(ValueError, match=message):
        Tacotron2(TINY, pitch_bins=8)


def test_nvidias_layout_has_no_pitch_and_any_mel(tmp_path):
    small = {"attention_rnn_dim": 8, "decoder_rnn_dim": 8, "sample_rate": 16000, "pitch_low": 90.0}
    pretrained.save(Tacotron2(**small), tmp_path / "a.pt", format="nvidia")
    with pytest.raises(InputError, match="pitch_bins=8: NVIDIA's layout"):
        pretrained.save(Tacotron2(**small, pitch_bins=8), tmp_path / "b.pt", format="nvidia")


def test_the_pitch_is_estimated_in_full_precision():
    wave = harmonics(187.0)
    expected = estimate(wave)
    mel = LogMel(MelConfig())(wave[None])
    estimator, mask = (
        PitchEstimator(Tacotron2Config(pitch_bins=48)),
        torch.ones(1, mel.shape[2]) > 0,
    )
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(estimator(mel, mask)[0], expected)


def test_training_in_half_precision_gives_all_gradients():
    net = network()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = tacotron2_loss(net(*batch()), batch()[2], batch()[3], texture_weight=1.0)
    loss["total"].backward()
    assert torch.isfinite(loss["total"])
    assert all(torch.isfinite(w.grad).all() for w in net.parameters() if w.grad is not None)
    assert net.decoder.pitch.logits.weight.grad.abs().sum() > 0
