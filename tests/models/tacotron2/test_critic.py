"""Tests of the critic: its losses, their gradients, and that padding has no influence."""

import re

import pytest
import torch

from tests.support.runs import QUIET, TINY_TACOTRON2, run
from tts import pretrained
from tts.core.errors import InputError
from tts.models.layers import sequence_mask
from tts.models.tacotron2.critic import SpectrogramCritic

LENGTHS = torch.tensor([40, 25])
MASK = sequence_mask(LENGTHS)
COUNT = LENGTHS.sum().float()


def spectrogram(seed=0, n_frames=40):
    return 2 * torch.randn(2, 20, n_frames, generator=torch.Generator().manual_seed(seed)) - 5


def smooth(mel):
    """Return a spectrogram without its detail."""
    wide = torch.nn.functional.pad(mel, (2, 2), mode="replicate")
    return torch.nn.functional.avg_pool1d(wide, 5, 1)


@pytest.fixture
def critic():
    torch.manual_seed(0)
    return SpectrogramCritic()


def learn(critic, steps=60):
    optimizer = torch.optim.Adam(critic.parameters(), 1e-3)
    for step in range(steps):
        mel = spectrogram(step)
        losses = critic.losses(smooth(mel), mel, MASK, COUNT)
        optimizer.zero_grad()
        losses.critic_loss.backward()
        optimizer.step()
    return losses


def test_the_critic_learns_to_distinguish_smooth_from_detailed(critic):
    assert critic.losses(smooth(spectrogram()), spectrogram(), MASK, COUNT).critic_loss.item() > 0.2
    losses = learn(critic)
    assert losses.critic_loss.item() < 0.05
    assert losses.generator_loss.item() > 0.5


def test_the_gradient_adds_detail_to_predictions(critic):
    learn(critic)
    mel = spectrogram(99)
    predicted = smooth(mel).requires_grad_()
    losses = critic.losses(predicted, mel, MASK, COUNT)
    for loss in (losses.generator_loss, losses.feature_loss):
        (gradient,) = torch.autograd.grad(loss, predicted, retain_graph=True)
        finer = (predicted - 20 * gradient / gradient.abs().max() * 0.01).detach()
        again = critic.losses(finer, mel, MASK, COUNT)
        assert again.generator_loss.item() < losses.generator_loss.item()
        assert finer[0].std() > predicted[0].std()


def test_each_loss_has_a_gradient_in_one_network_only(critic):
    predicted = smooth(spectrogram()).requires_grad_()
    losses = critic.losses(predicted, spectrogram(), MASK, COUNT)
    weights = list(critic.parameters())
    for loss in (losses.generator_loss, losses.feature_loss):
        found = torch.autograd.grad(
            loss, [predicted, *weights], retain_graph=True, allow_unused=True
        )
        assert found[0].abs().sum() > 0
        assert all(gradient is None for gradient in found[1:])
    found = torch.autograd.grad(losses.critic_loss, [predicted, *weights], allow_unused=True)
    assert found[0] is None
    assert all(gradient.abs().sum() > 0 for gradient in found[1:])


def test_a_perfect_prediction_has_the_features_of_the_recording(critic):
    losses = critic.losses(spectrogram(), spectrogram(), MASK, COUNT)
    assert losses.feature_loss.item() == 0.0
    assert losses.generator_loss.item() == pytest.approx(1.0, abs=0.3)


@pytest.mark.parametrize("n_more", [1, 2, 7])
def test_padding_has_no_influence(critic, n_more):
    predicted, target = smooth(spectrogram()), spectrogram()
    expected = critic.losses(predicted, target, MASK, COUNT)

    def padded(mel, value):
        mel = torch.nn.functional.pad(mel, (0, n_more))
        return mel.masked_fill(~mask[:, None], value)

    mask = sequence_mask(LENGTHS, 40 + n_more)
    found = critic.losses(padded(predicted, 3.0), padded(target, -9.0), mask, COUNT)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.item() == pytest.approx(theirs.item(), rel=1e-5)


def test_losses_of_parts_of_a_batch_add_up(critic):
    predicted, target = smooth(spectrogram()), spectrogram()
    whole = critic.losses(predicted, target, MASK, COUNT)
    parts = [
        critic.losses(predicted[k : k + 1], target[k : k + 1], MASK[k : k + 1], COUNT)
        for k in (0, 1)
    ]
    for together, *apart in zip(whole, *parts, strict=True):
        assert sum(apart).item() == pytest.approx(together.item(), rel=1e-5)


@pytest.mark.slow
def test_a_run_with_a_critic_gives_a_network_without_one(tmp_path):
    options = [*TINY_TACOTRON2, *QUIET, "trainer.max_steps=2", "loss.critic_weight=1"]
    metrics = run(tmp_path, *options)
    assert {"train/loss_critic", "train/loss_fooled", "train/loss_features"} < metrics.keys()
    file = tmp_path / "output" / "checkpoints" / "last.ckpt"
    assert any(name.startswith("critic.") for name in torch.load(file)["state_dict"])
    network = pretrained.load(file)
    assert not any("critic" in name for name in network.state_dict())


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after", "state"), [(1, 0, "with"), (0, 1, "without")])
def test_a_resumed_run_cannot_switch_the_critic_on_or_off(tmp_path, before, after, state):
    options = [*TINY_TACOTRON2, *QUIET, "trainer.max_steps=1"]
    run(tmp_path, *options, f"loss.critic_weight={before}")
    file = tmp_path / "output" / "checkpoints" / "last.ckpt"
    message = (
        f"loss.critic_weight: the run to resume was trained {state} a critic; give the weight "
        "that it had, or begin a new run with init_from="
    )
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        run(
            tmp_path,
            *[*options[:-1], "trainer.max_steps=2"],
            f"loss.critic_weight={after}",
            f"ckpt_path={file}",
            output="other",
        )
