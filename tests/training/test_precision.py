"""Half precision: both networks learn in it, and what has to be exact stays in float32."""

import logging
import math

import pytest
import torch

from tests.support.runs import NO_DROPOUT, QUIET, TINY_TACOTRON2, TINY_WAVEGLOW, run
from tts.models import Tacotron2, WaveGlow, tacotron2_loss, waveglow_loss
from tts.models.waveglow.spectral_loss import band_loss, spectral_loss

HALF = [torch.bfloat16, torch.float16]
TINY = {"tacotron2": [*TINY_TACOTRON2, *NO_DROPOUT], "waveglow": TINY_WAVEGLOW}


@pytest.fixture
def waveglow():
    """Return a small WaveGlow whose couplings are not the identity."""
    network = WaveGlow(n_mels=8, hop_length=64, win_length=256, n_flows=4, n_channels=8, n_layers=2)
    for flow in network.flows:
        torch.nn.init.normal_(flow.coupling.end.weight, std=0.05)
    return network


@pytest.fixture
def sounds():
    return torch.randn(2, 8, 32), 0.3 * torch.randn(2, 2048)


@pytest.fixture
def tacotron2():
    sizes = {
        "symbols_embedding_dim": 16,
        "encoder_embedding_dim": 16,
        "attention_rnn_dim": 16,
        "attention_dim": 8,
        "decoder_rnn_dim": 16,
        "prenet_dim": 8,
        "postnet_embedding_dim": 16,
    }
    return Tacotron2(n_mels=8, prenet_dropout=0.0, **sizes)


@pytest.fixture
def utterances():
    """Return two utterances of unequal length, padded."""
    text_lengths, mel_lengths = torch.tensor([9, 4]), torch.tensor([40, 11])
    mel = torch.randn(2, 8, 40)
    mel[1, :, 11:] = 0
    return torch.randint(1, 20, (2, 9)), text_lengths, mel, mel_lengths


@pytest.mark.slow
@pytest.mark.parametrize("network", TINY)
def test_a_run_in_bfloat16_learns_what_one_in_float32_learns(network, tmp_path):
    options = [*TINY[network], *QUIET, "model.lr=3e-4", "trainer.max_epochs=-1"]
    start = run(tmp_path, *options, "trainer.max_steps=2", output="start")
    exact = run(tmp_path, *options, "trainer.max_steps=8", output="exact")
    half = run(tmp_path, *options, "trainer.max_steps=8", "trainer.precision=bf16-mixed")
    learned = start["val/loss"] - exact["val/loss"]
    assert learned > 0
    assert half["val/loss"] == pytest.approx(exact["val/loss"], abs=0.1 * learned)
    file = tmp_path / "output" / "checkpoints" / "last.ckpt"
    state = torch.load(file, weights_only=True)["state_dict"]
    assert {x.dtype for x in state.values() if x.is_floating_point()} == {torch.float32}


def test_a_processor_that_cannot_do_float16_says_what_it_does(tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    run(tmp_path, *TINY_TACOTRON2, *QUIET, "trainer.precision=16-mixed", "trainer.max_steps=1")
    messages = [record.message for record in caplog.records]
    assert messages == ["trainer.precision=16-mixed: a CPU computes in bf16-mixed instead"]


@pytest.mark.parametrize("dtype", HALF)
def test_log_determinants_are_those_of_float32(dtype, waveglow, sounds):
    expected = waveglow(*sounds).log_det
    with torch.autocast("cpu", dtype):
        log_det_in_training = waveglow(*sounds).log_det
    assert log_det_in_training.dtype == torch.float32
    assert torch.equal(log_det_in_training, expected)


@pytest.mark.parametrize("dtype", HALF)
def test_the_likelihood_is_close_to_that_of_float32(dtype, waveglow, sounds):
    expected = waveglow_loss(waveglow(*sounds))["total"]
    with torch.autocast("cpu", dtype):
        total = waveglow_loss(waveglow(*sounds))["total"]
    total.backward()
    assert total.dtype == torch.float32
    assert total.item() == pytest.approx(expected.item(), rel=2e-2)
    assert all(p.grad.isfinite().all() for p in waveglow.parameters())


@pytest.mark.parametrize("dtype", HALF)
def test_sound_and_its_losses_are_close_to_those_of_float32(dtype, waveglow, sounds):
    mel, wave = sounds
    z = 0.7 * torch.randn(2, 8, 256)
    expected = waveglow.invert(mel, z)
    with torch.autocast("cpu", dtype):
        spoken = waveglow.invert(mel, z)
        losses = [loss(spoken, wave) for loss in (spectral_loss, band_loss)]
    assert spoken.dtype == torch.float32
    error = (spoken - expected).norm() / expected.norm()
    assert error < 0.02
    for found, loss in zip(losses, (spectral_loss, band_loss), strict=True):
        assert found.dtype == torch.float32
        assert found.item() == pytest.approx(loss(expected, wave).item(), rel=2e-2)
    sum(losses).backward()
    assert all(p.grad.isfinite().all() for p in waveglow.parameters() if p.grad is not None)


def test_a_determinant_far_beyond_half_precision_is_finite(waveglow, sounds):
    with torch.no_grad():
        for flow in waveglow.flows:
            flow.mix.weight.mul_(0.01)  # determinants of 1e-16 are 0 in float16
    with torch.autocast("cpu", torch.float16):
        output = waveglow(*sounds)
    per_sample = (output.log_det / (2 * 256)).tolist()
    sizes = [flow.mix.weight.shape[0] for flow in waveglow.flows]
    assert per_sample == pytest.approx([n * math.log(0.01) for n in sizes], rel=1e-4)


@pytest.mark.parametrize("dtype", HALF)
def test_after_a_step_in_half_precision_the_inverse_is_exact(dtype, waveglow, sounds):
    mel, wave = sounds
    optimizer = torch.optim.Adam(waveglow.parameters(), lr=1e-3)
    for _ in range(3):
        with torch.autocast("cpu", dtype):
            loss = waveglow_loss(waveglow(mel, wave))["total"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        back = waveglow.inverse(mel, z=waveglow(mel, wave).z)
    torch.testing.assert_close(back, wave, rtol=0, atol=1e-4)


@pytest.mark.parametrize("dtype", HALF)
def test_attention_stays_off_the_padding(dtype, tacotron2, utterances):
    with torch.autocast("cpu", dtype):
        alignments = tacotron2(*utterances).alignments.float()
    assert (alignments[1, :, 4:] == 0).all()
    torch.testing.assert_close(alignments.sum(2), torch.ones(2, 40), rtol=0, atol=2e-2)


@pytest.mark.parametrize("dtype", HALF)
def test_the_loss_of_padded_utterances_is_close_to_that_of_float32(dtype, tacotron2, utterances):
    tacotron2.eval()  # without dropout
    _, text_lengths, mel, mel_lengths = utterances
    options = {"text_lengths": text_lengths, "guided_weight": 1.0}
    expected = tacotron2_loss(tacotron2(*utterances), mel, mel_lengths, **options)["total"]
    with torch.autocast("cpu", dtype):
        output = tacotron2(*utterances)
        total = tacotron2_loss(output, mel, mel_lengths, **options)["total"]
    total.backward()
    assert total.item() == pytest.approx(expected.item(), rel=2e-2)
    assert all(p.grad.isfinite().all() for p in tacotron2.parameters() if p.grad is not None)
